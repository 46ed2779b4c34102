package e2e

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// checkLog fails the test unless every line of a log is a JSON record, and none of them reports a fault of gatehouse.
// Whatever clients, attackers and outages do is no such fault. Neither is what only an operator can mend and the test has
// broken: errors with that text.
func checkLog(t *testing.T, path, broken string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Error(err)
		return
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		var record struct{ Time, Level, Msg string }
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil || record.Time == "" || record.Msg == "" {
			t.Errorf("%s line %d is no log record: %s", path, number, lines.Text())
		}
		if record.Level == "ERROR" && (broken == "" || !strings.Contains(lines.Text(), broken)) {
			t.Errorf("%s line %d: %s", path, number, lines.Text())
		}
	}
	if err := lines.Err(); err != nil {
		t.Error(err)
	}
}
