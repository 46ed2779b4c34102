package realm

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"time"
)

const keyID = "realm-key"

func (r *Realm) discovery(w http.ResponseWriter, _ *http.Request) {
	protocol := r.Issuer() + "/protocol/openid-connect/"
	respond(w, http.StatusOK, map[string]any{
		"issuer":                                         r.Issuer(),
		"authorization_endpoint":                         protocol + string(Authorization),
		"token_endpoint":                                 protocol + string(Token),
		"userinfo_endpoint":                              protocol + string(UserInfo),
		"introspection_endpoint":                         protocol + string(Introspection),
		"revocation_endpoint":                            protocol + string(Revocation),
		"backchannel_logout_supported":                   true,
		"backchannel_logout_session_supported":           true,
		"jwks_uri":                                       protocol + "certs",
		"response_types_supported":                       []string{"code"},
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          []string{"RS256"},
		"code_challenge_methods_supported":               []string{"S256"},
		"scopes_supported":                               []string{"openid", "profile", "email"},
		"token_endpoint_auth_methods_supported":          []string{"client_secret_basic", "client_secret_post"},
		"authorization_response_iss_parameter_supported": true,
	})
}

func (r *Realm) certs(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusOK, map[string]any{"keys": []any{map[string]string{
		"kid": keyID, "kty": "RSA", "alg": "RS256", "use": "sig",
		"n": encode(r.key.N.Bytes()),
		"e": encode(big.NewInt(int64(r.key.E)).Bytes()),
	}}})
}

// claims are what every token of the realm says, and more.
func (r *Realm) claims(user User, more map[string]any) map[string]any {
	claims := map[string]any{
		"iss": r.Issuer(), "sub": user.Subject, "azp": r.config.ClientID, "iat": time.Now().Unix(), "jti": rand.Text(),
		"preferred_username": user.Username, "name": user.GivenName + " " + user.FamilyName,
		"given_name": user.GivenName, "family_name": user.FamilyName, "email": user.Email, "email_verified": true,
	}
	maps.Copy(claims, more)
	return claims
}

// sign makes a JWT (RFC 7515 section 3.1, RS256) and reports it.
func (r *Realm) sign(kind string, claims map[string]any) string {
	header, _ := json.Marshal(map[string]string{"alg": "RS256", "typ": "JWT", "kid": keyID})
	payload, _ := json.Marshal(claims)
	input := encode(header) + "." + encode(payload)
	digest := sha256.Sum256([]byte(input))
	signature, err := rsa.SignPKCS1v15(rand.Reader, r.key, crypto.SHA256, digest[:])
	if err != nil {
		panic(err) // a 2048 bit key signs every digest
	}
	token := input + "." + encode(signature)
	r.config.Secret(kind, token)
	return token
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func respond(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(document)
}

func fail(w http.ResponseWriter, status int, code, description string) {
	respond(w, status, map[string]string{"error": code, "error_description": description})
}
