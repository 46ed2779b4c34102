package tour

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/mark3labs/mcp-go/client"
	"golang.org/x/oauth2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/gatehouse-auth/gatehouse/cmd/gatehouse/internal/tour/visitor"
	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

const (
	// redirectURI is that of the client. Nobody listens there: the visitor pauses before it.
	redirectURI = "http://127.0.0.1:33418/callback"
	// callbackPath is where the provider sends the browser back to the server.
	callbackPath = "/auth/callback"
	// timeout bounds one request.
	timeout = 15 * time.Second
)

// walk is what the steps hand on to one another.
type walk struct {
	target  Target
	pool    *http.Transport
	http    *http.Client
	visitor *visitor.Visitor
	conn    *grpc.ClientConn
	auth    gatehousev1.AuthServiceClient

	metadataURL string // of the resource
	issuer      string
	server      serverMetadata
	oauth       oauth2.Config
	state       string
	verifier    string
	page        *visitor.Page // where the browser is
	code        string
	tokens      *oauth2.Token
	mcp         *client.Client
}

func newWalk(target Target) (*walk, error) {
	conn, err := grpc.NewClient(target.GRPCAddr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, fmt.Errorf("gRPC: %w", err)
	}
	pool := &http.Transport{} // without a proxy: everything is on this machine
	browser, err := visitor.New(pool, func(u *url.URL) bool {
		address := u.Scheme + "://" + u.Host + u.Path
		return address == redirectURI || address == target.BaseURL+callbackPath
	})
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &walk{
		target:  target,
		pool:    pool,
		http:    &http.Client{Transport: pool, Timeout: timeout, CheckRedirect: stay},
		visitor: browser,
		conn:    conn,
		auth:    gatehousev1.NewAuthServiceClient(conn),
	}, nil
}

// stay lets a redirect be the answer.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func (w *walk) close() error {
	var err error
	if w.mcp != nil {
		err = w.mcp.Close()
	}
	w.pool.CloseIdleConnections()
	return errors.Join(err, w.conn.Close())
}
