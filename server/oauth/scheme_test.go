package oauth_test

import (
	"testing"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
)

func TestPrivateUseSchemesAllowOnlyWhatIsListedOrReversedDomain(t *testing.T) {
	tests := []struct {
		schemes oauth.PrivateUseSchemes
		raw     string
		want    bool
	}{
		{nil, "com.example.app:/cb", true},
		{nil, "cursor://x/cb", false},
		{oauth.PrivateUseSchemes{"myapp"}, "myapp://x/cb", true},
		{oauth.PrivateUseSchemes{"myapp"}, "cursor://x/cb", false},
		{oauth.PrivateUseSchemes{"MyApp"}, "myapp://x/cb", false},
		{oauth.PrivateUseSchemes{"javascript"}, "javascript://x/cb", false},
		{oauth.PrivateUseSchemes{"ws"}, "ws://x/cb", false},
	}
	for _, tt := range tests {
		if _, err := oauth.ParseRedirectURI(tt.raw, tt.schemes); (err == nil) != tt.want {
			t.Errorf("with %v, %q: %v", tt.schemes, tt.raw, err)
		}
	}
}

func TestPrivateUseSchemesValidate(t *testing.T) {
	if err := oauth.DefaultPrivateUseSchemes().Validate(); err != nil {
		t.Errorf("the default is invalid: %v", err)
	}
	for _, scheme := range []string{"", "MyApp", "my app", "myapp:", "1app", "javascript", "http", "data", "file"} {
		if err := (oauth.PrivateUseSchemes{"myapp", scheme}).Validate(); err == nil {
			t.Errorf("%q is valid", scheme)
		}
	}
}
