package logout_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/server/identifier"
	"github.com/gatehouse-auth/gatehouse/server/logout"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

const issuer = "https://idp.example.com"

var start = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// provider knows logout tokens by their text.
type provider struct {
	tokens map[string]upstream.LogoutToken
	err    error
}

func (*provider) Name() string { return "idp" }

func (p *provider) ReadLogoutToken(_ context.Context, raw secret.Text) (upstream.LogoutToken, error) {
	return p.tokens[raw.Reveal()], p.err
}

// store keeps grants, newest first, and fails where it is told to.
type store struct {
	grants      []storage.Grant
	credentials []storage.Credential
	signIns     []storage.AccountSession // of the provider idp
	used        map[secret.Hash]time.Time
	failing     string   // the method that fails
	failAfter   int      // calls of it that succeed before
	calls       []string // in order
}

func (s *store) fail(method string) error {
	s.calls = append(s.calls, method)
	if s.failing != method {
		return nil
	}
	if s.failAfter > 0 {
		s.failAfter--
		return nil
	}
	return fmt.Errorf("%s: %w", method, storage.ErrUnavailable)
}

func (s *store) RevokeGrants(_ context.Context, filter storage.GrantFilter, reason string) ([]string, error) {
	if err := s.fail("revoke"); err != nil {
		return nil, err
	}
	var ids []string
	for i, grant := range s.grants {
		selected := filter.UserID != "" && grant.UserID == filter.UserID && !grant.CreateTime.After(filter.CreatedUntil) ||
			filter.CredentialID != "" && grant.CredentialID == filter.CredentialID
		if selected && grant.RevokeTime.IsZero() {
			s.grants[i].RevokeTime, s.grants[i].RevokeReason = filter.Now, reason
			ids = append(ids, grant.ID)
		}
	}
	return ids, nil
}

func (s *store) CredentialsBySession(_ context.Context, name, sessionID string) ([]storage.Credential, error) {
	if err := s.fail("credentials"); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(s.credentials), func(c storage.Credential) bool {
		return c.Provider != name || c.SessionID != sessionID
	}), nil
}

func (s *store) DeleteAccountSessionsOfUser(_ context.Context, userID string, until time.Time) (int, error) {
	return s.signOut(func(a storage.AccountSession) bool { return a.UserID == userID && !a.CreateTime.After(until) })
}

func (s *store) DeleteAccountSessionsOfProvider(_ context.Context, name, sessionID, userID string) (int, error) {
	return s.signOut(func(a storage.AccountSession) bool {
		return name == "idp" && a.SessionID == sessionID && (userID == "" || a.UserID == userID)
	})
}

func (s *store) signOut(over func(storage.AccountSession) bool) (int, error) {
	if err := s.fail("sign out"); err != nil {
		return 0, err
	}
	before := len(s.signIns)
	s.signIns = slices.DeleteFunc(s.signIns, over)
	return before - len(s.signIns), nil
}

func (s *store) UseAssertion(_ context.Context, hash secret.Hash, expire time.Time) error {
	if err := s.fail("use"); err != nil {
		return err
	}
	if _, used := s.used[hash]; used {
		return storage.ErrUsed
	}
	s.used[hash] = expire
	return nil
}

// rig is a Receiver over a store in which alice has two sessions and bob has one:
//
//	session  credential  grants
//	s1       c1          g1 g2
//	s1       c5          g5
//	s2       c2          g3
//	s3       c3 (bob's)  g4
type rig struct {
	*logout.Receiver
	*store
	provider *provider
	now      time.Time
	told     []string
}

func (r *rig) Revoked(ids ...string) { r.told = append(r.told, ids...) }

func newRig() *rig {
	alice, bob := identifier.User("idp", issuer, "alice"), identifier.User("idp", issuer, "bob")
	grant := func(id, user, credential string, age time.Duration) storage.Grant {
		return storage.Grant{ID: id, UserID: user, CredentialID: credential, CreateTime: start.Add(-age)}
	}
	r := &rig{
		provider: &provider{tokens: map[string]upstream.LogoutToken{}},
		now:      start,
		store: &store{
			used: map[secret.Hash]time.Time{},
			credentials: []storage.Credential{
				{ID: "c1", UserID: alice, Provider: "idp", SessionID: "s1"},
				{ID: "c2", UserID: alice, Provider: "idp", SessionID: "s2"},
				{ID: "c3", UserID: bob, Provider: "idp", SessionID: "s3"},
				{ID: "c4", UserID: bob, Provider: "other", SessionID: "s1"},
				{ID: "c5", UserID: alice, Provider: "idp", SessionID: "s1"},
			},
			signIns: []storage.AccountSession{
				{UserID: alice, SessionID: "s1", CreateTime: start.Add(-time.Minute)},
				{UserID: alice, SessionID: "s2", CreateTime: start.Add(-time.Minute)},
				{UserID: alice, SessionID: "s4", CreateTime: start.Add(time.Minute)},
				{UserID: bob, SessionID: "s3", CreateTime: start.Add(-time.Minute)},
			},
			grants: []storage.Grant{
				grant("g4", bob, "c3", time.Minute), grant("g3", alice, "c2", time.Hour),
				grant("g2", alice, "c1", 2*time.Hour), grant("g1", alice, "c1", 3*time.Hour), grant("g0", bob, "c4", 4*time.Hour),
				grant("g5", alice, "c5", 5*time.Hour),
			},
		},
	}
	r.Receiver = logout.New(logout.Deps{
		Provider: r.provider, Grants: r.store, Credentials: r.store, Sessions: r.store, Assertions: r.store, Revoker: r,
		Now: func() time.Time { return r.now }, Logger: slog.New(slog.DiscardHandler),
	})
	return r
}

