package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"google.golang.org/grpc"

	"github.com/gatehouse-auth/gatehouse/cmd/gatehouse/internal/node"
	"github.com/gatehouse-auth/gatehouse/cmd/gatehouse/internal/tour/visitor"
	"github.com/gatehouse-auth/gatehouse/edge/verifier"
	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/config"
	"github.com/gatehouse-auth/gatehouse/server/devidp"
)

// BenchmarkRevocationReachesEdge measures the time from the answer of RevokeGrants to the first refusal by a verifier that
// keeps answers and follows the core over TCP, as "serve edge" does. Only the quantiles mean something.
func BenchmarkRevocationReachesEdge(b *testing.B) {
	cfg, err := tourConfig(b.Context(), terminal{Err: os.Stderr}, nil, b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	err = visitLocal(b.Context(), cfg, newLogger(cfg, os.Stderr), func(ctx context.Context) error {
		p, err := newPropagation(ctx, cfg)
		if err != nil {
			return err
		}
		defer p.close()
		var delays []time.Duration
		for b.Loop() {
			delay, err := p.sample(ctx)
			if err != nil {
				return err
			}
			delays = append(delays, delay)
		}
		slices.Sort(delays)
		for name, share := range map[string]int{"p50-ms": 50, "p99-ms": 99} {
			b.ReportMetric(float64(delays[(len(delays)-1)*share/100].Microseconds())/1000, name)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// propagation is an operator at a core, and a verifier that follows it.
type propagation struct {
	conn     *grpc.ClientConn
	admin    gatehousev1.AdminServiceClient
	client   oauth2.Config
	resource string
	verifier *verifier.Verifier
	stop     context.CancelFunc
	stopped  chan struct{}
}

func newPropagation(ctx context.Context, cfg *config.Config) (*propagation, error) {
	conn, err := node.Dial(cfg)
	if err != nil {
		return nil, err
	}
	admin := gatehousev1.NewAdminServiceClient(conn)
	const redirectURI = "http://127.0.0.1:33418/callback" // nobody listens there
	created, err := admin.CreateClient(ctx, &gatehousev1.CreateClientRequest{Metadata: &gatehousev1.RegisterClientRequest{
		ClientName: "propagation", RedirectUris: []string{redirectURI}, TokenEndpointAuthMethod: "client_secret_basic",
	}})
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	core := gatehousev1.NewAuthServiceClient(conn)
	p := &propagation{
		conn: conn, admin: admin, resource: cfg.Resource(), stopped: make(chan struct{}),
		client: oauth2.Config{
			ClientID: created.GetClient().GetClientId(), ClientSecret: created.GetClientSecret(), RedirectURL: redirectURI,
			Endpoint: oauth2.Endpoint{
				AuthURL: cfg.BaseURL + "/authorize", TokenURL: cfg.BaseURL + "/token", AuthStyle: oauth2.AuthStyleInHeader,
			},
		},
		verifier: verifier.New(core, verifier.Config{Resource: cfg.Resource()}, verifier.WithFollowedCache(100, time.Minute)),
	}
	ctx, p.stop = context.WithCancel(ctx)
	go func() {
		defer close(p.stopped)
		_ = p.verifier.Follow(ctx, core)
	}()
	return p, nil
}

func (p *propagation) close() {
	p.stop()
	<-p.stopped
	_ = p.conn.Close()
}

// sample logs a user in, ends that login, and waits for the refusal.
func (p *propagation) sample(ctx context.Context) (time.Duration, error) {
	token, err := p.token(ctx)
	if err != nil {
		return 0, err
	}
	// The core tells in steps. A sample must not begin in step with them.
	<-time.After(rand.N(time.Second))
	principal, err := p.verifier.Verify(ctx, token) // which keeps the answer
	if err != nil {
		return 0, err
	}
	selector := &gatehousev1.RevokeGrantsRequest_GrantId{GrantId: principal.GrantID()}
	if _, err := p.admin.RevokeGrants(ctx, &gatehousev1.RevokeGrantsRequest{Selector: selector}); err != nil {
		return 0, err
	}
	for begin := time.Now(); ; {
		_, err := p.verifier.Verify(ctx, token)
		if _, inactive := errors.AsType[*verifier.Inactive](err); inactive {
			return time.Since(begin), nil
		}
		if err != nil {
			return 0, err
		}
		<-time.After(100 * time.Microsecond)
	}
}

// token is an access token of a new login.
func (p *propagation) token(ctx context.Context) (string, error) {
	pool := &http.Transport{}
	defer pool.CloseIdleConnections()
	v, err := visitor.New(pool, func(u *url.URL) bool { return strings.HasPrefix(u.String(), p.client.RedirectURL) })
	if err != nil {
		return "", err
	}
	secret, resource := oauth2.GenerateVerifier(), oauth2.SetAuthURLParam("resource", p.resource)
	address, err := url.Parse(p.client.AuthCodeURL("state", oauth2.S256ChallengeOption(secret), resource))
	if err != nil {
		return "", err
	}
	page, err := logIn(ctx, v, address, devidp.DefaultUsers()[0].Username)
	if err != nil {
		return "", err
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, &http.Client{Transport: pool})
	tokens, err := p.client.Exchange(ctx, page.URL.Query().Get("code"), oauth2.VerifierOption(secret), resource)
	if err != nil {
		return "", err
	}
	return tokens.AccessToken, nil
}
