package bench

import (
	"os"
	"runtime/debug"
	"testing"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(collector)
	if task, ok := os.LookupEnv(limitVariable); ok {
		serveLimits(task)
		return
	}
	m.Run()
}
