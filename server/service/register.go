package service

import (
	"context"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/registration"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// RegisterClient registers a client dynamically.
func (a *Auth) RegisterClient(ctx context.Context, req *gatehousev1.RegisterClientRequest) (*gatehousev1.RegisterClientResponse, error) {
	registered, err := a.deps.Registrar.Register(ctx, clientMetadata(req), storage.OriginDynamic)
	if err != nil {
		return nil, err
	}
	client := registered.Client
	response := &gatehousev1.RegisterClientResponse{
		ClientId:                client.ID,
		ClientIdIssuedAt:        uint32(client.CreateTime.Unix()), //nolint:gosec // good until 2106; int64 would become a JSON string
		RedirectUris:            client.RedirectURIs,
		TokenEndpointAuthMethod: client.AuthMethod,
		GrantTypes:              client.GrantTypes,
		ResponseTypes:           []string{"code"},
		ClientName:              client.Name,
		ClientUri:               client.ClientURI,
		LogoUri:                 client.LogoURI,
		Scope:                   oauth.Scopes(client.Scopes).String(),
		Contacts:                req.GetContacts(),
		TosUri:                  req.GetTosUri(),
		PolicyUri:               req.GetPolicyUri(),
		SoftwareId:              client.SoftwareID,
		SoftwareVersion:         client.SoftwareVersion,
		ApplicationType:         client.ApplicationType,
	}
	if !registered.Secret.IsEmpty() {
		response.ClientSecret = new(registered.Secret.Reveal())
		response.ClientSecretExpiresAt = proto.Uint32(0) // never; RFC 7591 section 3.2.1 requires the member
	}
	return response, nil
}

func clientMetadata(req *gatehousev1.RegisterClientRequest) registration.Metadata {
	return registration.Metadata{
		RedirectURIs:    req.GetRedirectUris(),
		AuthMethod:      req.GetTokenEndpointAuthMethod(),
		GrantTypes:      req.GetGrantTypes(),
		ResponseTypes:   req.GetResponseTypes(),
		Name:            req.GetClientName(),
		Scope:           req.GetScope(),
		ApplicationType: req.GetApplicationType(),
		ClientURI:       req.GetClientUri(),
		LogoURI:         req.GetLogoUri(),
		TermsURI:        req.GetTosUri(),
		PolicyURI:       req.GetPolicyUri(),
		SoftwareID:      req.GetSoftwareId(),
		SoftwareVersion: req.GetSoftwareVersion(),
		Contacts:        req.GetContacts(),
	}
}

// clientMessage is a client as operators see it.
func clientMessage(client storage.Client) *gatehousev1.Client {
	message := &gatehousev1.Client{
		ClientId:                client.ID,
		ClientName:              client.Name,
		Origin:                  originMessage(client.Origin),
		RedirectUris:            client.RedirectURIs,
		TokenEndpointAuthMethod: client.AuthMethod,
		GrantTypes:              client.GrantTypes,
		Scopes:                  client.Scopes,
		ApplicationType:         client.ApplicationType,
		CreateTime:              timestamppb.New(client.CreateTime),
		ClientUri:               client.ClientURI,
		SoftwareId:              client.SoftwareID,
		SoftwareVersion:         client.SoftwareVersion,
	}
	if !client.LastUsedTime.IsZero() {
		message.LastUsedTime = timestamppb.New(client.LastUsedTime)
	}
	return message
}

func originMessage(origin storage.ClientOrigin) gatehousev1.Client_Origin {
	switch origin {
	case storage.OriginDynamic:
		return gatehousev1.Client_ORIGIN_DYNAMIC
	case storage.OriginOperator:
		return gatehousev1.Client_ORIGIN_OPERATOR
	}
	return gatehousev1.Client_ORIGIN_UNSPECIFIED
}
