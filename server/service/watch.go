package service

import (
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/outbox"
)

// maxQuiet is how long a sign of life may be left out. The outbox gives one four times a second, so that a watcher never
// hears nothing for longer than 750 ms.
const maxQuiet = 500 * time.Millisecond

// WatchRevocations streams the grants that end.
func (a *Auth) WatchRevocations(req *gatehousev1.WatchRevocationsRequest, stream gatehousev1.AuthService_WatchRevocationsServer) error {
	subscription, err := a.deps.Subscriptions.Subscribe(stream.Context(), req.GetAfter())
	if err != nil {
		return oauth.Unavailable(err)
	}
	defer subscription.End()
	w := watcher{stream: stream, now: a.deps.Now}
	if err := w.send(subscription.First); err != nil {
		return err
	}
	for {
		select {
		case <-stream.Context().Done():
			return stream.Context().Err()
		case message := <-subscription.Messages:
			if w.mayLeaveOut(message) {
				continue
			}
			if err := w.send(message); err != nil {
				return err
			}
		}
	}
}

// watcher is one caller of WatchRevocations.
type watcher struct {
	stream   gatehousev1.AuthService_WatchRevocationsServer
	now      func() time.Time
	position int64
	told     time.Time
}

func (w *watcher) mayLeaveOut(message outbox.Message) bool {
	return len(message.GrantIDs) == 0 && !message.Reset && w.now().Sub(w.told) < maxQuiet
}

// send tells a message. Positions only go back with a reset.
func (w *watcher) send(message outbox.Message) error {
	w.told = w.now()
	if message.Reset || message.Position > w.position {
		w.position = message.Position
	}
	return w.stream.Send(&gatehousev1.WatchRevocationsResponse{
		Position: w.position, GrantIds: message.GrantIDs, Reset_: message.Reset,
	})
}
