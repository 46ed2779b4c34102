package secret

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
)

const canary = "canary-value"

func TestSecretIsNeverPrinted(t *testing.T) {
	s := NewText(canary)
	holder := struct {
		Name  string
		Value Text
	}{"x", s}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{s, &s, holder, []Text{s}, map[string]Text{"k": s}} {
			if out := fmt.Sprintf(verb, value); strings.Contains(out, canary) || strings.Contains(out, fmt.Sprintf("%x", canary)) {
				t.Errorf("%s of %T prints the secret", verb, value)
			}
		}
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "s", s, "holder", holder, "list", []Text{s})
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "s", s, "holder", holder, "list", []Text{s})
	if strings.Contains(log.String(), canary) {
		t.Errorf("log = %s", log.String())
	}
}

// TestHiddenHidesWhatStandsBesideIt: a struct that embeds it shows none of its fields.
func TestHiddenHidesWhatStandsBesideIt(t *testing.T) {
	key := struct {
		Hidden

		Private any
	}{Private: canary}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "key", key)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&log, verb, []any{key, &key})
	}
	if strings.Contains(log.String(), canary) || strings.Contains(log.String(), fmt.Sprintf("%x", canary)) {
		t.Errorf("log = %s", log.String())
	}
	if out, err := json.Marshal(key); err == nil {
		t.Errorf("json = %s", out)
	}
}

func TestSecretRefusesToBeMarshalled(t *testing.T) {
	if out, err := json.Marshal(NewText(canary)); err == nil {
		t.Errorf("json = %s", out)
	}
	if out, err := json.Marshal(map[string]any{"s": NewText(canary)}); err == nil {
		t.Errorf("json = %s", out)
	}
}

func TestEqualComparesValues(t *testing.T) {
	if !NewText("a").Equal(NewText("a")) || NewText("a").Equal(NewText("b")) || NewText("a").Equal(NewText("")) {
		t.Error("Equal is wrong")
	}
	if !NewText("a").Hash().Equal(NewText("a").Hash()) || NewText("a").Hash().Equal(NewText("b").Hash()) {
		t.Error("Hash.Equal is wrong")
	}
	if _, err := ParseHash([]byte("short")); err == nil {
		t.Error("a short digest was accepted")
	}
}

func TestSourceMakesDistinctSecretsAndUUIDs(t *testing.T) {
	source := NewSource(nil)
	seen := make(map[string]bool)
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	for range 10_000 {
		text, id := source.Text("x_").Reveal(), source.ID()
		if seen[text] || seen[id] {
			t.Fatal("a repeated value")
		}
		seen[text], seen[id] = true, true
		if !strings.HasPrefix(text, "x_") || len(text) != 45 || !uuid.MatchString(id) {
			t.Fatalf("text has %d characters, id = %s", len(text), id)
		}
	}
}

func TestFailingRandomnessStopsTheProcess(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("went on without randomness")
		}
	}()
	NewSource(bytes.NewReader(nil)).Text("")
}
