package postgres

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres/postgrestest"
)

// Every statement that runs for a request finds its rows through an index, so that no table makes it slow by growing.
// The tables are empty here, so walking through one is forbidden to the planner and shows up only where it has no choice.
func TestStatementsUseIndexes(t *testing.T) {
	server := postgrestest.Start(t)
	store := openStore(t, server.URL(server.Database(t)), WithConnections(1))

	statements := map[string]string{
		"create client": insertClient, "read client": selectClient, "authenticate client": selectClientAuthentication, "list clients": selectClients,
		"list clients on": selectClientsAfter,
		"drop unused":     dropUnused, "drop transactions": dropTransactions,
		"create transaction": insertPending, "begin login": insertLogin, "read transaction": selectTransactionByHandle,
		"approve": approveTransaction, "deny": denyTransaction, "claim": claimTransaction, "fail": failTransaction,
		"complete": completeTransaction, "status": selectTransactionStatus, "id exists": transactionExists,
		"save user": upsertUser, "save credential": upsertCredential,
		"create code": insertCode, "read code": selectCode, "redeem": redeemCode, "burn": burnCode,
		"code is used": codeIsUsed, "read grant": selectGrant, "read evidence": selectEvidence,
		"rotate": rotateRefreshToken, "rotate and mark": rotateAndMark, "lock grant": lockGrant,
		"read credential": selectCredential, "session": selectCredentialsBySession, "begin": beginRenewal,
		"finish": finishRenewal, "end": endLease, "lock credential": lockCredential,
		"delete credential": deleteCredential, "in use": selectCredentialsInUse, "revocations": selectRevocations,
		"bounds of revocations":       selectRevocationBounds,
		"delete sessions of user":     deleteAccountSessionsOfUser,
		"delete sessions of provider": deleteAccountSessionsOfProvider,
		"create session":              insertAccountSession, "read session": selectAccountSession, "assertion": insertAssertion,
		"sweep unused": sweepUnusedClients, "sweep idle": sweepIdleClients, "sweep codes": sweepCodes,
		"sweep transactions": sweepTransactions, "sweep grants": sweepGrants, "sweep revocations": sweepRevocations,
		"sweep sessions": sweepAccountSessions, "sweep assertions": sweepAssertions, "sweep users": sweepUsers,
	}
	for name, part := range map[string]part{"unapproved": unapproved(), "under way": underWay(), "logins": logins()} {
		statements["count "+name] = part.count
		for i, drop := range part.drops {
			statements[fmt.Sprintf("drop %s %d", name, i)] = drop
		}
	}
	for name, filter := range map[string]storage.GrantFilter{
		"all": {}, "id": {ID: "x"}, "client": {ClientID: "x"}, "user": {UserID: "x"}, "credential": {CredentialID: "x"},
		"client and user": {ClientID: "x", UserID: "x"},
	} {
		for _, page := range []storage.Page{{Limit: 1}, {Limit: 1, After: storage.Cursor{CreateTime: noon, ID: "x"}}} {
			statement, _ := listGrants(filter, page)
			statements["list grants of "+name+page.After.ID] = statement
		}
		if name != "all" {
			statement, _ := revokeGrants(filter, "")
			statements["revoke grants of "+name] = statement
		}
		if filter.CoversCodes() {
			statement, _ := burnCodes(filter)
			statements["burn codes of "+name] = statement
		}
	}

	walk := regexp.MustCompile(`Seq Scan on (\w+)`)
	for name, statement := range statements {
		for _, step := range plan(t, store, statement) {
			if strings.HasPrefix(name, "drop ") && strings.Contains(step, "Sort") {
				t.Errorf("%s sorts what it chooses from\n%s", name, statement)
			}
			if found := walk.FindStringSubmatch(step); found != nil {
				t.Errorf("%s walks through %s\n%s", name, found[1], statement)
			}
		}
	}
}

var placeholder = regexp.MustCompile(`\$(\d+)`)

// plan returns the steps of the plan for any arguments.
func plan(t *testing.T, store *Store, statement string) (steps []string) {
	t.Helper()
	count := 0
	for _, found := range placeholder.FindAllStringSubmatch(statement, -1) {
		var number int
		if _, err := fmt.Sscan(found[1], &number); err != nil {
			t.Fatal(err)
		}
		count = max(count, number)
	}
	execute := "EXPLAIN EXECUTE planned"
	if count > 0 {
		execute += "(NULL" + strings.Repeat(", NULL", count-1) + ")"
	}
	err := store.transact(t.Context(), "plan", func(tx *session) (err error) {
		for _, prepare := range []string{
			"SET LOCAL enable_seqscan = off", "SET LOCAL plan_cache_mode = force_generic_plan",
			"PREPARE planned AS " + statement,
		} {
			if _, err := tx.change(prepare); err != nil {
				return err
			}
		}
		if steps, err = tx.texts(execute); err != nil {
			return err
		}
		_, err = tx.change("DEALLOCATE planned")
		return err
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, statement)
	}
	return steps
}
