package sqlite

import (
	"context"

	"github.com/gatehouse-auth/gatehouse/server/storage"
)

func sealedValueFields(v *storage.SealedValue) []any { return []any{&v.Table, &v.ID, blob{&v.Sealed}} }

const (
	// The key id stands in bytes 2 to 9 of a sealed value. These walks are for an operator who retires a key.
	sealedWithAnother = ` WHERE substr(sealed, 2, 8) <> ?`

	selectSealedOtherwise = `SELECT 'credentials', id, sealed FROM credentials` + sealedWithAnother + `
		UNION ALL SELECT 'transactions', id, sealed FROM transactions` + sealedWithAnother + `
		UNION ALL SELECT 'signing_keys', id, sealed FROM signing_keys` + sealedWithAnother + ` LIMIT ?`

	countSealedOtherwise = `SELECT (SELECT count(*) FROM credentials` + sealedWithAnother + `)
		+ (SELECT count(*) FROM transactions` + sealedWithAnother + `)
		+ (SELECT count(*) FROM signing_keys` + sealedWithAnother + `)`

	replaceSealedCredential  = `UPDATE credentials SET sealed = ? WHERE id = ? AND sealed = ?`
	replaceSealedTransaction = `UPDATE transactions SET sealed = ? WHERE id = ? AND sealed = ?`
	replaceSealedSigningKey  = `UPDATE signing_keys SET sealed = ? WHERE id = ? AND sealed = ?`
)

// SealedOtherwise implements storage.SealedValues.
func (s *Store) SealedOtherwise(ctx context.Context, keyID []byte, limit int) ([]storage.SealedValue, error) {
	rows, err := s.reader.query(ctx, selectSealedOtherwise, keyID, keyID, keyID, limit)
	values, err := collect(rows, err, sealedValueFields)
	return values, answer("read sealed values", err)
}

// CountSealedOtherwise implements storage.SealedValues.
func (s *Store) CountSealedOtherwise(ctx context.Context, keyID []byte) (count int64, err error) {
	err = s.reader.row(ctx, []any{&count}, countSealedOtherwise, keyID, keyID, keyID)
	return count, answer("count sealed values", err)
}

// ReplaceSealed implements storage.SealedValues.
func (s *Store) ReplaceSealed(ctx context.Context, value storage.SealedValue, sealed []byte) error {
	query, ok := map[string]string{
		"credentials":  replaceSealedCredential,
		"transactions": replaceSealedTransaction,
		"signing_keys": replaceSealedSigningKey,
	}[value.Table]
	if !ok {
		return storage.ErrConflict // nothing sealed stands elsewhere
	}
	return s.write(ctx, "replace sealed value", func(tx *session) error {
		return held(tx.change(query, blob{&sealed}, value.ID, blob{&value.Sealed}))
	})
}
