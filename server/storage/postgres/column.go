package postgres

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// Columns whose Go type the driver does not know. Each points to a field of a record and goes both ways, so one list of
// fields serves the INSERT and the SELECT and cannot fall apart.

// instant is a time column, NULL for the zero time. The driver cuts it to microseconds.
type instant struct{ field *time.Time }

// TimestamptzValue implements pgtype.TimestamptzValuer.
func (c instant) TimestamptzValue() (pgtype.Timestamptz, error) {
	return pgtype.Timestamptz{Time: *c.field, Valid: !c.field.IsZero()}, nil
}

// ScanTimestamptz implements pgtype.TimestamptzScanner.
func (c instant) ScanTimestamptz(value pgtype.Timestamptz) error {
	*c.field = time.Time{}
	if value.Valid {
		*c.field = value.Time.UTC()
	}
	return nil
}

// list is a column with a list of strings, NULL for the empty list.
type list struct{ field *[]string }

// Dimensions implements pgtype.ArrayGetter.
func (c list) Dimensions() []pgtype.ArrayDimension {
	if len(*c.field) == 0 {
		return nil
	}
	return []pgtype.ArrayDimension{{Length: int32(len(*c.field)), LowerBound: 1}} //nolint:gosec // bounded by a request
}

// Index implements pgtype.ArrayGetter.
func (c list) Index(i int) any { return (*c.field)[i] }

// IndexType implements pgtype.ArrayGetter.
func (c list) IndexType() any { return "" }

// SetDimensions implements pgtype.ArraySetter.
func (c list) SetDimensions(dimensions []pgtype.ArrayDimension) error {
	*c.field = nil
	switch len(dimensions) {
	case 0:
		return nil
	case 1:
		*c.field = make([]string, dimensions[0].Length)
		return nil
	default:
		return errors.New("list column holds a table")
	}
}

// ScanIndex implements pgtype.ArraySetter.
func (c list) ScanIndex(i int) any { return &(*c.field)[i] }

// ScanIndexType implements pgtype.ArraySetter.
func (c list) ScanIndexType() any { return new(string) }

// digest is a hash column.
type digest struct{ field *secret.Hash }

// BytesValue implements pgtype.BytesValuer.
func (c digest) BytesValue() ([]byte, error) { return c.field.Bytes(), nil }

// ScanBytes implements pgtype.BytesScanner.
func (c digest) ScanBytes(value []byte) error {
	hash, err := secret.ParseHash(value)
	*c.field = hash
	return err
}

// optionalDigest is a hash column that may be NULL.
type optionalDigest struct{ field **secret.Hash }

// BytesValue implements pgtype.BytesValuer.
func (c optionalDigest) BytesValue() ([]byte, error) {
	if *c.field == nil {
		return nil, nil
	}
	return digest{*c.field}.BytesValue()
}

// ScanBytes implements pgtype.BytesScanner.
func (c optionalDigest) ScanBytes(value []byte) error {
	if value == nil {
		*c.field = nil
		return nil
	}
	*c.field = new(secret.Hash)
	return digest{*c.field}.ScanBytes(value)
}

// blob is an optional column of bytes, NULL when it is empty.
type blob struct{ field *[]byte }

// BytesValue implements pgtype.BytesValuer.
func (c blob) BytesValue() ([]byte, error) {
	if len(*c.field) == 0 {
		return nil, nil
	}
	return *c.field, nil
}

// ScanBytes implements pgtype.BytesScanner. The driver reuses value.
func (c blob) ScanBytes(value []byte) error {
	*c.field = append([]byte(nil), value...)
	return nil
}

// registerColumns tells a connection which type our columns have, for the one mode of the driver that does not ask the
// server (QueryExecModeExec).
func registerColumns(types *pgtype.Map) {
	for name, values := range map[string][]any{
		"timestamptz": {instant{}},
		"_text":       {list{}},
		"bytea":       {digest{}, optionalDigest{}, blob{}},
		"text":        {storage.ClientOrigin(""), storage.TransactionStatus("")},
	} {
		for _, value := range values {
			types.RegisterDefaultPgType(value, name)
		}
	}
}

// storable reports whether the server can hold every text among the arguments.
func storable(args []any) bool {
	for _, arg := range args {
		switch v := arg.(type) {
		case string:
			if !storableText(v) {
				return false
			}
		case *string:
			if !storableText(*v) {
				return false
			}
		case list:
			for _, text := range *v.field {
				if !storableText(text) {
					return false
				}
			}
		}
	}
	return true
}

func storableText(text string) bool { return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 }
