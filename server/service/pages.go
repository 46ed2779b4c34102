package service

import (
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/gatehouse-auth/gatehouse/server/oauth"
	"github.com/gatehouse-auth/gatehouse/server/seal"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// PageSealer protects page tokens.
type PageSealer interface {
	Seal(plaintext []byte, place seal.Place) []byte
	Open(sealed []byte, place seal.Place) ([]byte, error)
}

// Pages makes page tokens: sealed cursors that are good for one query. A client can neither read nor forge one, so no
// cursor that reaches the store is anybody's invention.
type Pages struct {
	sealer PageSealer
}

// NewPages returns Pages.
func NewPages(sealer PageSealer) Pages { return Pages{sealer: sealer} }

// cursor is the sealed content of a page token.
type cursor struct {
	Micros int64
	ID     string
}

func (p Pages) seal(query string, position storage.Cursor) string {
	plaintext, err := json.Marshal(cursor{Micros: position.CreateTime.UnixMicro(), ID: position.ID})
	if err != nil {
		return "" // a struct of an integer and a string always encodes
	}
	return base64.RawURLEncoding.EncodeToString(p.sealer.Seal(plaintext, pagePlace(query)))
}

func (p Pages) open(query string, size int32, token string) (storage.Page, error) {
	page := storage.Page{Limit: int(size)}
	if page.Limit == 0 {
		page.Limit = defaultPageSize
	}
	if token == "" {
		return page, nil
	}
	invalid := oauth.NewError(oauth.InvalidRequest, "page_token does not belong to this query.")
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return page, invalid.WithCause(err)
	}
	plaintext, err := p.sealer.Open(sealed, pagePlace(query))
	if err != nil {
		return page, invalid.WithCause(err)
	}
	var position cursor
	if err := json.Unmarshal(plaintext, &position); err != nil {
		return page, invalid.WithCause(err)
	}
	page.After = storage.Cursor{CreateTime: time.UnixMicro(position.Micros).UTC(), ID: position.ID}
	return page, nil
}

func pagePlace(query string) seal.Place {
	return seal.Place{Table: "page token", Column: query}
}
