package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/gatehouse-auth/gatehouse/cmd/gatehouse/internal/tour/visitor"
	"github.com/gatehouse-auth/gatehouse/server/devidp"
)

// standIn makes this test program a browser that walks through a login by itself. Its value is the username.
const standIn = "BROWSER_STAND_IN"

func TestMain(m *testing.M) {
	if username := os.Getenv(standIn); username != "" {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := browse(ctx, os.Args[1], username); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// browse opens the address of an authorization request, allows it, and logs a user of the built-in provider in.
func browse(ctx context.Context, address, username string) error {
	start, err := url.Parse(address)
	if err != nil {
		return err
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	v, err := visitor.New(transport, func(*url.URL) bool { return false })
	if err != nil {
		return err
	}
	page, err := logIn(ctx, v, start, username)
	if err != nil {
		return err
	}
	if page.Status != http.StatusOK {
		return errors.New(page.String())
	}
	return nil
}

// logIn walks through a login, and returns the page behind it. The users of the built-in provider have their names for
// passwords.
func logIn(ctx context.Context, v *visitor.Visitor, start *url.URL, username string) (*visitor.Page, error) {
	page, err := v.Open(ctx, start)
	if err != nil {
		return nil, err
	}
	for _, fill := range []map[string]string{
		{"action": "allow"},
		{devidp.FieldUsername: username, devidp.FieldPassword: username},
	} {
		for name := range fill {
			form, ok := page.Form(name)
			if !ok {
				return nil, fmt.Errorf("no form with %s: %s", name, page)
			}
			if page, err = v.Submit(ctx, form, fill); err != nil {
				return nil, err
			}
			break
		}
	}
	return page, nil
}

func TestAskingForHelpIsNoMistake(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"--help"}, {"serve", "--help"}, {"connect", "-h"}} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), args, terminal{Out: &out, Err: &errs}); code != exitOK || out.Len()+errs.Len() == 0 {
			t.Errorf("%v: exit code %d, printed %d bytes", args, code, out.Len()+errs.Len())
		}
	}
}

func TestUsageErrorsAreToldOnce(t *testing.T) {
	for _, args := range [][]string{{"serve", "middle"}, {"dev", "now"}, {"serve", "--nothing"}, {"unheard-of"}} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), args, terminal{Out: &out, Err: &errs}); code != exitUsage || errs.Len() == 0 {
			t.Errorf("%v: exit code %d, told %q", args, code, errs.String())
		}
	}
}
