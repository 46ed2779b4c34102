package program

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net"
)

// Ports that no system gives to outgoing connections, so that none of those takes one before its server listens: Linux begins
// at 32768, others later.
const (
	firstPort = 16384
	ports     = 16384
)

// FreePort returns a loopback port that nobody listens on. Somebody may take it before the caller does; the number of ports
// makes that unlikely.
func FreePort() (int, error) {
	var problems error
	for range 100 {
		offset, err := rand.Int(rand.Reader, big.NewInt(ports))
		if err != nil {
			return 0, fmt.Errorf("program: %w", err)
		}
		port := firstPort + int(offset.Int64())
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, listener.Close()
		}
		problems = errors.Join(problems, err)
	}
	return 0, fmt.Errorf("program: %w", problems)
}
