package bench

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"

	mcpserver "github.com/mark3labs/mcp-go/server"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/gatehouse-auth/gatehouse/edge/mcp"
	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// limitVariable makes this test binary the server of the limits. Its value is the answer to VerifyToken.
const limitVariable = "GATEHOUSE_BENCH_LIMIT"

// limits is a process of its own, as Gatehouse is.
type limits struct{ grpc, http string } // addresses

// startLimits runs a server without interceptors that gives one answer to every question unread, and the mcp-go server
// of Gatehouse with nothing before it.
func startLimits(b *testing.B, answer *gatehousev1.VerifyTokenResponse) limits {
	b.Helper()
	wire, err := proto.Marshal(answer)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), limitVariable+"="+base64.StdEncoding.EncodeToString(wire))
	cmd.Stderr = os.Stderr
	input, err := cmd.StdinPipe() // it ends with its input
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
	if _, err := fmt.Fscanln(bufio.NewReader(output), &l.grpc, &l.http); err != nil {
		b.Fatal(err)
	}
	return l
}

// serveLimits is the other process.
func serveLimits(answer string) {
	if err := serveUntilEOF(answer); err != nil {
		fmt.Fprintln(os.Stderr, "limits:", err)
	}
}

func serveUntilEOF(answer string) error {
	wire, err := base64.StdEncoding.DecodeString(answer)
	if err != nil {
		return err
	}
	p := parrot{answer: new(gatehousev1.VerifyTokenResponse)}
	if err := proto.Unmarshal(wire, p.answer); err != nil {
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
	server := grpc.NewServer()
	gatehousev1.RegisterAuthServiceServer(server, p)
	go func() { _ = server.Serve(rpc) }()
	mux := http.NewServeMux()
	mux.Handle("/mcp", mcpserver.NewStreamableHTTPServer(mcp.NewSampleServer("Gatehouse", "v0")))
	go func() { _ = (&http.Server{Handler: mux}).Serve(web) }()
	fmt.Fprintln(os.Stdout, rpc.Addr(), web.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// parrot always says the same.
type parrot struct {
	gatehousev1.UnimplementedAuthServiceServer
	answer *gatehousev1.VerifyTokenResponse
}

func (p parrot) VerifyToken(context.Context, *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error) {
	return p.answer, nil
}
