package oauth_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// protojson writes 64-bit integers as strings, which no OAuth client expects.
func TestAnswersHaveNo64BitIntegers(t *testing.T) {
	for _, m := range []protoreflect.ProtoMessage{
		&gatehousev1.RegisterClientResponse{}, &gatehousev1.ExchangeTokenResponse{}, &gatehousev1.GetKeySetResponse{},
		&gatehousev1.GetServerMetadataResponse{}, &gatehousev1.GetResourceMetadataResponse{}, &gatehousev1.RevokeTokenResponse{},
		&gatehousev1.IntrospectTokenResponse{}, &gatehousev1.ReceiveLogoutTokenResponse{},
	} {
		for _, field := range fields(m.ProtoReflect().Descriptor()) {
			if strings.HasSuffix(field.Kind().String(), "64") {
				t.Errorf("%s is a 64-bit integer", field.FullName())
			}
		}
	}
}

// The form codec writes strings. A repeated or typed field would need a rule of its own.
func TestFormsAreStrings(t *testing.T) {
	for _, m := range []protoreflect.ProtoMessage{
		&gatehousev1.ExchangeTokenRequest{}, &gatehousev1.RevokeTokenRequest{}, &gatehousev1.IntrospectTokenRequest{},
		&gatehousev1.ReceiveLogoutTokenRequest{},
	} {
		for _, field := range fields(m.ProtoReflect().Descriptor()) {
			if field.Kind() != protoreflect.StringKind || field.Cardinality() == protoreflect.Repeated {
				t.Errorf("%s is not one string", field.FullName())
			}
		}
	}
}

// fields returns the fields of a message and of the messages in it.
func fields(m protoreflect.MessageDescriptor) []protoreflect.FieldDescriptor {
	var all []protoreflect.FieldDescriptor
	for i := range m.Fields().Len() {
		field := m.Fields().Get(i)
		all = append(all, field)
		if inner := field.Message(); inner != nil && !field.IsMap() {
			all = append(all, fields(inner)...)
		}
	}
	return all
}
