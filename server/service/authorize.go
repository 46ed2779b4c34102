package service

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/authorization"
	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// BeginAuthorization validates an authorization request.
func (a *Auth) BeginAuthorization(ctx context.Context, req *gatehousev1.BeginAuthorizationRequest) (*gatehousev1.BeginAuthorizationResponse, error) {
	begun, err := a.deps.Flow.Begin(ctx, authorization.Request{
		ClientID:            req.GetClientId(),
		RedirectURI:         req.RedirectUri,
		ResponseType:        req.GetResponseType(),
		ResponseMode:        req.GetResponseMode(),
		CodeChallenge:       req.GetCodeChallenge(),
		CodeChallengeMethod: req.GetCodeChallengeMethod(),
		State:               req.State,
		Scope:               req.Scope,
		Resources:           req.GetResources(),
		Prompt:              req.GetPrompt(),
		Repeated:            req.GetRepeatedParameters(),
		RequestObject:       req.GetRequestObject(),
	})
	if err != nil {
		return nil, err
	}
	if begun.Redirect != nil {
		return &gatehousev1.BeginAuthorizationResponse{
			Outcome: &gatehousev1.BeginAuthorizationResponse_Redirect{Redirect: redirectMessage(*begun.Redirect)},
		}, nil
	}
	return &gatehousev1.BeginAuthorizationResponse{
		Outcome: &gatehousev1.BeginAuthorizationResponse_Consent{Consent: &gatehousev1.ConsentPrompt{
			Handle:     begun.Handle.Reveal(),
			ExpireTime: timestamppb.New(begun.ExpireTime),
		}},
	}, nil
}

// GetConsent returns what the consent page shows.
func (a *Auth) GetConsent(ctx context.Context, req *gatehousev1.GetConsentRequest) (*gatehousev1.GetConsentResponse, error) {
	consent, err := a.deps.Flow.Consent(ctx, secret.NewText(req.GetHandle()))
	if err != nil {
		return nil, err
	}
	response := &gatehousev1.GetConsentResponse{
		ClientId:            consent.Client.ID,
		ClientName:          consent.Client.Name,
		ClientOrigin:        originMessage(consent.Client.Origin),
		ClientCreateTime:    timestamppb.New(consent.Client.CreateTime),
		RedirectUri:         consent.RedirectURI.String(),
		RedirectDestination: consent.RedirectURI.Destination(),
		RedirectKind:        kindMessage(consent.RedirectURI.Kind()),
		Resource:            consent.Resource.URI,
		ResourceName:        consent.Resource.Name,
		ProviderName:        consent.ProviderName,
		ExpireTime:          timestamppb.New(consent.Transaction.ExpireTime),
	}
	for _, scope := range consent.Transaction.Scopes {
		response.Scopes = append(response.Scopes, &gatehousev1.Scope{
			Value:       scope,
			Description: consent.Resource.Descriptions[scope],
		})
	}
	return response, nil
}

// DecideConsent records the user's decision.
func (a *Auth) DecideConsent(ctx context.Context, req *gatehousev1.DecideConsentRequest) (*gatehousev1.DecideConsentResponse, error) {
	handle := secret.NewText(req.GetHandle())
	var decision authorization.Decision
	var err error
	switch req.GetDecision() {
	case gatehousev1.DecideConsentRequest_DECISION_ALLOW:
		decision, err = a.deps.Flow.Allow(ctx, handle, secret.NewText(req.GetPageSecret()))
	case gatehousev1.DecideConsentRequest_DECISION_DENY:
		decision, err = a.deps.Flow.Deny(ctx, handle)
	default:
		err = oauth.NewError(oauth.InvalidRequest, "decision is missing.")
	}
	if err != nil {
		return nil, err
	}
	if decision.Redirect != nil {
		return &gatehousev1.DecideConsentResponse{
			Outcome: &gatehousev1.DecideConsentResponse_Redirect{Redirect: redirectMessage(*decision.Redirect)},
		}, nil
	}
	return &gatehousev1.DecideConsentResponse{
		Outcome: &gatehousev1.DecideConsentResponse_Upstream{Upstream: &gatehousev1.UpstreamRedirect{
			Uri:           decision.UpstreamURL,
			State:         decision.State.Reveal(),
			BrowserSecret: decision.BrowserSecret.Reveal(),
			ExpireTime:    timestamppb.New(decision.Transaction.ExpireTime),
			ProviderName:  decision.ProviderName,
		}},
	}, nil
}

// CompleteAuthorization takes the provider's answer.
func (a *Auth) CompleteAuthorization(
	ctx context.Context, req *gatehousev1.CompleteAuthorizationRequest,
) (*gatehousev1.CompleteAuthorizationResponse, error) {
	completed, err := a.deps.Flow.Complete(ctx, authorization.Answer{
		State:         secret.NewText(req.GetState()),
		BrowserSecret: secret.NewText(req.GetBrowserSecret()),
		Code:          secret.NewText(req.GetCode()),
		Error:         req.GetError(),
		Issuer:        req.GetIss(),
	})
	if err != nil {
		return nil, err
	}
	if completed.Account != nil {
		return &gatehousev1.CompleteAuthorizationResponse{Account: &gatehousev1.AccountSession{
			SessionSecret: completed.Account.Secret.Reveal(),
			ExpireTime:    timestamppb.New(completed.Account.ExpireTime),
		}}, nil
	}
	return &gatehousev1.CompleteAuthorizationResponse{Redirect: redirectMessage(*completed.Redirect)}, nil
}

func redirectMessage(redirect authorization.Redirect) *gatehousev1.ClientRedirect {
	return &gatehousev1.ClientRedirect{
		Uri:              redirect.URI,
		Automatic:        redirect.Automatic,
		Destination:      redirect.Destination,
		Error:            string(redirect.Code),
		ErrorDescription: redirect.Description,
	}
}

func kindMessage(kind oauth.RedirectKind) gatehousev1.GetConsentResponse_RedirectKind {
	switch kind {
	case oauth.RedirectWeb:
		return gatehousev1.GetConsentResponse_REDIRECT_KIND_WEB
	case oauth.RedirectLoopback:
		return gatehousev1.GetConsentResponse_REDIRECT_KIND_LOOPBACK
	case oauth.RedirectPrivateUse:
		return gatehousev1.GetConsentResponse_REDIRECT_KIND_PRIVATE_USE
	}
	return gatehousev1.GetConsentResponse_REDIRECT_KIND_UNSPECIFIED
}
