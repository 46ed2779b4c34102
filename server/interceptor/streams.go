package interceptor

import (
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// maxStrangers is how many streams of a method callers may have open who present no admin token.
	maxStrangers = 64
	// maxTrusted is the same for edges and operators. Strangers take nothing of it.
	maxTrusted = 1024
)

// streams counts the open streams of a listener. A stream lasts as long as its caller likes, and holds memory as long.
type streams struct {
	mu   sync.Mutex
	open map[place]int
}

// place is what streams are counted by. There are as many as there are methods, twice.
type place struct {
	method  string
	trusted bool
}

func newStreams() *streams { return &streams{open: make(map[place]int)} }

// enter counts a stream, or refuses it.
func (s *streams) enter(p place) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit := maxStrangers
	if p.trusted {
		limit = maxTrusted
	}
	if s.open[p] < limit {
		s.open[p]++
		return nil
	}
	if p.trusted {
		return status.Error(codes.ResourceExhausted, "Too many streams of this method are open. Try again later.")
	}
	return status.Error(codes.ResourceExhausted, "Too many streams of this method are open without the admin token. "+
		"Try again later, or present it as \"authorization: Bearer ...\".")
}

func (s *streams) leave(p place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[p]--; s.open[p] == 0 {
		delete(s.open, p)
	}
}
