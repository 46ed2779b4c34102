package server

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gatehouse-auth/gatehouse/server/config"
	"github.com/gatehouse-auth/gatehouse/server/seal"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/secretfile"
)

// adminTokenPrefix lets secret scanners recognise the token.
const adminTokenPrefix = "gha_"

// secrets are what the core cannot run without.
type secrets struct {
	sealer     *seal.Sealer
	adminToken secret.Text
}

// openSecrets takes both secrets from the configuration or from the data directory, where a first start makes them.
func openSecrets(c *config.Config, random secret.Source) (secrets, error) {
	sealer, err := OpenSealer(c)
	if err != nil {
		return secrets{}, err
	}
	s := secrets{sealer: sealer, adminToken: c.AdminToken}
	if s.adminToken.IsEmpty() {
		s.adminToken, err = adminToken(filepath.Join(c.DataDir, "admin.token"), random)
	}
	return s, err
}

// OpenSealer opens the sealing keys of a configuration, and makes the data directory and a key where a first start does.
func OpenSealer(c *config.Config) (*seal.Sealer, error) {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("server: data directory: %w", err)
	}
	keys, err := sealingKeys(c)
	if err != nil {
		return nil, err
	}
	return seal.New(keys...)
}

// sealingKeys never makes a new key beside a file that is a store: nothing in it could be opened again. Beside a database
// the same is noticed a moment later, when the signing keys cannot be opened.
func sealingKeys(c *config.Config) ([]seal.Key, error) {
	if !c.SealingKey.IsEmpty() {
		return seal.ParseKeys([]byte(c.SealingKey.Reveal()))
	}
	path := filepath.Join(c.DataDir, "sealing.key")
	_, isDatabase := c.Postgres()
	_, err := os.Stat(c.SQLitePath())
	keys, err := seal.LoadOrCreateKeys(path, isDatabase || errors.Is(err, fs.ErrNotExist))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("server: there is a store at %s but no sealing key at %s: "+
			"restore the key, or give it as GATEHOUSE_SEALING_KEY", c.SQLitePath(), path)
	}
	return keys, err
}

// adminToken reads the token file, and makes it when it is missing.
func adminToken(path string, random secret.Source) (secret.Text, error) {
	token, err := readAdminToken(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return token, err
	}
	token = random.Text(adminTokenPrefix)
	err = secretfile.Create(path, token.Reveal())
	if errors.Is(err, fs.ErrExist) {
		return readAdminToken(path) // another process was first
	}
	if err != nil {
		return secret.Text{}, fmt.Errorf("server: admin token: %w", err)
	}
	return token, nil
}

func readAdminToken(path string) (secret.Text, error) {
	content, err := secretfile.Read(path)
	if err != nil {
		return secret.Text{}, fmt.Errorf("server: admin token: %w", err)
	}
	token := strings.TrimSpace(string(content))
	if token == "" {
		return secret.Text{}, fmt.Errorf("server: %s is empty: delete it to get a new token", path)
	}
	return secret.NewText(token), nil
}
