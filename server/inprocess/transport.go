package inprocess

import (
	"errors"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

var errHeaderSent = errors.New("inprocess: the header was sent")

// transport takes the header and the trailer of an answer.
type transport struct {
	method          string
	mu              sync.Mutex
	header, trailer metadata.MD
	sent            bool
}

var _ grpc.ServerTransportStream = (*transport)(nil)

// Method implements grpc.ServerTransportStream.
func (t *transport) Method() string { return t.method }

// SetHeader implements grpc.ServerTransportStream.
func (t *transport) SetHeader(md metadata.MD) error { return t.addHeader(md, false) }

// SendHeader implements grpc.ServerTransportStream.
func (t *transport) SendHeader(md metadata.MD) error { return t.addHeader(md, true) }

func (t *transport) addHeader(md metadata.MD, last bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.sent {
		return errHeaderSent
	}
	t.sent = last
	t.header = metadata.Join(t.header, md)
	return nil
}

// SetTrailer implements grpc.ServerTransportStream.
func (t *transport) SetTrailer(md metadata.MD) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.trailer = metadata.Join(t.trailer, md)
	return nil
}

// deliver hands what was taken to the caller who asked for it.
func (t *transport) deliver(opts []grpc.CallOption) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, opt := range opts {
		switch opt := opt.(type) {
		case grpc.HeaderCallOption:
			*opt.HeaderAddr = t.header
		case grpc.TrailerCallOption:
			*opt.TrailerAddr = t.trailer
		}
	}
}
