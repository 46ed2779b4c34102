package storagetest

import (
	"errors"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// later moves the clock on, so that what comes now is younger than what came before.
func (s *scene) later() { s.now = s.now.Add(time.Second) }

// registered reports whether a client exists.
func (s *scene) registered(client storage.Client) bool {
	s.t.Helper()
	_, err := s.Client(s.t.Context(), client.ID)
	if err != nil {
		s.want(storage.ErrNotFound, err)
	}
	return err == nil
}

// present reports whether a transaction exists.
func (s *scene) present(txn storage.Transaction) bool {
	s.t.Helper()
	_, err := s.TransactionByHandle(s.t.Context(), txn.HandleHash, s.now)
	if err != nil {
		s.want(storage.ErrNotFound, err)
	}
	return err == nil
}

// flood registers clients, and begins a login for each, which nobody approves.
func (s *scene) flood(n, limit int) {
	s.t.Helper()
	for range n {
		s.later()
		client := s.newClient()
		s.must(s.CreateClient(s.t.Context(), client, limit))
		s.pending(client.ID)
	}
}

func clientFloodChecks() []check {
	return []check{
		{"a registration at the limit takes the place of the oldest client that was never used", func(t *testing.T, s *scene) {
			const limit = 3
			var clients []storage.Client
			for range limit + 2 {
				s.later()
				client := s.newClient()
				s.must(s.CreateClient(t.Context(), client, limit))
				clients = append(clients, client)
			}
			for i, client := range clients {
				same(t, s.registered(client), i >= 2)
			}
		}},
		{"an evicted client takes its transactions and codes along", func(t *testing.T, s *scene) {
			victim := s.client()
			txn, code := s.pending(victim.ID), s.code(victim.ID, "alice")
			s.must(s.BurnCode(t.Context(), code.Hash, s.now))
			other := s.pending("other")
			s.now = code.ExpireTime
			s.must(s.CreateClient(t.Context(), s.newClient(), 1))
			same(t, s.registered(victim), false)
			same(t, s.present(txn), false)
			_, err := s.Code(t.Context(), code.Hash)
			s.want(storage.ErrNotFound, err)
			same(t, s.present(other), true)
		}},
		{"a flood passes by clients that somebody uses", clientsThatStay},
		{"a login that is only asked for holds no client", func(t *testing.T, s *scene) {
			client := s.client()
			s.pending(client.ID)
			s.later()
			s.must(s.CreateClient(t.Context(), s.newClient(), 1))
			same(t, s.registered(client), false)
		}},
		{"a login that has ended holds no client", func(t *testing.T, s *scene) {
			for _, status := range []storage.TransactionStatus{
				storage.StatusDenied, storage.StatusBurned, storage.StatusFailed,
			} {
				client := s.client()
				s.inFor(client.ID, status)
				s.later()
				s.must(s.CreateClient(t.Context(), s.newClient(), 1))
				same(t, s.registered(client), false)
			}
		}},
		{"an approval holds its client only until it expires", func(t *testing.T, s *scene) {
			client := s.client()
			txn := s.approved(client.ID)
			refused := s.newClient()
			refused.CreateTime = txn.ExpireTime.Add(-time.Microsecond)
			s.want(storage.ErrLimit, s.CreateClient(t.Context(), refused, 1))
			refused.CreateTime = txn.ExpireTime
			s.must(s.CreateClient(t.Context(), refused, 1))
			same(t, s.registered(client), false)
		}},
		{"when no client may go the registration is refused and all stay", func(t *testing.T, s *scene) {
			idle, busy := s.client(), s.client()
			s.approved(busy.ID)
			refused := s.newClient()
			s.want(storage.ErrLimit, s.CreateClient(t.Context(), refused, 1)) // two would have to go
			same(t, []bool{s.registered(idle), s.registered(busy), s.registered(refused)}, []bool{true, true, false})
		}},
		{"a limit that was lowered is reached again with the next registration", func(t *testing.T, s *scene) {
			for range 5 {
				s.client()
			}
			s.must(s.CreateClient(t.Context(), s.newClient(), 2))
			stored, err := s.ListClients(t.Context(), storage.Page{Limit: 100})
			s.must(err)
			same(t, len(stored), 2)
		}},
		{"of a racing approval and a flood one is told", approvalsAgainstFlood},
	}
}

func clientsThatStay(t *testing.T, s *scene) {
	const limit = 3
	used, ended, operated := s.client(), s.client(), s.newClient()
	operated.Origin = storage.OriginOperator
	s.create(operated)
	grant := s.grant(used.ID, "alice")
	s.revoke(s.grant(ended.ID, "alice"))
	busy, back, exchanging := s.client(), s.client(), s.client()
	s.approved(busy.ID)
	claimed := s.inFor(back.ID, storage.StatusClaimed)
	code := s.code(exchanging.ID, "bob")
	s.flood(3*limit, limit+3)
	for _, client := range []storage.Client{used, ended, operated, busy, back, exchanging} {
		same(t, s.registered(client), true)
	}
	s.stands(grant)
	s.must(s.redeem(code))
	s.must(s.CompleteTransaction(t.Context(), s.newCompletion(claimed, "carol")))
}

// approvalsAgainstFlood lets persons approve while others register. Whoever is told of an approval keeps the client.
func approvalsAgainstFlood(t *testing.T, s *scene) {
	const limit = racers
	clients, txns := make([]storage.Client, racers), make([]storage.Transaction, racers)
	for i := range clients {
		clients[i] = s.newClient()
		s.must(s.CreateClient(t.Context(), clients[i], limit))
		txns[i] = s.pending(clients[i].ID)
	}
	s.later()
	approvals := make([]storage.Approval, racers)
	for i := range approvals {
		approvals[i] = s.newApproval(txns[i])
	}
	answers := race(2*racers, func(i int) error {
		if i%2 == 0 {
			return second(s.ApproveTransaction(t.Context(), approvals[i/2], s.now, noLimit))
		}
		return s.CreateClient(t.Context(), s.newClient(), limit)
	})
	for i, client := range clients {
		switch err := answers[2*i]; {
		case err == nil:
			same(t, s.registered(client), true)
			same(t, s.present(txns[i]), true)
		default:
			s.want(storage.ErrNotFound, err)
			same(t, s.registered(client), false)
		}
		if err := answers[2*i+1]; err != nil && !errors.Is(err, storage.ErrLimit) {
			t.Errorf("a registration was told %v", err)
		}
	}
	stored, err := s.ListClients(t.Context(), storage.Page{Limit: 100})
	s.must(err)
	same(t, len(stored), limit)
}

func transactionFloodChecks() []check {
	return []check{
		{"a request at the limit takes the place of the oldest that nobody has approved", func(t *testing.T, s *scene) {
			approved, claimed := s.approved("client"), s.claimed("client")
			const limit = 3
			var txns []storage.Transaction
			for range limit + 2 {
				s.later()
				txn := s.newTransaction("client")
				s.must(s.CreateTransaction(t.Context(), txn, limit))
				txns = append(txns, txn)
			}
			for i, txn := range txns {
				same(t, s.present(txn), i >= 2)
			}
			same(t, s.status(approved), storage.StatusApproved)
			same(t, s.status(claimed), storage.StatusClaimed)
		}},
		{"an approval at the limit takes the place of the oldest that is at the provider", func(t *testing.T, s *scene) {
			claimed := s.claimed("client")
			s.later()
			first := s.approved("client")
			s.later()
			second := s.approved("client")
			s.later()
			_, err := s.ApproveTransaction(t.Context(), s.newApproval(s.pending("client")), s.now, 3)
			s.must(err)
			same(t, []bool{s.present(claimed), s.present(first), s.present(second)}, []bool{true, false, true})
		}},
		{"an approval that is refused or repeated takes no place", func(t *testing.T, s *scene) {
			approval := s.newApproval(s.pending("client"))
			first, err := s.ApproveTransaction(t.Context(), approval, s.now, 1)
			s.must(err)
			again, err := s.ApproveTransaction(t.Context(), approval, s.now, 1)
			s.must(err)
			same(t, again, first)
			approval.PageHash = s.hash()
			_, err = s.ApproveTransaction(t.Context(), approval, s.now, 1)
			s.want(storage.ErrUsed, err)
			_, err = s.ApproveTransaction(t.Context(), s.newApproval(s.newTransaction("client")), s.now, 1)
			s.want(storage.ErrNotFound, err)
			same(t, s.status(first), storage.StatusApproved)
		}},
		{"an approval waits when all before it are back from the provider", func(t *testing.T, s *scene) {
			claimed, waiting := s.claimed("client"), s.pending("client")
			approval := s.newApproval(waiting)
			leaked, err := s.ApproveTransaction(t.Context(), approval, s.now, 1)
			s.want(storage.ErrLimit, err)
			same(t, leaked, storage.Transaction{})
			same(t, s.status(waiting), storage.StatusPending)
			s.must(s.CompleteTransaction(t.Context(), s.newCompletion(claimed, "alice")))
			_, err = s.ApproveTransaction(t.Context(), approval, s.now, 1)
			s.must(err)
		}},
		{"what has ended gives way before anything that has not", func(t *testing.T, s *scene) {
			waiting, approved, login := s.pending("client"), s.approved("client"), s.newLogin()
			s.must(s.CreateTransaction(t.Context(), login, noLimit))
			s.later()
			denied := s.in(storage.StatusDenied)
			s.must(s.CreateTransaction(t.Context(), s.newTransaction("client"), 2))
			same(t, []bool{s.present(denied), s.present(waiting)}, []bool{false, true})

			burned, failed := s.in(storage.StatusBurned), s.in(storage.StatusFailed)
			_, err := s.ApproveTransaction(t.Context(), s.newApproval(s.pending("client")), s.now, 2)
			s.must(err)
			same(t, []bool{s.present(burned), s.present(failed), s.present(approved)}, []bool{false, false, true})

			broken := s.loggingIn()
			s.must(s.FailTransaction(t.Context(), broken.ID))
			s.must(s.CreateTransaction(t.Context(), s.newLogin(), 2))
			same(t, []bool{s.present(broken), s.present(login)}, []bool{false, true})
		}},
		{"completed transactions take no place", func(t *testing.T, s *scene) {
			completed := s.in(storage.StatusCompleted)
			s.session("alice")
			s.must(s.CreateTransaction(t.Context(), s.newTransaction("client"), 1))
			s.must(s.CreateTransaction(t.Context(), s.newLogin(), 1))
			_, err := s.ApproveTransaction(t.Context(), s.newApproval(s.pending("client")), s.now, 1)
			s.must(err)
			same(t, s.status(completed), storage.StatusCompleted)
		}},
		{"expired transactions take no place", func(t *testing.T, s *scene) {
			old := s.newTransaction("client")
			old.ExpireTime = s.now.Add(time.Minute)
			s.must(s.CreateTransaction(t.Context(), old, noLimit))
			other := s.pending("client")
			s.now = old.ExpireTime
			s.must(s.CreateTransaction(t.Context(), s.newTransaction("client"), 2))
			same(t, s.present(other), true)
		}},
		{"without any room everything is refused", func(t *testing.T, s *scene) {
			s.want(storage.ErrLimit, s.CreateTransaction(t.Context(), s.newTransaction("client"), 0))
			s.want(storage.ErrLimit, s.CreateTransaction(t.Context(), s.newLogin(), 0))
			_, err := s.ApproveTransaction(t.Context(), s.newApproval(s.pending("client")), s.now, 0)
			s.want(storage.ErrLimit, err)
		}},
		{"racing requests, approvals and logins never exceed their limits", racingFloods},
	}
}

// racingFloods fills all parts at once and counts what is left of each.
func racingFloods(t *testing.T, s *scene) {
	const limit, callers = 10, 2 * racers
	requests, approvals, logins := make([]storage.Transaction, callers), make([]storage.Approval, callers), make([]storage.Transaction, callers)
	for i := range callers {
		requests[i], logins[i] = s.newTransaction("client"), s.newLogin()
		approvals[i] = s.newApproval(s.pending("client"))
	}
	for i, err := range race(2*callers, func(i int) error {
		if i%2 == 0 {
			return second(s.ApproveTransaction(t.Context(), approvals[i/2], s.now, limit))
		}
		return s.CreateTransaction(t.Context(), logins[i/2], limit)
	}) {
		if err != nil {
			t.Errorf("caller %d was told %v", i, err)
		}
	}
	for _, err := range race(callers, func(i int) error {
		return s.CreateTransaction(t.Context(), requests[i], limit)
	}) {
		s.must(err)
	}
	left := map[string]int{}
	for i := range callers {
		if s.present(requests[i]) {
			left["requests"]++
		}
		if s.present(logins[i]) {
			left["logins"]++
		}
		if s.present(storage.Transaction{HandleHash: approvals[i].HandleHash}) {
			left["approvals"]++
		}
	}
	same(t, left, map[string]int{"requests": limit, "logins": limit, "approvals": limit})
}

func loginFloodChecks() []check {
	return []check{
		{"a login at the limit takes the place of the oldest one that is at the provider", func(t *testing.T, s *scene) {
			claimed, first, second := s.loggingIn(), s.newLogin(), s.newLogin()
			for _, login := range []storage.Transaction{first, second} {
				s.later()
				login.ExpireTime = s.now.Add(10 * time.Minute)
				s.must(s.CreateTransaction(t.Context(), login, 3))
			}
			s.later()
			s.must(s.CreateTransaction(t.Context(), s.newLogin(), 3))
			same(t, []bool{s.present(claimed), s.present(first), s.present(second)}, []bool{true, false, true})
		}},
		{"a login waits when all before it are back from the provider", func(t *testing.T, s *scene) {
			s.loggingIn()
			s.want(storage.ErrLimit, s.CreateTransaction(t.Context(), s.newLogin(), 1))
		}},
		{"requests, approvals and logins do not take each other's places", func(t *testing.T, s *scene) {
			waiting, approved, login := s.pending("client"), s.approved("client"), s.newLogin()
			s.must(s.CreateTransaction(t.Context(), login, noLimit))
			there := func(want ...bool) {
				t.Helper()
				same(t, []bool{s.present(waiting), s.present(approved), s.present(login)}, want)
			}
			for range 3 {
				s.must(s.CreateTransaction(t.Context(), s.newTransaction("client"), 2))
				s.later()
			}
			there(false, true, true)
			waiting = s.pending("client")
			for range 3 {
				s.must(s.CreateTransaction(t.Context(), s.newLogin(), 2))
				s.later()
			}
			there(true, true, false)
			s.must(s.CreateTransaction(t.Context(), login, noLimit))
			for range 3 {
				_, err := s.ApproveTransaction(t.Context(), s.newApproval(s.pending("client")), s.now, 2)
				s.must(err)
				s.later()
			}
			there(true, false, true)
		}},
	}
}