// token makes a logout token and returns its text.
func (r *rig) token(id, subject, session string) secret.Text {
	r.provider.tokens[id] = upstream.LogoutToken{
		Issuer: issuer, Subject: subject, SessionID: session, ID: id, IssuedAt: start, Expire: start.Add(3 * time.Minute),
	}
	return secret.NewText(id)
}

// ended returns the grants that have ended, in the order of their ids.
func (r *rig) ended() []string {
	var ids []string
	for _, grant := range r.grants {
		if grant.RevokeReason == storage.RevokedByLogout {
			ids = append(ids, grant.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// signedIn returns the provider's sessions whose sign-ins to the account page stand.
func (r *rig) signedIn() []string {
	var sessions []string
	for _, signIn := range r.signIns {
		sessions = append(sessions, signIn.SessionID)
	}
	return sessions
}

func wantCode(t *testing.T, err error, want oauth.Code) {
	t.Helper()
	if _, ok := errors.AsType[*oauth.Error](err); !ok || oauth.CodeOf(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestLogoutEndsWhatStandsOnTheSession(t *testing.T) {
	for name, test := range map[string]struct {
		subject, session string
		want             []string
	}{
		"a session":                         {"", "s1", []string{"g1", "g2", "g5"}},
		"a session with its person":         {"alice", "s1", []string{"g1", "g2", "g5"}},
		"another session of hers":           {"alice", "s2", []string{"g3"}},
		"the whole person":                  {"alice", "", []string{"g1", "g2", "g3", "g5"}},
		"the whole of somebody else":        {"bob", "", []string{"g0", "g4"}},
		"a session of somebody else":        {"bob", "s1", nil},
		"a session that nobody has":         {"alice", "s9", nil},
		"a person who was never here":       {"carol", "", nil},
		"a person whose name has our shape": {identifier.User("idp", issuer, "alice"), "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig()
			revoked, err := r.Logout(t.Context(), r.token("j1", test.subject, test.session))
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(revoked)
			slices.Sort(r.told)
			for what, got := range map[string][]string{"ended": r.ended(), "returned": revoked, "told": r.told} {
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", what, diff)
				}
			}
			if len(r.used) != 1 {
				t.Errorf("%d tokens are recorded", len(r.used))
			}
		})
	}
}

func TestLogoutEndsSignInsToTheAccountPage(t *testing.T) {
	for name, test := range map[string]struct {
		subject, session string
		left             []string
	}{
		"a session":                     {"", "s1", []string{"s2", "s4", "s3"}},
		"a session with its person":     {"alice", "s2", []string{"s1", "s4", "s3"}},
		"a session of somebody else":    {"bob", "s1", []string{"s1", "s2", "s4", "s3"}},
		"a session without grants":      {"", "s4", []string{"s1", "s2", "s3"}},
		"the whole person, until then":  {"alice", "", []string{"s4", "s3"}},
		"a person who was never here":   {"carol", "", []string{"s1", "s2", "s4", "s3"}},
		"a session that nobody came by": {"", "s9", []string{"s1", "s2", "s4", "s3"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig()
			if _, err := r.Logout(t.Context(), r.token("j1", test.subject, test.session)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.left, r.signedIn()); diff != "" {
				t.Errorf("signed in (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReplayIsRefusedAndHasNoEffect(t *testing.T) {
	for name, token := range map[string]struct{ subject, session string }{
		"of a session": {"alice", "s1"}, "of a person": {"alice", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig()
			raw := r.token("j1", token.subject, token.session)
			if _, err := r.Logout(t.Context(), raw); err != nil {
				t.Fatal(err)
			}
			// Alice logs in again: what came from her first session now comes from a new one.
			r.now = start.Add(time.Minute)
			r.credentials[0].SessionID = "s5"
			r.grants = slices.Insert(r.grants, 0, storage.Grant{
				ID: "g9", UserID: r.credentials[0].UserID, CredentialID: "c1", CreateTime: r.now,
			})
			before := r.ended()
			_, err := r.Logout(t.Context(), raw)
			wantCode(t, err, oauth.InvalidRequest)
			if diff := cmp.Diff(before, r.ended()); diff != "" {
				t.Errorf("the replay ended grants (-before +after):\n%s", diff)
			}
		})
	}
}

// The provider's clock may be behind ours, and it counts in whole seconds.
func TestLoginJustBeforeTheLogoutEndsWithIt(t *testing.T) {
	r := newRig()
	r.grants[1].CreateTime = start.Add(5 * time.Second)
	if _, err := r.Logout(t.Context(), r.token("j1", "alice", "")); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(r.ended(), "g3") {
		t.Errorf("only %v ended", r.ended())
	}
}

func TestTokensAreToldApartByIssuerAndID(t *testing.T) {
	r := newRig()
	for _, token := range []upstream.LogoutToken{
		{Issuer: "https://a", ID: "1b", SessionID: "s1"},
		{Issuer: "https://a1", ID: "b", SessionID: "s1"},
		{Issuer: "https://a", ID: "1B", SessionID: "s1"},
		{Issuer: "https://a", ID: "1", SessionID: "s1"},
	} {
		token.Expire = start.Add(time.Minute)
		r.provider.tokens["t"] = token
		if _, err := r.Logout(t.Context(), secret.NewText("t")); err != nil {
			t.Errorf("%+v: %v", token, err)
		}
	}
	for _, expire := range r.used {
		if !expire.Equal(start.Add(time.Minute)) {
			t.Errorf("recorded until %v, want the end of the token", expire)
		}
	}
}

func TestBadTokenIsAnInvalidRequestAndAnOutageIsNone(t *testing.T) {
	for kind, want := range map[upstream.Kind]oauth.Code{
		upstream.KindInvalidToken:  oauth.InvalidRequest,
		upstream.KindUnavailable:   oauth.TemporarilyUnavailable,
		upstream.KindGarbage:       oauth.TemporarilyUnavailable,
		upstream.KindMisconfigured: oauth.TemporarilyUnavailable,
		upstream.KindRejected:      oauth.TemporarilyUnavailable,
	} {
		t.Run(string(kind), func(t *testing.T) {
			r := newRig()
			raw := r.token("j1", "alice", "s1")
			r.provider.err = &upstream.Error{Kind: kind}
			revoked, err := r.Logout(t.Context(), raw)
			wantCode(t, err, want)
			if revoked != nil || len(r.calls) != 0 || len(r.told) != 0 {
				t.Errorf("it had an effect: %v", r.calls)
			}
			if e, ok := errors.AsType[*oauth.Error](err); ok && strings.Contains(e.Description, "upstream") {
				t.Errorf("the description tells too much: %q", e.Description)
			}
		})
	}
}

// Whatever fails and whenever, the same token works once the store is back: an outage does not spend it.
func TestOutageDoesNotSpendTheToken(t *testing.T) {
	for name, test := range map[string]struct {
		session, failing string
		failAfter        int
		told             []string // already at the failed attempt
	}{
		"finding the session":    {"s1", "credentials", 0, nil},
		"ending the session":     {"s1", "revoke", 0, nil},
		"ending the rest of it":  {"s1", "revoke", 1, []string{"g2", "g1"}},
		"recording the token":    {"s1", "use", 0, []string{"g2", "g1", "g5"}},
		"ending the sign-ins":    {"s1", "sign out", 0, []string{"g2", "g1", "g5"}},
		"ending the person's":    {"", "revoke", 0, nil},
		"signing the person out": {"", "sign out", 0, []string{"g3", "g2", "g1", "g5"}},
		"recording the person's": {"", "use", 0, []string{"g3", "g2", "g1", "g5"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig()
			raw := r.token("j1", "alice", test.session)
			r.failing, r.failAfter = test.failing, test.failAfter
			revoked, err := r.Logout(t.Context(), raw)
			wantCode(t, err, oauth.TemporarilyUnavailable)
			if e, ok := errors.AsType[*oauth.Error](err); !ok || e.RetryAfter <= 0 || !errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("the outage is %v", err)
			}
			if revoked != nil || len(r.used) != 0 {
				t.Errorf("returned %v with %d tokens recorded", revoked, len(r.used))
			}
			// What has ended must not be served any more, though the logout is not complete.
			if diff := cmp.Diff(test.told, r.told); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			r.failing = ""
			if _, err := r.Logout(t.Context(), raw); err != nil {
				t.Fatalf("once the store is back: %v", err)
			}
			want := []string{"g1", "g2", "g5"}
			if test.session == "" {
				want = []string{"g1", "g2", "g3", "g5"}
			}
			if diff := cmp.Diff(want, r.ended()); diff != "" {
				t.Errorf("ended (-want +got):\n%s", diff)
			}
			_, err = r.Logout(t.Context(), raw)
			wantCode(t, err, oauth.InvalidRequest)
		})
	}
}

func TestTokenIsRecordedAfterTheGrantsHaveEnded(t *testing.T) {
	r := newRig()
	if _, err := r.Logout(t.Context(), r.token("j1", "alice", "s1")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"credentials", "revoke", "revoke", "sign out", "use"}, r.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
