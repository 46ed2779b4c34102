package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// collector is the GOGC of "gatehouse serve", for every process here.
const collector = 400

// gatehouse is a running binary with its built-in identity provider.
type gatehouse struct {
	process  *os.Process
	http     string // addresses
	grpc     string
	data     string
	starting time.Duration // from the start of the process until it was ready
	stop     func()
}

// start runs the binary with an empty data directory and waits until it is ready. It stops when the benchmark ends.
func start(b *testing.B, path string) *gatehouse {
	b.Helper()
	return startIn(b, path, b.TempDir())
}

// startIn is start with a data directory, and with settings that other benchmarks do not have.
func startIn(b *testing.B, path, data string, settings ...string) *gatehouse {
	b.Helper()
	g := &gatehouse{http: freeAddress(b), grpc: freeAddress(b), data: data}
	cmd := exec.Command(path, "dev")
	cmd.Dir = g.data
	cmd.Env = append(environ(),
		"GATEHOUSE_HTTP_ADDR="+g.http, "GATEHOUSE_GRPC_ADDR="+g.grpc, "GATEHOUSE_DEV_IDP_ADDR="+freeAddress(b),
		"GATEHOUSE_DATA_DIR="+g.data, "GATEHOUSE_LOG_FORMAT=json",
		"GOGC="+strconv.Itoa(collector))
	cmd.Env = append(cmd.Env, settings...)
	log, err := os.Create(filepath.Join(g.data, "log"))
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	cmd.Stderr = log
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	g.process = cmd.Process
	g.stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	b.Cleanup(g.stop)
	if err := g.awaitReady(b.Context()); err != nil {
		text, _ := os.ReadFile(log.Name())
		b.Fatalf("%v\n%s", err, text)
	}
	g.starting = time.Since(began)
	return g
}

// environ is the environment without settings of Gatehouse, which are the benchmark's to make, and without our own
// variables, which it would refuse as unknown.
func environ() []string {
	return slices.DeleteFunc(os.Environ(), func(line string) bool { return strings.HasPrefix(line, "GATEHOUSE_") })
}

// awaitReady asks often, since a start takes milliseconds.
func (g *gatehouse) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, errors.New("gatehouse is not ready"))
	defer cancel()
	every := time.NewTicker(time.Millisecond)
	defer every.Stop()
	for {
		if get(ctx, "http://"+g.http+"/readyz") == http.StatusOK {
			return nil
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// get returns the status, or zero.
func get(ctx context.Context, url string) int {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}

func (g *gatehouse) resource() string { return "http://" + g.http + "/mcp" }

// operator connects with the admin token, as an edge in another process does.
func (g *gatehouse) operator(b *testing.B) gatehousev1.AuthServiceClient {
	b.Helper()
	token, err := os.ReadFile(filepath.Join(g.data, "admin.token"))
	if err != nil {
		b.Fatal(err)
	}
	header := "Bearer " + strings.TrimSpace(string(token))
	return dial(b, g.grpc, grpc.WithUnaryInterceptor(func(
		ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption,
	) error {
		return invoke(metadata.AppendToOutgoingContext(ctx, "authorization", header), method, req, reply, conn, opts...)
	}))
}

func dial(b *testing.B, address string, options ...grpc.DialOption) gatehousev1.AuthServiceClient {
	b.Helper()
	conn, err := grpc.NewClient(address, append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return gatehousev1.NewAuthServiceClient(conn)
}

// freeAddress is a loopback address that nobody listens on. Its port is below those of outgoing connections, of which there
// are many here.
func freeAddress(b *testing.B) string {
	b.Helper()
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 16384+rand.IntN(16384))
		listener, err := net.Listen("tcp", address)
		if err == nil {
			_ = listener.Close()
			return address
		}
	}
	b.Fatal("no port is free")
	return ""
}
