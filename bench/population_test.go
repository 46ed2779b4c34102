package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
	"github.com/gatehouse-auth/gatehouse/server/keyring"
	"github.com/gatehouse-auth/gatehouse/server/seal"
	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/storage/postgres"
	"github.com/gatehouse-auth/gatehouse/server/storage/sqlite"
	"github.com/gatehouse-auth/gatehouse/server/storage/transfer"
	"github.com/gatehouse-auth/gatehouse/server/token"
)

// origin is the issuer of every population, wherever its server listens.
const origin = "http://127.0.0.1:8000"

// population is a running binary on a store with many grants, and access tokens for some of them.
type population struct {
	*gatehouse
	core          gatehousev1.AuthServiceClient
	tokens        []string // of grants all over the store, in no order
	bytesPerGrant int
	calls         atomic.Int64
}

// populate fills a store as "gatehouse store seed" does, signs tokens with the keys of the store, and runs the binary on
// it. The provider has confirmed every credential when it was made, and is not asked again: the store is measured.
func populate(b *testing.B, path string, s store, grants int) *population {
	b.Helper()
	data := b.TempDir()
	settings := []string{
		"MCP_SERVER_BASE_URL=" + origin, "GATEHOUSE_DATA_DIR=" + data, "GATEHOUSE_STORE_URL=" + s.url,
		"GATEHOUSE_RECHECK_INTERVAL=24h",
	}
	p := new(population)
	seed := exec.CommandContext(b.Context(), path, "store", "seed", "--grants", fmt.Sprint(grants))
	seed.Dir, seed.Env = data, append(environ(), settings...)
	output, err := seed.CombinedOutput()
	if err != nil {
		b.Fatalf("%v\n%s", err, output)
	}
	_, size, _ := strings.Cut(string(output), "bytes, ")
	if _, err := fmt.Sscan(size, &p.bytesPerGrant); err != nil {
		b.Fatalf("%v\n%s", err, output)
	}
	if p.tokens, err = s.sign(b.Context(), data, grants); err != nil {
		b.Fatal(err)
	}
	p.gatehouse = startIn(b, path, data, settings...)
	p.core = dial(b, p.grpc)
	return p
}

// sign makes tokens for every grant, or for some that are evenly spread over the store.
func (s store) sign(ctx context.Context, data string, grants int) ([]string, error) {
	subjects, err := s.subjects(ctx, data, max(grants/verified, 1))
	if err != nil {
		return nil, err
	}
	keys, err := seal.LoadOrCreateKeys(filepath.Join(data, "sealing.key"), false)
	if err != nil {
		return nil, err
	}
	sealer, err := seal.New(keys...)
	if err != nil {
		return nil, err
	}
	open, err := s.open(ctx, data)
	if err != nil {
		return nil, err
	}
	defer open.Close()
	ring, err := keyring.Open(ctx,
		keyring.Deps{Store: open, Sealer: sealer, Random: secret.NewSource(nil), Now: time.Now},
		keyring.Config{Purpose: storage.PurposeAccessToken, Algorithm: "ES256", TokenTTL: time.Hour})
	if err != nil {
		return nil, err
	}
	factory := token.NewFactory(ring, secret.NewSource(nil), origin, time.Now)
	var tokens []string
	for _, subject := range subjects {
		text, err := factory.Mint(subject, time.Now().Add(24*time.Hour))
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, text.Reveal())
	}
	return tokens, nil
}

// subjects reads one grant of so many. The rows come in the order of their ids, which is that of an index: shuffled they
// are all over it, and so in every run.
func (s store) subjects(ctx context.Context, data string, every int) (subjects []token.Subject, err error) {
	source, err := s.export(ctx, data)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	table := transfer.Grants()
	client, user, resource := table.Index("client_id"), table.Index("user_id"), table.Index("resource")
	var after *transfer.Value
	for count := 0; ; {
		rows, err := source.Export(ctx, table, after, 1000)
		if err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			break
		}
		for _, row := range rows {
			if count++; count%every == 0 {
				subjects = append(subjects, token.Subject{
					GrantID: row.Key().Text, ClientID: row[client].Text, UserID: row[user].Text, Resource: row[resource].Text,
					Scope: "mcp",
				})
			}
		}
		last := rows[len(rows)-1].Key()
		after = &last
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(subjects), func(i, j int) {
		subjects[i], subjects[j] = subjects[j], subjects[i]
	})
	return subjects, nil
}

// exporter reads tables as they are.
type exporter interface {
	transfer.Source
	Close() error
}

func (s store) export(ctx context.Context, data string) (exporter, error) {
	if s.url != "" {
		return postgres.OpenForExport(ctx, s.url)
	}
	return sqlite.OpenForExport(ctx, filepath.Join(data, "gatehouse.db"))
}

func (s store) open(ctx context.Context, data string) (storage.Store, error) {
	if s.url != "" {
		return postgres.Open(ctx, s.url)
	}
	return sqlite.Open(ctx, filepath.Join(data, "gatehouse.db"))
}
