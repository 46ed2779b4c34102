package sqlite

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
)

// column is a column whose Go type SQLite does not know. It points to a field of a record and goes both ways, so one
// list of fields serves the INSERT and the SELECT and cannot fall apart.
type column interface {
	driver.Valuer
	sql.Scanner
}

// instant is a time column: microseconds since the epoch, NULL for the zero time.
type instant struct{ field *time.Time }

// Value implements driver.Valuer.
func (c instant) Value() (driver.Value, error) {
	if c.field.IsZero() {
		return nil, nil
	}
	return c.field.UnixMicro(), nil
}

// Scan implements sql.Scanner.
func (c instant) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		*c.field = time.Time{}
	case int64:
		*c.field = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("time column holds %T", value)
	}
	return nil
}

// at is a moment as an argument. A comparison with it never meets NULL.
func at(moment time.Time) int64 { return moment.UnixMicro() }

// list is a column with a list of strings, as JSON. An empty list comes back as nil.
type list struct{ field *[]string }

// Value implements driver.Valuer.
func (c list) Value() (driver.Value, error) {
	if len(*c.field) == 0 {
		return "[]", nil
	}
	text, err := json.Marshal(*c.field)
	return string(text), err
}

// Scan implements sql.Scanner.
func (c list) Scan(value any) error {
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("list column holds %T", value)
	}
	*c.field = nil
	if text == "[]" {
		return nil
	}
	return json.Unmarshal([]byte(text), c.field)
}

// digest is a hash column.
type digest struct{ field *secret.Hash }

// Value implements driver.Valuer.
func (c digest) Value() (driver.Value, error) { return c.field.Bytes(), nil }

// Scan implements sql.Scanner.
func (c digest) Scan(value any) error {
	stored, ok := value.([]byte)
	if !ok {
		return fmt.Errorf("hash column holds %T", value)
	}
	hash, err := secret.ParseHash(stored)
	*c.field = hash
	return err
}

// optionalDigest is a hash column that may be NULL.
type optionalDigest struct{ field **secret.Hash }

// Value implements driver.Valuer.
func (c optionalDigest) Value() (driver.Value, error) {
	if *c.field == nil {
		return nil, nil
	}
	return digest{*c.field}.Value()
}

// Scan implements sql.Scanner.
func (c optionalDigest) Scan(value any) error {
	if value == nil {
		*c.field = nil
		return nil
	}
	*c.field = new(secret.Hash)
	return digest{*c.field}.Scan(value)
}

// blob is an optional column of bytes. Empty and NULL are the same, because the driver binds both as NULL.
type blob struct{ field *[]byte }

// Value implements driver.Valuer.
func (c blob) Value() (driver.Value, error) {
	if len(*c.field) == 0 {
		return nil, nil
	}
	return *c.field, nil
}

// Scan implements sql.Scanner. The driver hands out a slice of its own, but database/sql may reuse it.
func (c blob) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		*c.field = nil
	case []byte:
		*c.field = append([]byte(nil), v...)
	default:
		return fmt.Errorf("blob column holds %T", value)
	}
	return nil
}

// argument converts an argument, or a field that stands for its value.
func argument(arg any) (driver.Value, error) {
	switch v := arg.(type) {
	case int64, string, []byte, bool:
		return v, nil
	case int:
		return int64(v), nil
	case *string:
		return *v, nil
	case column:
		return v.Value()
	default:
		return driver.DefaultParameterConverter.ConvertValue(arg)
	}
}

// assign puts the value of a column into a field. SQLite keeps truth values as numbers.
func assign(field any, value driver.Value) error {
	switch f := field.(type) {
	case sql.Scanner:
		return f.Scan(value)
	case *int64:
		if number, ok := value.(int64); ok {
			*f = number
			return nil
		}
	case *int:
		if number, ok := value.(int64); ok {
			*f = int(number)
			return nil
		}
	case *bool:
		if number, ok := value.(int64); ok {
			*f = number != 0
			return nil
		}
	case *string:
		if text, ok := value.(string); ok {
			*f = text
			return nil
		}
	default: // a string with a type of its own
		target := reflect.ValueOf(field).Elem()
		if text, ok := value.(string); ok && target.Kind() == reflect.String {
			target.SetString(text)
			return nil
		}
	}
	return fmt.Errorf("column holds %T, which does not fit into %T", value, field)
}

// checkText refuses strings that PostgreSQL could not hold, so that a value is storable everywhere or nowhere.
func checkText(args []any) error {
	for _, arg := range args {
		switch v := arg.(type) {
		case *string:
			if !storable(*v) {
				return storage.ErrInvalid
			}
		case list:
			for _, text := range *v.field {
				if !storable(text) {
					return storage.ErrInvalid
				}
			}
		}
	}
	return nil
}

func storable(text string) bool { return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 }
