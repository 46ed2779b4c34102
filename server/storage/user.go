package storage

import (
	"time"
)

// User is a person as a provider knows them. Provider, Issuer and Subject are the identity; the rest is display.
type User struct {
	ID                string // the "sub" of our tokens
	Provider          string
	Issuer            string
	Subject           string
	Name              string
	GivenName         string
	FamilyName        string
	Email             string
	EmailVerified     bool
	PreferredUsername string
	Groups            []string
	UpdateTime        time.Time
}
