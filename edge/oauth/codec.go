package oauth

import (
	"bytes"
	"encoding/json"
	"io"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// answerCodec writes every answer. The same message is always the same bytes: protojson varies its white space on
// purpose, and the tag of a document must not vary between replicas.
type answerCodec struct{ *runtime.JSONPb }

// newAnswerCodec returns a codec that writes the names of the contract, which are those of the RFCs.
func newAnswerCodec() answerCodec {
	return answerCodec{&runtime.JSONPb{MarshalOptions: protojson.MarshalOptions{UseProtoNames: true}}}
}

// Marshal writes a message.
func (c answerCodec) Marshal(v any) ([]byte, error) {
	if set, ok := v.(*gatehousev1.GetKeySetResponse); ok && len(set.GetKeys()) == 0 {
		return []byte(`{"keys":[]}`), nil // RFC 7517 section 5 requires the member; protojson leaves empty lists out
	}
	raw, err := c.JSONPb.Marshal(v)
	if err != nil {
		return nil, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return nil, err
	}
	return compact.Bytes(), nil
}

// codec reads requests of one media type and writes answers.
type codec struct {
	answerCodec
	// decode fills a message from a body, or says what is wrong with the body.
	decode func(data []byte, m proto.Message) *failure
}

// NewDecoder returns a decoder for the body of a request that post built. Any other reader is a mistake of this
// package.
func (c codec) NewDecoder(r io.Reader) runtime.Decoder {
	return runtime.DecoderFunc(func(v any) error {
		p := r.(*payload)
		if p.fault = c.decode(p.data, v.(proto.Message)); p.fault != nil {
			return p.fault
		}
		return nil
	})
}
