// Package requestlog gives every HTTP request an identifier and writes one log line about it.
package requestlog

import "context"

type idKey struct{}

// WithID returns a context that carries a request identifier.
func WithID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, idKey{}, id)
}

// ID returns the request identifier, or an empty string outside of a request. Error pages show it as their reference,
// and the log line of the request carries it.
func ID(ctx context.Context) string {
	id, _ := ctx.Value(idKey{}).(string)
	return id
}
