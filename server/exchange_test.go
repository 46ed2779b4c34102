package server_test

import (
	"encoding/base64"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

func TestWrongExchangeRequests(t *testing.T) {
	r := newRig(t)
	clientID, other := r.register(t), r.register(t)
	for name, test := range map[string]struct {
		change func(*gatehousev1.ExchangeTokenRequest)
		want   string
		spends bool // whether the honest client has lost the code
	}{
		"no grant type":       {func(q *gatehousev1.ExchangeTokenRequest) { q.GrantType = "" }, "invalid_request", false},
		"password grant":      {func(q *gatehousev1.ExchangeTokenRequest) { q.GrantType = "password" }, "unsupported_grant_type", false},
		"client_credentials":  {func(q *gatehousev1.ExchangeTokenRequest) { q.GrantType = "client_credentials" }, "unsupported_grant_type", false},
		"no code":             {func(q *gatehousev1.ExchangeTokenRequest) { q.Code = "" }, "invalid_request", false},
		"unknown code":        {func(q *gatehousev1.ExchangeTokenRequest) { q.Code += "x" }, "invalid_grant", false},
		"no client":           {func(q *gatehousev1.ExchangeTokenRequest) { q.ClientId = "" }, "invalid_client", false},
		"unknown client":      {func(q *gatehousev1.ExchangeTokenRequest) { q.ClientId = "nobody" }, "invalid_client", false},
		"another client":      {func(q *gatehousev1.ExchangeTokenRequest) { q.ClientId = other }, "invalid_grant", false},
		"a secret it has not": {func(q *gatehousev1.ExchangeTokenRequest) { q.ClientSecret = "x" }, "invalid_client", false},
		"another redirect":    {func(q *gatehousev1.ExchangeTokenRequest) { q.RedirectUri += "/" }, "invalid_grant", false},
		"no redirect":         {func(q *gatehousev1.ExchangeTokenRequest) { q.RedirectUri = "" }, "invalid_grant", false},
		"another resource":    {func(q *gatehousev1.ExchangeTokenRequest) { q.Resource = "https://b.example/mcp" }, "invalid_target", false},
		"no verifier":         {func(q *gatehousev1.ExchangeTokenRequest) { q.CodeVerifier = "" }, "invalid_request", false},
		"wrong verifier":      {func(q *gatehousev1.ExchangeTokenRequest) { q.CodeVerifier += "x" }, "invalid_grant", true},
		"challenge as verifier": {func(q *gatehousev1.ExchangeTokenRequest) {
			q.CodeVerifier = request(clientID).GetCodeChallenge()
		}, "invalid_grant", true},
	} {
		t.Run(name, func(t *testing.T) {
			good := tokenRequest(clientID, r.code(t, clientID))
			bad := tokenRequest(clientID, good.GetCode())
			test.change(bad)
			_, err := r.ExchangeToken(t.Context(), bad)
			wantReason(t, err, test.want)
			_, err = r.ExchangeToken(t.Context(), good)
			if test.spends {
				wantReason(t, err, "invalid_grant")
			} else if err != nil {
				t.Errorf("the honest client afterwards: %v", err)
			}
		})
	}
}

func TestReplayedCodeEndsWhatTheFirstUseIssued(t *testing.T) {
	r := newRig(t)
	clientID := r.register(t)
	req := tokenRequest(clientID, r.code(t, clientID))
	tokens, err := r.ExchangeToken(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if !r.verify(t, tokens.GetAccessToken()).GetActive() {
		t.Fatal("token is not active")
	}
	stranger := tokenRequest(r.register(t), req.GetCode())
	_, err = r.ExchangeToken(t.Context(), stranger)
	wantReason(t, err, "invalid_grant")
	if !r.verify(t, tokens.GetAccessToken()).GetActive() {
		t.Error("another client's replay ended the grant")
	}
	_, err = r.ExchangeToken(t.Context(), req)
	wantReason(t, err, "invalid_grant")
	verdict := r.verify(t, tokens.GetAccessToken())
	if verdict.GetActive() || verdict.GetReason() != gatehousev1.InactiveReason_INACTIVE_REASON_REVOKED {
		t.Errorf("after the replay: %v", verdict)
	}
}

func TestCodeExpires(t *testing.T) {
	r := newRig(t)
	clientID := r.register(t)
	req := tokenRequest(clientID, r.code(t, clientID))
	r.clock.Advance(time.Minute)
	_, err := r.ExchangeToken(t.Context(), req)
	wantReason(t, err, "invalid_grant")
}

func TestRacingExchangesHaveOneWinner(t *testing.T) {
	r := newRig(t)
	clientID := r.register(t)
	for range 20 {
		req := tokenRequest(clientID, r.code(t, clientID))
		var winners atomic.Int32
		var group sync.WaitGroup
		for range 32 {
			group.Go(func() {
				if _, err := r.ExchangeToken(t.Context(), req); err == nil {
					winners.Add(1)
				} else if reason(err) != "invalid_grant" {
					t.Errorf("loser got %v", err)
				}
			})
		}
		group.Wait()
		if winners.Load() != 1 {
			t.Fatalf("%d winners", winners.Load())
		}
	}
}

func TestClientAuthenticatesAsItRegistered(t *testing.T) {
	r := newRig(t)
	type presented func(id, secret string, req *gatehousev1.ExchangeTokenRequest) string
	forms := map[string]presented{
		"none": func(id, _ string, req *gatehousev1.ExchangeTokenRequest) string { req.ClientId = id; return "" },
		"client_secret_post": func(id, secret string, req *gatehousev1.ExchangeTokenRequest) string {
			req.ClientId, req.ClientSecret = id, secret
			return ""
		},
		"client_secret_basic": func(id, secret string, req *gatehousev1.ExchangeTokenRequest) string {
			req.ClientId = ""
			return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
		},
	}
	for registered := range forms {
		for used, present := range forms {
			t.Run(registered+" presenting "+used, func(t *testing.T) {
				client, err := r.RegisterClient(t.Context(), &gatehousev1.RegisterClientRequest{
					RedirectUris: []string{redirectURI}, TokenEndpointAuthMethod: registered,
				})
				if err != nil {
					t.Fatal(err)
				}
				if hasSecret := client.ClientSecret != nil; hasSecret != (registered != "none") {
					t.Errorf("secret present: %t", hasSecret)
				}
				secret := client.GetClientSecret()
				if secret == "" {
					secret = "made up"
				}
				req := tokenRequest(client.GetClientId(), r.code(t, client.GetClientId()))
				ctx := t.Context()
				if header := present(client.GetClientId(), secret, req); header != "" {
					ctx = metadata.AppendToOutgoingContext(ctx, "authorization", header)
				}
				_, err = r.ExchangeToken(ctx, req)
				if registered == used && err != nil {
					t.Error(err)
				}
				if registered != used {
					wantReason(t, err, "invalid_client")
				}
			})
		}
	}
}

// RFC 6749 section 2.3: a client must not use more than one method in a request.
func TestClientAuthenticatesInOneWay(t *testing.T) {
	r := newRig(t)
	client, err := r.RegisterClient(t.Context(), &gatehousev1.RegisterClientRequest{
		RedirectUris: []string{redirectURI}, TokenEndpointAuthMethod: "client_secret_basic",
	})
	if err != nil {
		t.Fatal(err)
	}
	id, secret := client.GetClientId(), client.GetClientSecret()
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", basic)
	code := r.code(t, id)
	for name, present := range map[string]func(*gatehousev1.ExchangeTokenRequest){
		"a secret beside the header":    func(q *gatehousev1.ExchangeTokenRequest) { q.ClientSecret = secret },
		"another id beside the header":  func(q *gatehousev1.ExchangeTokenRequest) { q.ClientId = r.register(t) },
		"both, as it would be for post": func(q *gatehousev1.ExchangeTokenRequest) { q.ClientId, q.ClientSecret = id, secret },
	} {
		req := tokenRequest("", code)
		present(req)
		if _, err := r.ExchangeToken(ctx, req); reason(err) != "invalid_request" {
			t.Errorf("%s: %v, want invalid_request", name, err)
		}
	}
	if _, err := r.ExchangeToken(ctx, tokenRequest(id, code)); err != nil { // the id alone says nothing new
		t.Error(err)
	}
}

func TestPublicClientMayPresentAnEmptyBasicPassword(t *testing.T) {
	r := newRig(t)
	clientID := r.register(t)
	req := tokenRequest("", r.code(t, clientID))
	header := "Basic " + base64.StdEncoding.EncodeToString([]byte(clientID+":"))
	if _, err := r.ExchangeToken(metadata.AppendToOutgoingContext(t.Context(), "authorization", header), req); err != nil {
		t.Error(err)
	}
}

func TestClientWithoutTheGrantTypeGetsNoRefreshToken(t *testing.T) {
	r := newRig(t)
	client, err := r.RegisterClient(t.Context(), &gatehousev1.RegisterClientRequest{
		RedirectUris: []string{redirectURI}, TokenEndpointAuthMethod: "none", GrantTypes: []string{"authorization_code"},
	})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := r.ExchangeToken(t.Context(), tokenRequest(client.GetClientId(), r.code(t, client.GetClientId())))
	if err != nil || tokens.GetRefreshToken() != "" {
		t.Errorf("tokens = %v, %v", tokens, err)
	}
	other := r.login(t).GetRefreshToken()
	_, err = (&session{rig: r, clientID: client.GetClientId()}).refresh(t, other)
	wantReason(t, err, "unauthorized_client")
}
