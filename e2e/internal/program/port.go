package program

import (
	"fmt"
	"net"
)

// FreePort returns a loopback port that nobody listens on. Somebody may take it before the caller does; the range of
// ephemeral ports makes that unlikely.
func FreePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("program: %w", err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
