package sqlite

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// Every statement that runs for a request finds its rows through an index, so that no table makes it slow by growing.
func TestStatementsUseIndexes(t *testing.T) {
	store, err := Open(t.Context(), filepath.Join(t.TempDir(), "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()

	statements := map[string]string{
		"create client": insertClient, "read client": selectClient, "authenticate client": selectClientAuthentication, "list clients": selectClients,
		"list clients on": selectClientsAfter, "mark client": markClientUsed, "mark client of code": markClientOfCodeUsed,
		"drop unused": dropUnused, "create transaction": insertPending, "begin login": insertLogin, "read transaction": selectTransactionByHandle,
		"approve": approveTransaction, "deny": denyTransaction, "claim": claimTransaction, "fail": failTransaction,
		"complete": completeTransaction, "status": selectTransactionStatus, "id exists": transactionExists,
		"save user": upsertUser, "save credential": upsertCredential,
		"create code": insertCode, "read code": selectCode, "redeem": redeemCode, "burn": burnCode,
		"code is used": codeIsUsed, "create grant": insertGrant, "read grant": selectGrant,
		"rotate": rotateRefreshToken, "read evidence": selectEvidence,
		"record revocation": insertRevocation, "read revocations": selectRevocations,
		"read credential": selectCredential, "credentials of a session": selectCredentialsBySession,
		"credential exists": credentialExists, "unused credentials": selectUnusedCredentials,
		"credentials in use": selectCredentialsInUse,
		"delete credential":  deleteCredential, "begin renewal": beginRenewal, "finish renewal": finishRenewal,
		"end lease": endLease, "create session": insertAccountSession,
		"read session": selectAccountSession, "delete session": deleteAccountSession,
		"delete sessions of user":     deleteAccountSessionsOfUser,
		"delete sessions of provider": deleteAccountSessionsOfProvider, "use assertion": insertAssertion,
		"replace sealed credential": replaceSealedCredential, "replace sealed transaction": replaceSealedTransaction,
		"replace sealed key": replaceSealedSigningKey, "delete key": deleteSigningKey,
		"sweep unused": sweepUnusedClients, "sweep idle": sweepIdleClients, "sweep codes": sweepCodes,
		"sweep transactions": sweepTransactions, "sweep grants": sweepGrants, "sweep revocations": sweepRevocations,
		"sweep sessions": sweepAccountSessions, "sweep assertions": sweepAssertions, "sweep user": sweepUser,
	}
	for name, part := range map[string]part{"unapproved": unapproved(), "under way": underWay(), "logins": logins()} {
		statements["count "+name] = part.count
		for i, drop := range part.drops {
			statements[numbered("drop "+name, i)] = drop
		}
	}
	for name, filter := range map[string]storage.GrantFilter{
		"all": {}, "id": {ID: "x"}, "client": {ClientID: "x"}, "user": {UserID: "x"},
		"client and user": {ClientID: "x", UserID: "x"}, "credential": {CredentialID: "x"},
	} {
		for _, page := range []storage.Page{{Limit: 1}, {Limit: 1, After: storage.Cursor{CreateTime: noon, ID: "x"}}} {
			query, _ := listGrants(filter, page)
			statements["list grants of "+name+page.After.ID] = query
		}
		if name != "all" {
			query, _ := revokeGrants(filter, "")
			statements["revoke grants of "+name] = query
		}
		if filter.CoversCodes() {
			query, _ := burnCodes(filter)
			statements["burn codes of "+name] = query
		}
	}

	walk := regexp.MustCompile(`^SCAN (\w+)$|TEMP B-TREE`)
	for name, query := range statements {
		args := make([]any, strings.Count(query, "?"))
		rows, err := store.reader.pool.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+query, args...)
		steps, err := collect(rows, err, func(step *planStep) []any { return []any{new(int), new(int), new(int), &step.text} })
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, step := range steps {
			if walk.MatchString(step.text) && step.text != "SCAN CONSTANT ROW" {
				t.Errorf("%s: %s\n%s", name, step.text, query)
			}
		}
	}
}

type planStep struct{ text string }
