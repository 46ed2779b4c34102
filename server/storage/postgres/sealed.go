package postgres

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

const (
	// Every sealed column, with the key id that a value names.
	sealedValues = `(
			SELECT 'credentials' AS place, id, sealed FROM credentials
			UNION ALL SELECT 'signing_keys', id, sealed FROM signing_keys
			UNION ALL SELECT 'transactions', id, sealed FROM transactions
		) AS v WHERE v.sealed IS NOT NULL AND substring(v.sealed FROM 2 FOR 8) <> $1`

	selectSealedOtherwise = `SELECT v.place, v.id, v.sealed FROM ` + sealedValues + ` LIMIT $2`

	countSealedOtherwise = `SELECT count(*) FROM ` + sealedValues
)

// replaceSealed returns the statement for a table, or nothing for a table without a sealed column.
func replaceSealed(table string) string {
	switch table {
	case "credentials":
		return `UPDATE credentials SET sealed = $3 WHERE id = $1 AND sealed = $2`
	case "signing_keys":
		return `UPDATE signing_keys SET sealed = $3 WHERE id = $1 AND sealed = $2`
	case "transactions":
		return `UPDATE transactions SET sealed = $3 WHERE id = $1 AND sealed = $2`
	default:
		return ""
	}
}

func sealedFields(v *storage.SealedValue) []any { return []any{&v.Table, &v.ID, blob{&v.Sealed}} }

// SealedOtherwise implements storage.SealedValues.
func (s *Store) SealedOtherwise(
	ctx context.Context, keyID []byte, limit int,
) (values []storage.SealedValue, err error) {
	err = s.read(ctx, "list values sealed otherwise", func(tx *session) (err error) {
		values, err = collect(tx, sealedFields, selectSealedOtherwise, keyID, limit)
		return err
	})
	return values, err
}

// CountSealedOtherwise implements storage.SealedValues.
func (s *Store) CountSealedOtherwise(ctx context.Context, keyID []byte) (count int64, err error) {
	err = s.read(ctx, "count values sealed otherwise", func(tx *session) error {
		return tx.row([]any{&count}, countSealedOtherwise, keyID)
	})
	return count, err
}

// ReplaceSealed implements storage.SealedValues.
func (s *Store) ReplaceSealed(ctx context.Context, value storage.SealedValue, sealed []byte) error {
	statement := replaceSealed(value.Table)
	if statement == "" {
		return storage.ErrConflict
	}
	return s.write(ctx, "replace sealed value", func(tx *session) error {
		return standing(tx.change(statement, value.ID, blob{&value.Sealed}, blob{&sealed}))
	})
}
