package service

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/verify"
)

// VerifyToken says whether a token is good for a resource.
func (a *Auth) VerifyToken(ctx context.Context, req *gatehousev1.VerifyTokenRequest) (*gatehousev1.VerifyTokenResponse, error) {
	verdict, err := a.deps.Verifier.Verify(ctx, verify.Request{
		Token:          secret.NewText(req.GetToken()),
		Resource:       req.GetResource(),
		RequiredScopes: req.GetRequiredScopes(),
		Strict:         req.GetFreshness() == gatehousev1.Freshness_FRESHNESS_STRICT,
	})
	if err != nil {
		return nil, err
	}
	if !verdict.Active() {
		return &gatehousev1.VerifyTokenResponse{Reason: reasonMessage(verdict.Reason), Scopes: verdict.Scopes}, nil
	}
	return &gatehousev1.VerifyTokenResponse{
		Active:     true,
		Subject:    verdict.Claims.Subject,
		ClientId:   verdict.Claims.ClientID,
		Scopes:     verdict.Scopes,
		GrantId:    verdict.Claims.GrantID,
		ExpireTime: timestamppb.New(time.Unix(verdict.Claims.Expiry, 0)),
		Identity:   identityMessage(verdict.User),
	}, nil
}

func identityMessage(user storage.User) *gatehousev1.Identity {
	return &gatehousev1.Identity{
		Provider:          user.Provider,
		Issuer:            user.Issuer,
		Subject:           user.Subject,
		Name:              user.Name,
		GivenName:         user.GivenName,
		FamilyName:        user.FamilyName,
		Email:             user.Email,
		EmailVerified:     user.EmailVerified,
		PreferredUsername: user.PreferredUsername,
		Groups:            user.Groups,
	}
}

func reasonMessage(reason verify.Reason) gatehousev1.InactiveReason {
	switch reason {
	case verify.Malformed:
		return gatehousev1.InactiveReason_INACTIVE_REASON_MALFORMED
	case verify.Signature:
		return gatehousev1.InactiveReason_INACTIVE_REASON_SIGNATURE
	case verify.Issuer:
		return gatehousev1.InactiveReason_INACTIVE_REASON_ISSUER
	case verify.Audience:
		return gatehousev1.InactiveReason_INACTIVE_REASON_AUDIENCE
	case verify.Expired:
		return gatehousev1.InactiveReason_INACTIVE_REASON_EXPIRED
	case verify.Revoked:
		return gatehousev1.InactiveReason_INACTIVE_REASON_REVOKED
	case verify.UnknownGrant:
		return gatehousev1.InactiveReason_INACTIVE_REASON_UNKNOWN_GRANT
	case verify.Upstream:
		return gatehousev1.InactiveReason_INACTIVE_REASON_UPSTREAM
	case verify.InsufficientScope:
		return gatehousev1.InactiveReason_INACTIVE_REASON_INSUFFICIENT_SCOPE
	}
	return gatehousev1.InactiveReason_INACTIVE_REASON_UNSPECIFIED
}
