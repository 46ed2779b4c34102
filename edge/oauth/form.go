package oauth

import (
	"bytes"
	"fmt"
	"net/url"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// maxParameters is the most parameters that a form may have, known or not.
const maxParameters = 64

// decodeForm reads a form into a message of strings (RFC 6749 appendix B). A parameter is the field of that name.
// Unknown parameters are ignored, known ones must not be repeated, and one without a value counts as absent (RFC 6749
// section 3.2).
func decodeForm(data []byte, m proto.Message) *failure {
	if bytes.Count(data, []byte("&")) >= maxParameters {
		return invalidRequest(fmt.Sprintf("The form has more than %d parameters.", maxParameters))
	}
	form, err := url.ParseQuery(string(data))
	if err != nil {
		return invalidRequest("The body is not a form.")
	}
	message := m.ProtoReflect()
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		values := form[string(field.Name())]
		switch {
		case len(values) == 0 || len(values) == 1 && values[0] == "":
		case len(values) > 1:
			return invalidRequest(fmt.Sprintf("The parameter %s is repeated.", field.Name()))
		case !utf8.ValidString(values[0]):
			return invalidRequest(fmt.Sprintf("The parameter %s is not UTF-8.", field.Name()))
		default:
			message.Set(field, protoreflect.ValueOfString(values[0]))
		}
	}
	return nil
}
