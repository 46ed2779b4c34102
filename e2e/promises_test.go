package e2e

import (
	"testing"
	"time"
)

// promise is one thing that every deployment does, whatever its provider is and however its processes are cut.
type promise struct {
	name string
	keep func(*testing.T, *deployment)
}

// promises returns all of them. Each registers its own client and logs in by itself, so that none needs another.
func promises() []promise {
	return []promise{
		{"health checks are answered", answersHealthChecks},
		{"a request without a token is challenged", challengesWithoutToken},
		{"the metadata leads a client from the endpoint to the token", publishesMetadata},
		{"the metadata does not depend on the Host header", ignoresHostInMetadata},
		{"registration gives each client an id of its own", registersClients},
		{"a login yields a token for the resource", logsIn},
		{"a confidential client logs in with its secret", logsInConfidentialClient},
		{"a denied consent tells the client and nobody else", deniesOnRequest},
		{"an approval may be repeated until the login is over", repeatsApproval},
		{"another browser cannot finish an approved login", refusesAnotherBrowser},
		{"a consent form from elsewhere is refused", refusesForgedConsent},
		{"an unproven client is never redirected to", neverRedirectsToUnproven},
		{"a client is told what is wrong with its request", tellsClientOfErrors},
		{"a code works once, and its replay ends what it gave", endsReplayedGrant},
		{"of many who redeem a code at once, one succeeds", redeemsCodeOnce},
		{"a code is good for its own client and verifier only", bindsCode},
		{"a refresh token rotates, and a lost answer can be had again", rotatesRefreshTokens},
		{"a refresh token that comes back late ends its own grant only", endsReusedGrant},
		{"a refresh token is good for its own client only", bindsRefreshTokens},
		{"scopes are never widened", neverWidensScopes},
		{"a client ends its grant with either of its tokens", revokesTokens},
		{"a client ends nothing of another", revokesOwnTokensOnly},
		{"resource servers may introspect, and nobody else", introspects},
		{"whatever is not active looks the same", hidesInactiveTokens},
		{"a user sees and ends what they allowed", managesAccount},
		{"the account page serves its own browser only", guardsAccount},
		{"tokens outlive the rotation of their key, and not its removal", rotatesKeys},
		{"the endpoint serves MCP 2024-11-05 with a session", servesMCP("2024-11-05")},
		{"the endpoint serves MCP 2025-06-18 with a session", servesMCP("2025-06-18")},
		{"the endpoint serves MCP 2025-11-25 with a session", servesMCP("2025-11-25")},
		{"the endpoint serves MCP 2026-07-28 without a session", servesStatelessMCP},
		{"a session does not replace the token", sessionIsNoCredential},
		{"a foreign Origin or Host is refused", refusesForeignOriginAndHost},
		{"a forged token is refused", refusesForgedTokens},
		{"VerifyToken answers for every token", verifiesTokens},
		{"gRPC is open for health, reflection and verification only", guardsGRPC},
		{"an operator sees and ends what was granted", administers},
	}
}

// providerPromises returns those that need a provider which does as the test says.
func providerPromises() []promise {
	return []promise{
		{"a session that the provider ends is over at once", endsWithProviderSession},
		{"a logout token that does not hold ends nothing", refusesForgedLogouts},
	}
}

// keepPromises tests a deployment against all promises.
func keepPromises(t *testing.T, d *deployment) {
	t.Helper()
	all := promises()
	if d.provider != nil {
		all = append(all, providerPromises()...)
	}
	for _, p := range all {
		t.Run(p.name, func(t *testing.T) { p.keep(t, d) })
	}
}

// eventually waits for something that may take a moment by contract, such as a revocation on another node.
func eventually(t *testing.T, within time.Duration, what string, happened func() bool) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !happened() {
		select {
		case <-deadline.C:
			t.Fatalf("after %s: %s did not happen", within, what)
		case <-tick.C:
		}
	}
}

// revocationDelay is how long a revocation may take to show on another node, with a margin for a busy machine.
const revocationDelay = 3 * time.Second
