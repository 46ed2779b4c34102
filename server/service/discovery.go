package service

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/grant"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/registration"
)

// GetServerMetadata returns the authorization server metadata (RFC 8414).
func (a *Auth) GetServerMetadata(_ context.Context, req *gatehousev1.GetServerMetadataRequest) (*gatehousev1.GetServerMetadataResponse, error) {
	if _, err := a.resource(req.GetResourcePath()); err != nil {
		return nil, err
	}
	d := a.discovery
	metadata := &gatehousev1.GetServerMetadataResponse{
		Issuer:                                     d.Issuer,
		AuthorizationEndpoint:                      d.Issuer + "/authorize",
		TokenEndpoint:                              d.Issuer + "/token",
		RegistrationEndpoint:                       d.Issuer + "/register",
		ScopesSupported:                            d.Scopes,
		ResponseTypesSupported:                     []string{"code"},
		ResponseModesSupported:                     []string{"query"},
		GrantTypesSupported:                        grant.Types(),
		TokenEndpointAuthMethodsSupported:          registration.Methods(),
		CodeChallengeMethodsSupported:              []string{oauth.MethodS256},
		AuthorizationResponseIssParameterSupported: true,
		ServiceDocumentation:                       d.Documentation,
		RevocationEndpoint:                         d.Issuer + "/revoke",
		RevocationEndpointAuthMethodsSupported:     registration.Methods(),
		IntrospectionEndpoint:                      d.Issuer + "/introspect",
		IntrospectionEndpointAuthMethodsSupported:  []string{registration.MethodBasic, registration.MethodPost},
	}
	for _, resource := range d.Resources {
		metadata.ProtectedResources = append(metadata.ProtectedResources, resource.URI)
	}
	if len(a.deps.Keys.Public()) > 0 {
		metadata.JwksUri = d.Issuer + "/.well-known/jwks.json"
	}
	return metadata, nil
}

// GetResourceMetadata returns the metadata of one resource (RFC 9728).
func (a *Auth) GetResourceMetadata(_ context.Context, req *gatehousev1.GetResourceMetadataRequest) (*gatehousev1.GetResourceMetadataResponse, error) {
	resource, err := a.resource(req.GetResourcePath())
	if err != nil {
		return nil, err
	}
	return &gatehousev1.GetResourceMetadataResponse{
		Resource:               resource.URI,
		AuthorizationServers:   []string{a.discovery.Issuer},
		ScopesSupported:        resource.Scopes,
		BearerMethodsSupported: []string{"header"},
		ResourceName:           resource.Name,
	}, nil
}

// GetKeySet returns the public keys (RFC 7517).
func (a *Auth) GetKeySet(context.Context, *gatehousev1.GetKeySetRequest) (*gatehousev1.GetKeySetResponse, error) {
	set := &gatehousev1.GetKeySetResponse{}
	for _, raw := range a.deps.Keys.Public() {
		var key gatehousev1.JsonWebKey
		if err := protojson.Unmarshal(raw, &key); err != nil {
			return nil, fmt.Errorf("service: public key: %w", err)
		}
		set.Keys = append(set.Keys, &key)
	}
	return set, nil
}

func (a *Auth) resource(path string) (oauth.Resource, error) {
	resource, ok := a.discovery.Resources.ByPath(path)
	if !ok {
		return oauth.Resource{}, oauth.NewError(oauth.NotFound, "There is no such resource.")
	}
	return resource, nil
}
