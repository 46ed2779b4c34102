package server_test

import (
	"testing"
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

const (
	smallBound = 20
	// floodSize is what a flood brings.
	floodSize = 3 * smallBound
)

// newFloodedRig is a core whose bounds are small.
func newFloodedRig(t *testing.T) *rig {
	t.Helper()
	return newRig(t, "GATEHOUSE_MAX_UNUSED_CLIENTS=20", "GATEHOUSE_MAX_TRANSACTIONS=20")
}

// flood registers clients without end and begins a login for each.
func (r *rig) flood(t *testing.T) {
	t.Helper()
	for range floodSize {
		r.clock.Advance(time.Millisecond)
		r.begin(t, request(r.register(t)))
	}
}

// floodLogins begins logins to the account page and leaves them.
func (r *rig) floodLogins(t *testing.T) {
	t.Helper()
	for range floodSize {
		r.clock.Advance(time.Millisecond)
		if _, err := r.BeginAccountLogin(t.Context(), &gatehousev1.BeginAccountLoginRequest{}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFloodLeavesTheLivingAlone(t *testing.T) {
	r := newFloodedRig(t)
	victim := r.session(t, r.register(t))
	atProvider := r.allow(t, r.begin(t, request(r.register(t)))) // with a client that never logged in before
	atConsent := r.begin(t, request(r.register(t)))

	r.flood(t)
	r.floodLogins(t)

	if !r.verify(t, victim.mustRefresh(t, victim.tokens.GetRefreshToken()).GetAccessToken()).GetActive() {
		t.Error("the victim's token is not good")
	}
	if done, err := r.CompleteAuthorization(t.Context(), atProvider); err != nil || code(t, done) == "" {
		t.Errorf("who was at the provider was told %v", err)
	}
	_, err := r.decide(t, atConsent, "page", gatehousev1.DecideConsentRequest_DECISION_ALLOW)
	wantReason(t, err, "transaction_expired")
}

func TestFloodStopsNobody(t *testing.T) {
	for name, flood := range map[string]func(*rig, *testing.T){
		"of clients and requests": (*rig).flood,
		"of account logins":       (*rig).floodLogins,
		"of approvals": func(r *rig, t *testing.T) {
			clientID := r.register(t)
			for range floodSize {
				r.clock.Advance(time.Millisecond)
				handle := r.begin(t, request(clientID))
				if _, err := r.decide(t, handle, "page", gatehousev1.DecideConsentRequest_DECISION_ALLOW); err != nil {
					t.Fatal(err)
				}
			}
		},
		"of denials": func(r *rig, t *testing.T) {
			clientID := r.register(t)
			for range floodSize {
				r.clock.Advance(time.Millisecond)
				handle := r.begin(t, request(clientID))
				if _, err := r.decide(t, handle, "page", gatehousev1.DecideConsentRequest_DECISION_DENY); err != nil {
					t.Fatal(err)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newFloodedRig(t)
			flood(r, t)
			if !r.verify(t, r.login(t).GetAccessToken()).GetActive() {
				t.Error("a new user's token is not good")
			}
			r.signIn(t, "alice")
		})
	}
}
