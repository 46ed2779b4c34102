// Package outbox follows the revocations in the store, so that every verifier hears of those that another replica made.
package outbox

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const (
	// batch is the most revocations that are read at once.
	batch = 1000
	// queue is how far a subscriber may fall behind before it is told to forget everything.
	queue = 256
)

// Message is a batch of revocations.
type Message struct {
	// Position is the highest sequence that the reader has seen.
	Position int64
	GrantIDs []string
	// Reset is true when messages before this one may be missing, or when verdicts of before do not hold for another reason.
	Reset bool
}

// Listener hears of every revocation.
type Listener interface {
	Revoked(grantIDs ...string)
	Forget()
}

// Follower polls the outbox and tells the local verifier and the subscribers.
type Follower struct {
	store    storage.Revocations
	listener Listener
	logger   *slog.Logger

	polling sync.Mutex // held by the one poll at a time, also while it reads

	mu          sync.Mutex // never held while the store is read
	started     bool
	position    int64
	hears       bool // the store answers, and so nothing is missing up to the position
	subscribers map[chan Message]struct{}
}

// NewFollower returns a Follower.
func NewFollower(store storage.Revocations, listener Listener, logger *slog.Logger) *Follower {
	return &Follower{store: store, listener: listener, logger: logger, subscribers: make(map[chan Message]struct{})}
}

// Run polls until the context ends. While the store does not answer, verdicts that rest on silence would be wrong, so
// the listener forgets them and asks the store itself.
func (f *Follower) Run(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	failing := false
	for {
		err := f.Poll(ctx)
		if err != nil && ctx.Err() == nil && !failing {
			f.logger.WarnContext(ctx, "the revocations cannot be read", "error", err)
		}
		failing = err != nil
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// Poll reads what is new and tells everybody. Subscribers hear of it even when nothing is new: silence would mean that
// the stream is broken.
func (f *Follower) Poll(ctx context.Context) error {
	f.polling.Lock()
	defer f.polling.Unlock()
	if err := f.poll(ctx); err != nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.hears = false
		f.listener.Forget()
		return err
	}
	return nil
}

func (f *Follower) poll(ctx context.Context) error {
	_, highest, err := f.store.RevocationBounds(ctx)
	if err != nil {
		return err
	}
	position := f.catchUp(highest)
	for position < highest {
		read, err := f.store.Revocations(ctx, position, batch)
		if err != nil {
			return err
		}
		message := Message{Position: highest, GrantIDs: grants(read)}
		if len(read) > 0 && (len(read) == batch || read[len(read)-1].Sequence > highest) {
			message.Position = read[len(read)-1].Sequence
		}
		position = message.Position
		f.mu.Lock()
		f.tell(message)
		f.mu.Unlock()
	}
	return nil
}

// catchUp returns from where to read on, when the highest number is known, and gives a sign of life.
//
// After a start, and after a time in which nothing could be heard, everybody begins anew: verdicts of before the highest
// number was read may rest on something older. So they do when the numbers have gone back, which they only do in a
// database that has lost what it had acknowledged, or another one.
func (f *Follower) catchUp(highest int64) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	anew := !f.hears || highest < f.position
	if !f.started || highest < f.position {
		f.position = highest
	}
	f.started, f.hears = true, true
	if anew {
		f.listener.Forget()
	}
	if anew || f.position == highest { // otherwise there is news, which is a sign of life too
		f.tell(Message{Position: f.position, Reset: anew})
	}
	return f.position
}

// Forget tells everybody that nothing that they remember can be relied on: a key that tokens rest on is gone.
func (f *Follower) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listener.Forget()
	f.tell(Message{Position: f.position, Reset: true})
}

// tell tells the listener and the subscribers. It never waits: a subscriber that does not keep up is told to forget
// everything, once it listens again. The caller holds the mutex.
func (f *Follower) tell(message Message) {
	f.position = message.Position
	f.listener.Revoked(message.GrantIDs...)
	for subscriber := range f.subscribers {
		select {
		case subscriber <- message:
		default:
			drain(subscriber)
			subscriber <- Message{Position: message.Position, GrantIDs: message.GrantIDs, Reset: true}
		}
	}
}

func drain(subscriber chan Message) {
	for {
		select {
		case <-subscriber:
		default:
			return
		}
	}
}

func grants(revocations []storage.Revocation) []string {
	ids := make([]string, len(revocations))
	for i, revocation := range revocations {
		ids[i] = revocation.GrantID
	}
	return ids
}
