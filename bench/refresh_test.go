package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"testing"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

const (
	// refreshers is how many clients refresh at the same time.
	refreshers = 64
	// refreshed is how many grants there are. They refresh in no order, so that the next is on another page of the table than
	// the last. SQLite has them in some 550 pages, and a checkpoint writes 4096 pages of the log: each of them a few times.
	refreshed = 8192
)

// BenchmarkRefreshToken refreshes through the core alone: client, MAC of the token, the guarded update, an ES256 signature.
func BenchmarkRefreshToken(b *testing.B) {
	againstCommits(b, func(b *testing.B, s store) side {
		lines := openLines(b, openCore(b, s))
		return repeat(refreshers, func(caller int) error { return lines[lineOf(caller)].refresh(b.Context()) })
	})
}

// benchmarkRefreshOverHTTP refreshes as an MCP client does: POST /token at the edge of the binary. All callers come from
// one address, which may ask for more than it does.
func benchmarkRefreshOverHTTP(b *testing.B, path string) {
	againstCommits(b, func(b *testing.B, s store) side {
		data := b.TempDir()
		core, closeCore := openCoreIn(b, s, data)
		lines := openLines(b, core)
		closeCore()
		g := startIn(b, path, data, "GATEHOUSE_STORE_URL="+s.url,
			"GATEHOUSE_TOKEN_LIMIT=100000/1s", "GATEHOUSE_TOKEN_LIMIT_TOTAL=200000/1s")
		posts := make([]*post, refreshers)
		for i := range posts {
			posts[i] = &post{host: g.http}
			b.Cleanup(posts[i].close)
		}
		return repeat(refreshers, func(caller int) error { return posts[caller].refresh(lines[lineOf(caller)]) })
	})
}

// againstCommits compares refreshes with what each kind of store can commit: a plain row for each, and the same rows.
func againstCommits(b *testing.B, open func(b *testing.B, s store) side) {
	onStores(b, func(b *testing.B, s store) {
		gatehouse, plain, rows := open(b, s.another(b)), s.plainUpdate(b), openLimit(b, s)
		b.Run("limit=plain", func(b *testing.B) { duel(b, repeat(refreshers, plain), gatehouse) })
		b.Run("limit=same", func(b *testing.B) {
			duel(b, repeat(refreshers, func(caller int) error { return rows.refresh(lineOf(caller)) }), gatehouse)
		})
	})
}

// lineOf picks one of those that are a caller's own.
func lineOf(caller int) int { return caller + refreshers*rand.IntN(refreshed/refreshers) }

// line is a client with a grant, and the refresh token that is its head.
type line struct {
	client
	token string
}

// openLines registers clients and logs in, as installations of MCP clients do.
func openLines(b *testing.B, core gatehousev1.AuthServiceClient) []*line {
	b.Helper()
	lines := make([]*line, refreshed)
	share(refreshers, refreshed, func(i int) error {
		lines[i] = &line{client: register(b, core)}
		code, err := lines[i].authorize(b.Context(), passThrough)
		if err != nil {
			return err
		}
		tokens, err := lines[i].exchange(b.Context(), code)
		lines[i].token = tokens.GetRefreshToken()
		return err
	})(b)
	return lines
}

func (l *line) refresh(ctx context.Context) error {
	tokens, err := l.core.ExchangeToken(ctx, &gatehousev1.ExchangeTokenRequest{
		GrantType: "refresh_token", ClientId: l.id, RefreshToken: l.token,
	})
	if err != nil {
		return err
	}
	l.token = tokens.GetRefreshToken()
	return nil
}

// post is a connection to /token. Like peer it leaves the machine to the server. It connects when it is first used, since a
// server closes a connection that says nothing, as it does while the limits are made ready.
type post struct {
	host   string
	conn   net.Conn // nil before
	reader *bufio.Reader
}

func (p *post) connect() error {
	if p.conn != nil {
		return nil
	}
	conn, err := net.Dial("tcp", p.host)
	if err == nil {
		p.conn, p.reader = conn, bufio.NewReader(conn)
	}
	return err
}

func (p *post) close() {
	if p.conn != nil {
		_ = p.conn.Close()
	}
}

func (p *post) refresh(l *line) error {
	if err := p.connect(); err != nil {
		return err
	}
	form := "grant_type=refresh_token&client_id=" + url.QueryEscape(l.id) + "&refresh_token=" + l.token
	_, err := fmt.Fprintf(p.conn, "POST /token HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
		"Content-Length: %d\r\n\r\n%s", p.host, len(form), form)
	if err != nil {
		return err
	}
	response, err := http.ReadResponse(p.reader, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var tokens struct {
		RefreshToken string `json:"refresh_token"`
	}
	if err := json.Unmarshal(body, &tokens); err != nil || tokens.RefreshToken == "" {
		return fmt.Errorf("status %d: %s", response.StatusCode, body)
	}
	l.token = tokens.RefreshToken
	return nil
}
