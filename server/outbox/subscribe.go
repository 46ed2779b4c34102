package outbox

import (
	"context"
	"errors"
)

// ErrDeaf means that the follower does not hear the store at the moment, and so has nothing to tell.
var ErrDeaf = errors.New("outbox: the revocations cannot be read at the moment")

// Subscription is what a subscriber hears: First at once, and then Messages. A message may tell a position below that of
// First, and what was told before.
type Subscription struct {
	First    Message
	Messages <-chan Message
	// End ends it. The subscriber must call it.
	End func()
}

// Subscribe begins a subscription from a position on. Position 0 means from now; a position that is no longer stored gets
// a reset. How many there are is for the caller to bound.
//
// What happens while the store is asked about the past is told after First: the subscriber is known before.
func (f *Follower) Subscribe(ctx context.Context, after int64) (Subscription, error) {
	subscriber := make(chan Message, queue)
	position, hears := f.enter(subscriber)
	if !hears {
		return Subscription{}, ErrDeaf
	}
	subscription := Subscription{First: Message{Position: position}, Messages: subscriber, End: func() { f.leave(subscriber) }}
	if after == 0 || after == position {
		return subscription, nil
	}
	var err error
	if subscription.First, err = f.missed(ctx, after, position); err != nil {
		subscription.End()
		return Subscription{}, err
	}
	return subscription, nil
}

// enter adds a subscriber, who will be told what comes after the position that it returns.
func (f *Follower) enter(subscriber chan Message) (position int64, hears bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.hears {
		f.subscribers[subscriber] = struct{}{}
	}
	return f.position, f.hears
}

func (f *Follower) leave(subscriber chan Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.subscribers, subscriber)
}

// missed is what happened between two positions. The bounds are read last, so that what is swept meanwhile counts as gone.
func (f *Follower) missed(ctx context.Context, after, position int64) (Message, error) {
	read, err := f.store.Revocations(ctx, after, batch)
	if err != nil {
		return Message{}, err
	}
	lowest, highest, err := f.store.RevocationBounds(ctx)
	if err != nil {
		return Message{}, err
	}
	message := Message{Position: position, GrantIDs: grants(read)}
	switch {
	case after > highest: // not ours
		message.Reset = true
	case after > position: // heard from a replica that is a moment ahead
		message.Position = after
	default: // numbers above the position are gone from the store, or more than one message holds
		message.Reset = len(read) == batch || lowest == 0 || lowest > after+1
	}
	return message, nil
}
