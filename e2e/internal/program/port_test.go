package program

import "testing"

func TestFreePortIsNoneOfOutgoingConnections(t *testing.T) {
	for range 100 {
		port, err := FreePort()
		if err != nil || port < 1024 || port >= 32768 {
			t.Fatalf("port %d, %v", port, err)
		}
	}
}
