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
	// lookBack is how many sequence numbers are read again each time: a row may become visible a little later than one
	// with a higher number, while its transaction is still open elsewhere. Hearing twice does no harm.
	lookBack = 200
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

	mu          sync.Mutex
	position    int64
	started     bool
	told        map[int64]struct{} // sequences within lookBack that everybody has heard of
	subscribers map[chan Message]struct{}
}

// NewFollower returns a Follower.
func NewFollower(store storage.Revocations, listener Listener, logger *slog.Logger) *Follower {
	return &Follower{store: store, listener: listener, logger: logger, told: make(map[int64]struct{}), subscribers: make(map[chan Message]struct{})}
}

// Run polls until the context ends. While the store does not answer, verdicts that rest on silence would be wrong, so
// the listener forgets them and asks the store itself.
func (f *Follower) Run(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	failing := false
	for {
		err := f.Poll(ctx)
		if err != nil && ctx.Err() == nil {
			f.listener.Forget()
			if !failing {
				f.logger.WarnContext(ctx, "the revocations cannot be read", "error", err)
			}
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
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.started {
		_, highest, err := f.store.RevocationBounds(ctx)
		if err != nil {
			return err
		}
		f.position, f.started = highest, true
	}
	for {
		read, err := f.store.Revocations(ctx, max(f.position-lookBack, 0), batch)
		if err != nil {
			return err
		}
		message := f.news(read)
		advanced := message.Position > f.position
		f.position = message.Position
		f.listener.Revoked(message.GrantIDs...)
		f.tell(message)
		if len(read) < batch || !advanced {
			return nil
		}
	}
}

// news is what nobody has been told yet.
func (f *Follower) news(read []storage.Revocation) Message {
	message := Message{Position: f.position}
	for _, revocation := range read {
		message.Position = max(message.Position, revocation.Sequence)
		if _, ok := f.told[revocation.Sequence]; !ok {
			f.told[revocation.Sequence] = struct{}{}
			message.GrantIDs = append(message.GrantIDs, revocation.GrantID)
		}
	}
	for sequence := range f.told {
		if sequence <= message.Position-lookBack {
			delete(f.told, sequence)
		}
	}
	return message
}

// Forget tells everybody that nothing that they remember can be relied on: a key that tokens rest on is gone.
func (f *Follower) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listener.Forget()
	f.tell(Message{Position: f.position, Reset: true})
}

// tell never waits: a subscriber that does not keep up is told to forget everything, once it listens again.
func (f *Follower) tell(message Message) {
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

// Subscribe returns a channel of messages from a position on, and a function that ends it. The first message comes at
// once. Position 0 means from now; a position that is no longer stored gets a reset.
func (f *Follower) Subscribe(ctx context.Context, after int64) (<-chan Message, func(), error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	lowest, highest, err := f.store.RevocationBounds(ctx)
	if err != nil {
		return nil, nil, err
	}
	first := Message{Position: highest}
	if after > 0 {
		missed, err := f.store.Revocations(ctx, max(after-lookBack, 0), batch)
		if err != nil {
			return nil, nil, err
		}
		for _, revocation := range missed {
			first.GrantIDs = append(first.GrantIDs, revocation.GrantID)
		}
		// Numbers above the position are gone from the store, or more than one message holds, or not ours.
		first.Reset = len(missed) == batch || after > highest || (after < highest && (lowest == 0 || lowest > after+1))
	}
	subscriber := make(chan Message, queue)
	subscriber <- first
	f.subscribers[subscriber] = struct{}{}
	return subscriber, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.subscribers, subscriber)
	}, nil
}
