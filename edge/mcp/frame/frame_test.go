package frame_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/edge/mcp/frame"
)

func TestParseReadsWhatDecides(t *testing.T) {
	tests := map[string]struct {
		body    string
		want    frame.Message
		request bool
	}{
		"request": {
			`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`,
			frame.Message{ID: json.RawMessage("1"), Method: "tools/list"},
			true,
		},
		"text as identifier": {
			` { "method" : "ping" , "id" : "a\"b" , "jsonrpc" : "2.0" } `,
			frame.Message{ID: json.RawMessage(`"a\"b"`), Method: "ping"},
			true,
		},
		"escapes": {
			`{"jsonrpc":"2.0","id":-1.5e3,"\u006dethod":"tools\/list"}`,
			frame.Message{ID: json.RawMessage("-1.5e3"), Method: "tools/list"},
			true,
		},
		"notification": {
			`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
			frame.Message{Method: "notifications/initialized"},
			false,
		},
		"null as identifier": {
			`{"jsonrpc":"2.0","id":null,"method":"notifications/initialized"}`,
			frame.Message{Method: "notifications/initialized"},
			false,
		},
		"response": {
			`{"jsonrpc":"2.0","id":7,"result":{"method":"no","Method":"no"}}`,
			frame.Message{ID: json.RawMessage("7")},
			false,
		},
		"declared version": {
			`{"jsonrpc":"2.0","id":1,"method":"m","params":{"x":[{"_meta":1}],"_meta":{"a":{},"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
			frame.Message{ID: json.RawMessage("1"), Method: "m", Version: "2026-07-28"},
			true,
		},
		"arguments are not ours to judge": {
			`{"jsonrpc":"2.0","id":1,"method":"m","params":{"arguments":{"name":1,"Name":2,"name":3}}}`,
			frame.Message{ID: json.RawMessage("1"), Method: "m"},
			true,
		},
		"parameters by position": {
			`{"jsonrpc":"2.0","id":1,"method":"m","params":[{"_meta":1},{"_META":2}]}`,
			frame.Message{ID: json.RawMessage("1"), Method: "m"},
			true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := frame.Parse([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || got.IsRequest() != tt.request {
				t.Errorf("request %v, %s", got.IsRequest(), diff)
			}
		})
	}
}

// Covers mcp-header-mismatch and mcp-body-limits.
func TestParseRefusesWhatTwoReadersCouldReadDifferently(t *testing.T) {
	nested := func(depth int) string {
		inner := strings.Repeat("[", depth-3) + strings.Repeat("]", depth-3)
		return `{"jsonrpc":"2.0","id":1,"method":"m","params":{"arguments":{"a":` + inner + `}}}`
	}
	if _, err := frame.Parse([]byte(nested(frame.MaxDepth))); err != nil {
		t.Errorf("the deepest allowed message: %v", err)
	}
	tests := map[string]struct {
		body string
		want frame.Fault
	}{
		"nothing":                   {"", frame.Syntax},
		"blank":                     {" \n", frame.Syntax},
		"cut off":                   {`{"jsonrpc":"2.0"`, frame.Syntax},
		"two messages":              {`{"jsonrpc":"2.0"}{"jsonrpc":"2.0"}`, frame.Syntax},
		"byte order mark":           {"\ufeff" + `{"jsonrpc":"2.0"}`, frame.Syntax},
		"not UTF-8":                 {"{\"jsonrpc\":\"2.0\",\"method\":\"a\xff\"}", frame.Syntax},
		"a comment":                 {`{"jsonrpc":"2.0"/**/}`, frame.Syntax},
		"batch":                     {`[{"jsonrpc":"2.0","id":1,"method":"m"}]`, frame.Batch},
		"empty batch":               {` []`, frame.Batch},
		"number":                    {"1", frame.Shape},
		"text":                      {`"m"`, frame.Shape},
		"no version":                {`{"id":1,"method":"m"}`, frame.Shape},
		"another version":           {`{"jsonrpc":"1.0","id":1,"method":"m"}`, frame.Shape},
		"object as identifier":      {`{"jsonrpc":"2.0","id":{},"method":"m"}`, frame.Shape},
		"array as identifier":       {`{"jsonrpc":"2.0","id":[1],"method":"m"}`, frame.Shape},
		"bool as identifier":        {`{"jsonrpc":"2.0","id":true,"method":"m"}`, frame.Shape},
		"method is no text":         {`{"jsonrpc":"2.0","id":1,"method":["m"]}`, frame.Shape},
		"declared version no text":  {`{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":1}}}`, frame.Shape},
		"method twice":              {`{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call"}`, frame.TwoMeant},
		"method twice, escaped":     {`{"jsonrpc":"2.0","id":1,"method":"tools/list","\u006dethod":"tools/call"}`, frame.TwoMeant},
		"method in other letters":   {`{"jsonrpc":"2.0","id":1,"Method":"tools/call"}`, frame.TwoMeant},
		"method in two cases":       {`{"jsonrpc":"2.0","id":1,"method":"tools/list","METHOD":"tools/call"}`, frame.TwoMeant},
		"letters that fold":         {`{"jsonrpc":"2.0","id":1,"method":"m","param\u017f":{}}`, frame.TwoMeant},
		"identifier twice":          {`{"jsonrpc":"2.0","id":1,"id":2,"method":"m"}`, frame.TwoMeant},
		"parameters twice":          {`{"jsonrpc":"2.0","id":1,"method":"m","params":{},"params":{}}`, frame.TwoMeant},
		"tool name twice":           {`{"jsonrpc":"2.0","id":1,"method":"m","params":{"name":"a","name":"b"}}`, frame.TwoMeant},
		"tool name in two cases":    {`{"jsonrpc":"2.0","id":1,"method":"m","params":{"name":"a","NAME":"b"}}`, frame.TwoMeant},
		"meta twice":                {`{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{},"_meta":{}}}`, frame.TwoMeant},
		"declared version twice":    {`{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"a","io.modelcontextprotocol/protocolVersion":"b"}}}`, frame.TwoMeant},
		"one level too deep":        {nested(frame.MaxDepth + 1), frame.TooDeep},
		"a million levels":          {strings.Repeat("[", 1e6) + strings.Repeat("]", 1e6), frame.Syntax},
		"a million levels, no ends": {strings.Repeat(`{"a":`, 1e6), frame.Syntax},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := frame.Parse([]byte(tt.body))
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func FuzzMCPFrame(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"greet","arguments":{"name":"Ada"}}}`,
		`{"jsonrpc":"2.0","id":"x","method":"ping","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`,
		`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
		`{"jsonrpc":"2.0","id":1,"result":{}}`,
		`[{"jsonrpc":"2.0"}]`, `{"method":"a","Method":"b"}`, `{"\u006dethod":1}`, "", "{", `{"a":"\`, "\ufeff{}",
		strings.Repeat("[", 70), `{"jsonrpc":"2.0","id":1e9,"method":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := frame.Parse(body)
		if err != nil {
			if _, ok := errors.AsType[frame.Fault](err); !ok {
				t.Fatalf("%q failed with %v", body, err)
			}
			return
		}
		var second struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
			Params json.RawMessage `json:"params"`
		}
		if err := json.Unmarshal(body, &second); err != nil {
			t.Fatalf("%q was accepted, and the next reader fails with %v", body, err)
		}
		if second.Method != m.Method {
			t.Fatalf("%q has the method %q, and for the next reader %q", body, m.Method, second.Method)
		}
		if id := string(second.ID); id != string(m.ID) && id != "null" {
			t.Fatalf("%q has the identifier %q, and for the next reader %q", body, m.ID, second.ID)
		}
		var params struct {
			Meta map[string]any `json:"_meta"`
		}
		if json.Unmarshal(second.Params, &params) == nil {
			version, _ := params.Meta["io.modelcontextprotocol/protocolVersion"].(string)
			if version != m.Version {
				t.Fatalf("%q declares %q, and for the next reader %q", body, m.Version, version)
			}
		}
		if deepest := depthOf(body); deepest > frame.MaxDepth {
			t.Fatalf("%q is %d levels deep", body, deepest)
		}
	})
}

// depthOf asks the decoder of the standard library.
func depthOf(body []byte) int {
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	deepest, current := 0, 0
	for {
		token, err := decoder.Token()
		if err != nil {
			return deepest
		}
		switch fmt.Sprint(token) {
		case "{", "[":
			if _, ok := token.(json.Delim); ok {
				current++
				deepest = max(deepest, current)
			}
		case "}", "]":
			if _, ok := token.(json.Delim); ok {
				current--
			}
		}
	}
}

func BenchmarkParse(b *testing.B) {
	body := []byte(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"greet","arguments":{"name":"Ada"},` +
		`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := frame.Parse(body); err != nil {
			b.Fatal(err)
		}
	}
}
