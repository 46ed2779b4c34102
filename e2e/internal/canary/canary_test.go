package canary

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
)

const planted = "s3cr3t/with+every&kind=of~character"

func TestScanFindsEveryEncoding(t *testing.T) {
	opaque := base64.RawURLEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	tests := map[string]struct{ secret, content string }{
		"raw":                       {planted, planted},
		"raw between others":        {planted, "level=info token=" + planted + " done"},
		"base64":                    {planted, base64.StdEncoding.EncodeToString([]byte(planted))},
		"base64url":                 {planted, base64.URLEncoding.EncodeToString([]byte(planted))},
		"base64url without padding": {planted, base64.RawURLEncoding.EncodeToString([]byte(planted))},
		"base64 after one byte":     {planted, base64.StdEncoding.EncodeToString([]byte(":" + planted + ":"))},
		"base64 after two bytes":    {planted, base64.StdEncoding.EncodeToString([]byte("id" + planted + "x"))},
		"basic credentials":         {planted, base64.StdEncoding.EncodeToString([]byte("client-7:" + planted))},
		"hex":                       {planted, hex.EncodeToString([]byte(planted))},
		"upper-case hex":            {planted, strings.ToUpper(hex.EncodeToString([]byte(planted)))},
		"query-escaped":             {planted, url.QueryEscape(planted)},
		"path-escaped":              {planted, url.PathEscape(planted)},
		"JSON":                      {planted, fmt.Sprintf(`{"v":"%s"}`, strings.ReplaceAll(planted, "&", `\u0026`))},
		"bytes of a random text":    {opaque, "\x00\x010123456789abcdef0123456789abcdef\xff"},
		"hex of a random text":      {opaque, hex.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))},
		"bytes after a prefix":      {"ghx_" + opaque, "\x00\x010123456789abcdef0123456789abcdef\xff"},
		"signature of a JWT":        {"eyJhbGciOiJub25lIn0.e30." + opaque, "signature " + opaque},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var set Set
			set.Add("planted", test.secret)
			findings, err := set.Scan(fstest.MapFS{"dir/file": {Data: []byte(test.content)}})
			if err != nil {
				t.Fatal(err)
			}
			if len(findings) == 0 {
				t.Fatal("the planted secret was not found")
			}
			if got := findings[0].Path; got != "dir/file" {
				t.Errorf("found in %q, want dir/file", got)
			}
			if strings.Contains(fmt.Sprint(findings), test.secret) {
				t.Error("the report shows the secret")
			}
		})
	}
}

func TestScanOfCleanFilesFindsNothing(t *testing.T) {
	var set Set
	set.Add("planted", planted)
	set.Add("short", "abc")
	findings, err := set.Scan(fstest.MapFS{
		"log":   {Data: []byte(`{"level":"info","msg":"abc","hash":"` + strings.Repeat("0a", 32) + `"}`)},
		"empty": {},
	})
	if err != nil || len(findings) != 0 {
		t.Fatalf("Scan = %v, %v; want nothing", findings, err)
	}
}

func TestScanAcceptsASecretOnlyWhereItBelongs(t *testing.T) {
	var set Set
	set.Add("admin token", planted)
	tree := fstest.MapFS{"admin.token": {Data: []byte(planted)}, "log": {Data: []byte(planted)}}
	findings, err := set.Scan(tree, Allowance{Kind: "admin token", Path: "admin.token"})
	if err != nil || len(findings) != 1 || findings[0].Path != "log" {
		t.Fatalf("Scan = %v, %v; want one finding in log", findings, err)
	}
}

func TestSetRemembersTheFirstOfEachKind(t *testing.T) {
	var set Set
	first := planted + "-0"
	for i := range 3 * maxOfKind {
		set.Add("token", fmt.Sprintf("%s-%d", planted, i))
	}
	set.Add("password", "another s3cr3t of another kind")
	if got := len(set.snapshot()); got != maxOfKind+1 {
		t.Errorf("%d secrets are remembered, want %d", got, maxOfKind+1)
	}
	if set.snapshot()[first] != "token" {
		t.Error("the first of a kind was forgotten")
	}
}
