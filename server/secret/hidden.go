package secret

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// redacted is what every formatter shows instead of the value.
const redacted = "[redacted]"

// errMarshal stops an accidental encoding instead of writing a placeholder that looks like data.
var errMarshal = errors.New("secret: refusing to marshal a secret")

// Hidden is embedded in structs that hold secrets. It shows a placeholder in their place, and refuses to marshal them. Its
// function array makes == a compile error.
type Hidden struct{ _ [0]func() }

// String returns a placeholder.
func (Hidden) String() string { return redacted }

// GoString returns a placeholder.
func (Hidden) GoString() string { return redacted }

// Format writes a placeholder for every verb.
func (Hidden) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue returns a placeholder.
func (Hidden) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON fails.
func (Hidden) MarshalJSON() ([]byte, error) { return nil, errMarshal }

// MarshalText fails.
func (Hidden) MarshalText() ([]byte, error) { return nil, errMarshal }
