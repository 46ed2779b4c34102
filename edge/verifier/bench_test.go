package verifier_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/edge/verifier"
	"github.com/gatehouse-auth/gatehouse/edge/verifier/verifiertest"
)

// longToken is about as long as a signed JWT.
var longToken = strings.Repeat("eyJhbGciOi", 60)

func benchmarked(opts ...verifier.Option) *verifier.Verifier {
	core := verifiertest.NewClient(time.Now)
	token := ada()
	token.ExpireTime = time.Now().Add(time.Hour)
	core.Issue(longToken, token)
	return verifier.New(core, config(), opts...)
}

func BenchmarkVerify(b *testing.B) {
	for name, v := range map[string]*verifier.Verifier{
		"asking": benchmarked(),
		"cached": benchmarked(verifier.WithCache(1024, time.Second)),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), longToken); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkMiddleware(b *testing.B) {
	handler := benchmarked().Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for name, authorization := range map[string]string{"good": "Bearer " + longToken, "bad": "Bearer nobody", "none": ""} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodPost, "/mcp", nil)
			if authorization != "" {
				r.Header.Set("Authorization", authorization)
			}
			b.ReportAllocs()
			for b.Loop() {
				handler.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}
