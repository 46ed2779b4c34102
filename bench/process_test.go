package bench

import (
	"bytes"
	"fmt"
	"os"
	"testing"
	"time"
)

// resident is the memory of the process that is in RAM, in megabytes; nothing where there is no /proc.
func (g *gatehouse) resident(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(status, []byte("VmRSS:"))
	var kilobytes float64
	if _, err := fmt.Sscan(string(rest), &kilobytes); err != nil {
		b.Fatal(err)
	}
	return kilobytes / 1024
}

// tick is the unit in which the kernel tells CPU time (USER_HZ).
const tick = 10 * time.Millisecond

// cpu is the CPU time that the process has had, whatever else the machine did meanwhile; nothing where there is no /proc.
func (g *gatehouse) cpu(b *testing.B) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", g.process.Pid))
	if err != nil {
		return 0
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // the name before it may have spaces
	const user, system = 11, 12                                     // proc(5), counted from the state
	var ticks, more int64
	if _, err := fmt.Sscan(string(fields[user])+" "+string(fields[system]), &ticks, &more); err != nil {
		b.Fatal(err)
	}
	return time.Duration(ticks+more) * tick
}
