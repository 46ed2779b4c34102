package registration

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

var noon = time.Unix(1_800_000_000, 0)

// clients are all of one kind, and are counted when they are read.
type clients struct {
	storage.Clients
	model storage.ClientAuthentication
	err   error
	reads int
}

func (c *clients) ClientAuthentication(_ context.Context, id string) (storage.ClientAuthentication, error) {
	c.reads++
	client := c.model
	client.ID = id
	return client, c.err
}

// desk is a Registrar whose clock stands.
type desk struct {
	*Registrar
	t     *testing.T
	now   time.Time
	store *clients
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	hash := secret.NewText("right").Hash()
	d := &desk{t: t, now: noon, store: &clients{
		model: storage.ClientAuthentication{AuthMethod: MethodPost, SecretHash: &hash, LastUsedTime: noon},
	}}
	registrar, err := New(Deps{Store: d.store, Now: func() time.Time { return d.now }}, Policy{})
	if err != nil {
		t.Fatal(err)
	}
	d.Registrar = registrar
	return d
}

// recognize presents a secret, and checks the answer and how often the store has been read by then.
func (d *desk) recognize(id, password string, want oauth.Code, reads int) {
	d.t.Helper()
	before := d.store.reads
	client, remembered, err := d.Recognize(d.t.Context(), Credentials{ClientID: id, ClientSecret: secret.NewText(password)})
	if remembered != (d.store.reads == before) {
		d.t.Errorf("%s with %q: remembered %t after %d reads", id, password, remembered, d.store.reads-before)
	}
	if (err == nil) != (want == "") || err != nil && oauth.CodeOf(err) != want || (err == nil) != (client.ID == id) {
		d.t.Errorf("%s with %q: %+v, %v", id, password, client, err)
	}
	if d.store.reads != reads {
		d.t.Errorf("%s with %q: %d reads, want %d", id, password, d.store.reads, reads)
	}
}

func TestClientInUseIsReadOnceAMinute(t *testing.T) {
	d := newDesk(t)
	d.recognize("a", "right", "", 1)
	d.recognize("a", "right", "", 1)
	d.recognize("b", "right", "", 2)
	d.now = noon.Add(storage.MarkInterval)
	d.recognize("a", "right", "", 2)
	d.now = d.now.Add(1)
	d.recognize("a", "right", "", 3) // its mark is due, which the caller has to hear
	d.store.model.LastUsedTime = d.now
	d.recognize("a", "right", "", 4)
	d.recognize("a", "right", "", 4)
}

func TestOnlyClientsInUseAreRemembered(t *testing.T) {
	for name, used := range map[string]time.Time{
		"never": {}, "long ago": noon.Add(-storage.MarkInterval - 1), "by a clock that was put right": noon.Add(time.Second),
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.store.model.LastUsedTime = used
			d.recognize("a", "right", "", 1)
			d.recognize("a", "right", "", 2)
		})
	}
}

func TestWrongSecretIsRefusedAlsoOfAClientThatIsKnown(t *testing.T) {
	d := newDesk(t)
	d.recognize("a", "right", "", 1)
	d.recognize("a", "wrong", oauth.InvalidClient, 2)
	d.recognize("a", "", oauth.InvalidClient, 3)
	d.recognize("a", "right", "", 3)
}

func TestNothingIsRememberedOfARefusal(t *testing.T) {
	d := newDesk(t)
	d.store.err = storage.ErrNotFound
	d.recognize("a", "right", oauth.InvalidClient, 1)
	d.store.err = storage.ErrUnavailable
	d.recognize("a", "right", oauth.TemporarilyUnavailable, 2)
	d.store.err = nil
	d.recognize("a", "right", "", 3)
}

func TestKnownClientsAreBounded(t *testing.T) {
	d := newDesk(t)
	for i := range 2 * maxKnown {
		d.recognize(fmt.Sprint(i), "right", "", i+1)
	}
	d.known.CleanUp()
	if n := d.known.EstimatedSize(); n > maxKnown {
		t.Errorf("%d clients are remembered, want %d at most", n, maxKnown)
	}
}
