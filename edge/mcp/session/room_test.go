package session_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/edge/mcp/session"
)

var (
	ada     = session.Owner{Subject: "ada", ClientID: "client-1", Resource: "https://mcp.example.com/mcp"}
	charles = session.Owner{Subject: "charles", ClientID: "client-1", Resource: "https://mcp.example.com/mcp"}
)

// room has a clock that the test turns.
type room struct {
	*session.Room
	now time.Time
}

func newRoom(total, perUser int) *room {
	r := &room{now: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)}
	config := session.Config{Idle: time.Hour, Max: total, MaxPerUser: perUser}
	r.Room = session.NewRoom(config, func() time.Time { return r.now }, rand.Text)
	return r
}

func (r *room) open(t *testing.T, owner session.Owner) (id string, ended []string) {
	t.Helper()
	id, ended, err := r.Open(owner)
	if err != nil {
		t.Fatal(err)
	}
	return id, ended
}

// Covers mcp-session-hijack.
func TestASessionIsThereForItsOwnerOnly(t *testing.T) {
	r := newRoom(10, 10)
	id, _ := r.open(t, ada)
	otherClient, otherResource := ada, ada
	otherClient.ClientID, otherResource.Resource = "client-2", "https://other.example.com/mcp"
	for _, owner := range []session.Owner{charles, otherClient, otherResource, {}} {
		if r.Enter(owner, id) || r.Close(owner, id) {
			t.Errorf("%+v got at the session of %+v", owner, ada)
		}
	}
	if !r.Enter(ada, id) {
		t.Error("the owner did not get in")
	}
}

func TestAClosedOrUnknownSessionIsNotThere(t *testing.T) {
	r := newRoom(10, 10)
	id, _ := r.open(t, ada)
	if !r.Close(ada, id) || r.Enter(ada, id) || r.Close(ada, id) {
		t.Error("the session outlived its end")
	}
	for range 10_000 {
		if r.Enter(ada, rand.Text()) {
			t.Fatal("a guess got in")
		}
	}
	if r.Enter(ada, "") {
		t.Error("nothing got in")
	}
}

func TestASessionEndsAfterAnHourWithoutUse(t *testing.T) {
	r := newRoom(10, 10)
	id, _ := r.open(t, ada)
	for range 5 {
		r.now = r.now.Add(59 * time.Minute)
		if !r.Enter(ada, id) {
			t.Fatal("a session in use has ended")
		}
	}
	r.now = r.now.Add(time.Hour)
	if r.Enter(ada, id) {
		t.Error("an idle session is still there")
	}
	if _, ended := r.open(t, charles); !slices.Equal(ended, []string{id}) || r.Len() != 1 {
		t.Errorf("ended %v, %d left", ended, r.Len())
	}
}

func TestOneUserCannotHaveMoreThanTheirShare(t *testing.T) {
	r := newRoom(100, 3)
	used, _ := r.open(t, ada)
	other := ada
	for i := range 20 {
		other.ClientID = fmt.Sprint("client-", i)
		r.open(t, other)
		if !r.Enter(ada, used) {
			t.Fatal("the session in use was ended, and an idle one kept")
		}
	}
	if r.Len() != 3 {
		t.Errorf("%d sessions of one user", r.Len())
	}
}

func TestNobodysSessionEndsToMakeRoomForSomebodyElse(t *testing.T) {
	r := newRoom(3, 3)
	var mine []string
	for range 3 {
		id, _ := r.open(t, ada)
		mine = append(mine, id)
	}
	for range 100 {
		if _, _, err := r.Open(charles); !errors.Is(err, session.ErrFull) {
			t.Fatalf("got %v from a full room", err)
		}
	}
	for _, id := range mine {
		if !r.Enter(ada, id) {
			t.Error("a living session was evicted")
		}
	}
	r.now = r.now.Add(time.Hour)
	if _, ended := r.open(t, charles); len(ended) != 3 {
		t.Errorf("%d of 3 idle sessions made room", len(ended))
	}
}

func TestIdentifiersAreLongAndDiffer(t *testing.T) {
	r := newRoom(10_000, 10_000)
	seen := make(map[string]bool)
	for range 1000 {
		id, _ := r.open(t, ada)
		// Base32 carries five bits in a character.
		if len(id)*5 < 128 || seen[id] {
			t.Fatalf("identifier %q", id)
		}
		seen[id] = true
	}
}

func TestSessionsNeverCrossUnderChurn(t *testing.T) {
	r := newRoom(50, 8)
	var users sync.WaitGroup
	for user := range 8 {
		owner := session.Owner{Subject: fmt.Sprint("user-", user)}
		neighbour := session.Owner{Subject: fmt.Sprint("user-", (user+1)%8)}
		users.Go(func() {
			for range 500 {
				id, _, err := r.Open(owner)
				if err != nil {
					continue
				}
				if r.Enter(neighbour, id) || r.Close(neighbour, id) {
					t.Error("a session crossed over to another user")
				}
				r.Enter(owner, id)
				r.Close(owner, id)
			}
		})
	}
	users.Wait()
	if r.Len() > 50 {
		t.Errorf("%d sessions in a room for 50", r.Len())
	}
}
