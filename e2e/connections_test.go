package e2e

import (
	"context"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TestServeBoundsGRPCConnections: where as many connections are open as may be, the next waits until there is room. The
// HTTP listener has its own.
func TestServeBoundsGRPCConnections(t *testing.T) {
	if runtime.GOOS != "linux" {
		missing(t, "GATEHOUSE_E2E_REQUIRE", "only Linux lets a program use every loopback address", "run it on Linux")
	}
	const most, ofSource = 1024, 256
	s := startServe(t)
	silent := make([]net.Conn, most)
	for i := range silent {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+i/ofSource))}}
		conn, err := dialer.Dial("tcp", s.grpcAddr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		silent[i] = conn
	}
	service := s.authService(t)
	hurried, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := service.VerifyToken(hurried, verifyRequest(s.deployment, "unknown"))
	if code := status.Code(err); code != codes.DeadlineExceeded && code != codes.Unavailable {
		t.Errorf("a call beyond the bound: %v; want no answer", err)
	}
	if status := s.mcpStatus(t, "unknown"); status != http.StatusUnauthorized {
		t.Errorf("the HTTP listener: status %d", status)
	}
	for _, conn := range silent {
		conn.Close()
	}
	if _, err := service.VerifyToken(t.Context(), verifyRequest(s.deployment, "unknown"), grpc.WaitForReady(true)); err != nil {
		t.Errorf("a call when there is room: %v", err)
	}
}
