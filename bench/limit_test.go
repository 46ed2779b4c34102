package bench

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	mcpserver "github.com/mark3labs/mcp-go/server"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/gatehouse-auth/gatehouse/edge"
	"github.com/gatehouse-auth/gatehouse/edge/mcp"
	"github.com/gatehouse-auth/gatehouse/edge/verifier"
	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// limitVariable makes this test binary the process of the limits. Its value is a task.
const limitVariable = "GATEHOUSE_BENCH_LIMIT"

// task is what the process of the limits needs to know.
type task struct {
	Answer   []byte // to every VerifyToken, in wire format
	Core     string // address of the gRPC listener of Gatehouse
	Resource string
}

// limits are servers in a process of their own, as Gatehouse is: an RPC server without interceptors that gives one answer
// to every question unread; the mcp-go server of Gatehouse, on /mcp with nothing before it and on /guarded behind the
// verifier that any Go program can put there; and the edge of Gatehouse with a core that takes every token.
type limits struct{ grpc, http, edge string } // addresses

// startLimits runs the process until the benchmark ends.
func startLimits(b *testing.B, g *gatehouse, answer *gatehousev1.VerifyTokenResponse) limits {
	b.Helper()
	wire, err := proto.Marshal(answer)
	if err != nil {
		b.Fatal(err)
	}
	text, err := json.Marshal(task{Answer: wire, Core: g.grpc, Resource: g.resource()})
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), limitVariable+"="+string(text))
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe() // the process ends with its input
	if err != nil {
		b.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = input.Close()
		_ = cmd.Wait()
	})
	var l limits
	if _, err := fmt.Fscanln(bufio.NewReader(output), &l.grpc, &l.http, &l.edge); err != nil {
		b.Fatal(err)
	}
	return l
}

// serveLimits is that process.
func serveLimits(text string) {
	if err := serveUntilEOF(text); err != nil {
		fmt.Fprintln(os.Stderr, "limits:", err)
	}
}

func serveUntilEOF(text string) error {
	var t task
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return err
	}
	p := parrot{answer: new(gatehousev1.VerifyTokenResponse)}
	if err := proto.Unmarshal(t.Answer, p.answer); err != nil {
		return err
	}
	tools, err := t.tools()
	if err != nil {
		return err
	}
	rpc, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	web, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	open, err := openEdge("http://" + front.Addr().String())
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	gatehousev1.RegisterAuthServiceServer(server, p)
	go func() { _ = server.Serve(rpc) }()
	go func() { _ = (&http.Server{Handler: tools}).Serve(web) }()
	go func() { _ = (&http.Server{Handler: open}).Serve(front) }()
	fmt.Fprintln(os.Stdout, rpc.Addr(), web.Addr(), front.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// tools is the mcp-go server, bare and guarded.
func (t task) tools() (http.Handler, error) {
	conn, err := grpc.NewClient(t.Core, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	tools := mcpserver.NewStreamableHTTPServer(mcp.NewSampleServer("Gatehouse", "v0"))
	guard := verifier.New(gatehousev1.NewAuthServiceClient(conn),
		verifier.Config{Resource: t.Resource, RequiredScopes: []string{"mcp"}}, verifier.WithCache(1024, time.Second))
	mux := http.NewServeMux()
	mux.Handle("/mcp", tools)
	mux.Handle("/guarded", guard.Middleware(tools))
	return mux, nil
}

// openEdge is the edge of Gatehouse with a core that takes every token. It logs as Gatehouse does.
func openEdge(issuer string) (http.Handler, error) {
	log, err := os.CreateTemp("", "gatehouse-bench-log")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(log.Name()); err != nil { // the file lives until the process ends
		return nil, err
	}
	return edge.New(edge.Deps{
		Conn: assent{}, Logger: slog.New(slog.NewJSONHandler(log, nil)), Now: time.Now, Random: rand.Reader,
	}, edge.Config{Issuer: issuer, Resource: issuer + "/mcp", Scopes: []string{"mcp"}, ServerName: "Gatehouse", Version: "v0"})
}

// parrot always says the same.
type parrot struct {
	gatehousev1.UnimplementedAuthServiceServer
	answer *gatehousev1.VerifyTokenResponse
}

func (p parrot) VerifyToken(context.Context, *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error) {
	return p.answer, nil
}

// assent is a connection to a core that takes every token and knows nothing else.
type assent struct{ grpc.ClientConnInterface }

func (assent) Invoke(_ context.Context, method string, _, response any, _ ...grpc.CallOption) error {
	verdict, ok := response.(*gatehousev1.VerifyTokenResponse)
	if !ok {
		return status.Error(codes.Unimplemented, method)
	}
	verdict.Active, verdict.Subject, verdict.ClientId, verdict.GrantId = true, "subject", "client", "grant"
	verdict.Scopes = []string{"mcp"}
	verdict.ExpireTime = timestamppb.New(time.Now().Add(time.Hour))
	return nil
}
