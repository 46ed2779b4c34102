package oauth

import (
	"encoding/json"
	"fmt"
	"net/http"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// decodeMetadata reads client metadata (RFC 7591 section 2) into a message. A member is the field of exactly that name;
// others are ignored. A member that is null counts as absent.
func decodeMetadata(data []byte, m proto.Message) *failure {
	if problem := checkJSON(data); problem != "" {
		return invalidMetadata(problem)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil || members == nil {
		return invalidMetadata("The body is not a JSON object.")
	}
	fields := m.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		name := string(fields.Get(i).Name())
		value, ok := members[name]
		if !ok {
			continue
		}
		if err := mergeMember(m, name, value); err != nil {
			return invalidMetadata(fmt.Sprintf("The member %s has the wrong type.", name))
		}
	}
	return nil
}

// mergeMember reads one member. protojson knows the types, but it would take other spellings of names as well: so it
// sees each member alone, under the one name that is known already.
func mergeMember(m proto.Message, name string, value json.RawMessage) error {
	object, err := json.Marshal(map[string]json.RawMessage{name: value})
	if err != nil {
		return err
	}
	part := m.ProtoReflect().New().Interface()
	if err := protojson.Unmarshal(object, part); err != nil {
		return err
	}
	proto.Merge(m, part)
	return nil
}

func invalidMetadata(description string) *failure {
	return &failure{status: http.StatusBadRequest, code: codeInvalidMetadata, description: description}
}
