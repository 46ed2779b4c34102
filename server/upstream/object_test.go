package upstream

import (
	"testing"
	"time"
)

func TestObjectIsReadStrictly(t *testing.T) {
	for _, bad := range []string{
		"", " ", "null", "1", `"a"`, "[]", "{", "}", `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1}x`, `{"a":1}{}`, `{a:1}`,
		`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"a":01}`, "\ufeff{}", `{"a":1]`, `{1:2}`,
	} {
		if o, err := parseObject([]byte(bad)); err == nil {
			t.Errorf("%q became %v", bad, o)
		}
	}
	o, err := parseObject([]byte(` {"A":1, "a":"x", "n":null, "l":["p","q"], "b":true, "s":"true", "d":1.5e9} `))
	if err != nil {
		t.Fatal(err)
	}
	if s, err := o.text("a"); err != nil || s != "x" {
		t.Errorf("a: %q, %v", s, err)
	}
	if s, err := o.text("n"); err != nil || s != "" || o.has("n") || o.has("N") || !o.has("A") {
		t.Errorf("n: %q, %v", s, err)
	}
	if _, err := o.text("A"); err == nil {
		t.Error("A became a string")
	}
	if l, err := o.texts("l"); err != nil || len(l) != 2 {
		t.Errorf("l: %v, %v", l, err)
	}
	if l, err := o.texts("a"); err != nil || len(l) != 1 {
		t.Errorf("a: %v, %v", l, err)
	}
	if !o.flag("b") || !o.flag("s") || o.flag("a") || o.flag("none") {
		t.Error("flags")
	}
	if b, err := o.boolean("b"); err != nil || !b {
		t.Errorf("b: %v, %v", b, err)
	}
	for _, name := range []string{"s", "A", "n", "none"} {
		if b, err := o.boolean(name); err == nil {
			t.Errorf("%s became the boolean %v", name, b)
		}
	}
	if d, err := o.date("d"); err != nil || !d.Equal(time.Unix(1_500_000_000, 0)) {
		t.Errorf("d: %v, %v", d, err)
	}
	if d, err := o.date("none"); err != nil || !d.IsZero() {
		t.Errorf("none: %v, %v", d, err)
	}
}
