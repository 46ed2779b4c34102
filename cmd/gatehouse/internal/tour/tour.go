// Package tour walks one complete login against a running server, over real HTTP and gRPC, and checks on the way what
// the server promises. It knows nothing of how the server was started.
package tour

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Target is the server to walk through, and somebody who can log in there.
type Target struct {
	// BaseURL is the origin and the issuer.
	BaseURL string
	// Resource is the URL of the MCP endpoint. It offers the samples.
	Resource string
	// GRPCAddr is the address of the core, on loopback and without TLS.
	GRPCAddr string
	// User logs in with the form of the provider.
	User User
}

// User is somebody whom the provider knows.
type User struct {
	Username, Password string
	// GivenName and Email are what the provider says about the user.
	GivenName, Email string
}

// step is one station of the tour. Its function returns a line about what it saw.
type step struct {
	title string
	run   func(*walk, context.Context) (string, error)
}

func steps() []step {
	return []step{
		{"Call the MCP endpoint without a token", (*walk).knock},
		{"Read the metadata of the resource", (*walk).readResource},
		{"Read the metadata of the authorization server", (*walk).readServer},
		{"Register a client", (*walk).register},
		{"Ask for authorization", (*walk).authorize},
		{"Allow it on the consent page", (*walk).allow},
		{"Log in at the identity provider", (*walk).logIn},
		{"Come back from the provider", (*walk).comeBack},
		{"Exchange the code for tokens", (*walk).exchange},
		{"Connect to the MCP endpoint with the token", (*walk).connect},
		{"Call the tool greet", (*walk).greet},
		{"Read the resource resource://profile", (*walk).readProfile},
		{"Get the prompt ask_about_topic", (*walk).getPrompt},
		{"Verify the token over gRPC", (*walk).verify},
		{"Verify it for another resource", (*walk).verifyElsewhere},
		{"Exchange the same code again", (*walk).replay},
		{"Use the tokens of its first exchange", (*walk).useRevoked},
	}
}

// Option changes how the tour is told.
type Option func(*printer)

// WithColor colors the marks, for terminals.
func WithColor() Option { return func(p *printer) { p.color = true } }

// Walk takes every step and prints it. It stops at the first that does not hold, prints what was expected and what came
// instead, and returns an error that names the step.
func Walk(ctx context.Context, target Target, out io.Writer, options ...Option) error {
	p := &printer{out: out, now: time.Now}
	for _, option := range options {
		option(p)
	}
	w, err := newWalk(target)
	if err != nil {
		return err
	}
	return errors.Join(follow(ctx, p, target, w, steps()), w.close())
}

// follow takes the steps one by one.
func follow(ctx context.Context, p *printer, target Target, w *walk, steps []step) error {
	p.begin(target.Resource)
	for i, s := range steps {
		p.start()
		detail, err := s.run(w, ctx)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err != nil {
			p.failed(s.title, err)
			return fmt.Errorf("step %d of %d did not hold: %s", i+1, len(steps), s.title)
		}
		p.held(s.title, detail)
	}
	p.end(len(steps))
	return nil
}
