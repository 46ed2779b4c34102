package bench

import (
	"os"
	"runtime/debug"
	"testing"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(collector)
	if answer, ok := os.LookupEnv(limitVariable); ok {
		serveLimits(answer)
		return
	}
	m.Run()
}
