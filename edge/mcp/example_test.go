package mcp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/gatehouse-auth/gatehouse/edge/mcp"
	"github.com/gatehouse-auth/gatehouse/edge/verifier"
	"github.com/gatehouse-auth/gatehouse/edge/verifier/verifiertest"
)

// Any MCP server of mcp-go goes behind the gate as it is. Its tools find the caller with verifier.PrincipalFrom.
func ExampleNew() {
	// gatehousev1.NewAuthServiceClient(conn) in a real program.
	core := verifiertest.NewClient(time.Now)

	endpoint, err := mcp.New(mcp.Deps{
		Verifier: verifier.New(core, verifier.Config{
			Resource:    "https://mcp.example.com/mcp",
			MetadataURL: "https://mcp.example.com/.well-known/oauth-protected-resource/mcp",
		}),
		Server: mcp.NewSampleServer("Sample", "1.0.0"),
	}, mcp.Config{ResourceURL: "https://mcp.example.com/mcp"})
	if err != nil {
		fmt.Println(err)
		return
	}

	w := httptest.NewRecorder()
	endpoint.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "https://mcp.example.com/mcp", nil))
	fmt.Println(w.Code, w.Header().Get("WWW-Authenticate"))
	// Output: 401 Bearer resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"
}
