package keycloak

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// LogOut ends every session of a user.
func (s *Server) LogOut(ctx context.Context, realm, username string) error {
	id, err := s.find(ctx, "/admin/realms/"+realm+"/users?exact=true&username="+username)
	if err != nil {
		return err
	}
	return s.send(ctx, http.MethodPost, "/admin/realms/"+realm+"/users/"+id+"/logout", nil, nil)
}

// SetEnabled lets a user in or keeps them out.
func (s *Server) SetEnabled(ctx context.Context, realm, username string, enabled bool) error {
	id, err := s.find(ctx, "/admin/realms/"+realm+"/users?exact=true&username="+username)
	if err != nil {
		return err
	}
	return s.send(ctx, http.MethodPut, "/admin/realms/"+realm+"/users/"+id, map[string]any{"enabled": enabled}, nil)
}

// RenewSecret gives a client a new secret and returns it. The old one is over at once.
func (s *Server) RenewSecret(ctx context.Context, realm, clientID string) (string, error) {
	id, err := s.find(ctx, "/admin/realms/"+realm+"/clients?clientId="+clientID)
	if err != nil {
		return "", err
	}
	var secret struct{ Value string }
	err = s.send(ctx, http.MethodPost, "/admin/realms/"+realm+"/clients/"+id+"/client-secret", nil, &secret)
	return secret.Value, err
}

// RotateKeys gives a realm a new key to sign with, and disables the one that it had: what that has signed is not good any
// more.
func (s *Server) RotateKeys(ctx context.Context, realm string) error {
	var components []map[string]any
	path := "/admin/realms/" + realm + "/components"
	if err := s.send(ctx, http.MethodGet, path+"?type=org.keycloak.keys.KeyProvider", nil, &components); err != nil {
		return err
	}
	at := slices.IndexFunc(components, func(c map[string]any) bool { return c["providerId"] == "rsa-generated" })
	if at < 0 {
		return fmt.Errorf("keycloak: realm %s has no key of its own", realm)
	}
	old := components[at]
	err := s.send(ctx, http.MethodPost, path, map[string]any{
		"name": "next", "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider", "parentId": old["parentId"],
		"config": map[string][]string{"priority": {"200"}, "enabled": {"true"}, "active": {"true"}, "algorithm": {"RS256"}},
	}, nil)
	if err != nil {
		return err
	}
	old["config"] = map[string][]string{"priority": {"100"}, "enabled": {"false"}, "active": {"false"}, "algorithm": {"RS256"}}
	return s.send(ctx, http.MethodPut, path+"/"+fmt.Sprint(old["id"]), old, nil)
}

// find returns the id of the one object that a query has.
func (s *Server) find(ctx context.Context, path string) (string, error) {
	var found []struct{ ID string }
	if err := s.send(ctx, http.MethodGet, path, nil, &found); err != nil {
		return "", err
	}
	if len(found) != 1 {
		return "", fmt.Errorf("keycloak: %s: %d results, want one", path, len(found))
	}
	return found[0].ID, nil
}
