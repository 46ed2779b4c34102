package proof_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/gatehouse-auth/gatehouse/server/secret"
	"github.com/gatehouse-auth/gatehouse/server/storage"
	"github.com/gatehouse-auth/gatehouse/server/upstream"
)

// errandVariable tells a process of this test binary that it is to run an errand.
const errandVariable = "GATEHOUSE_PROOF_ERRAND"

// errand is one call to a core in a process of its own, which kills itself at a point.
type errand struct {
	Dir          string
	Issuer       string // of the provider
	ClientID     string
	ClientSecret string
	Now          time.Time
	Point        string // see faults
	Method       protoreflect.FullName
	Request      json.RawMessage
}

func TestMain(m *testing.M) {
	if os.Getenv(errandVariable) == "" {
		goleak.VerifyTestMain(m)
		return
	}
	if err := runErrand(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // this is a main
	}
}

// runErrand reads an errand and runs it. When it survives, the answer was sent.
func runErrand(ctx context.Context) error {
	var e errand
	if err := json.NewDecoder(os.Stdin).Decode(&e); err != nil {
		return err
	}
	now := func() time.Time { return e.Now }
	provider, err := upstream.NewOIDC(upstream.OIDCConfig{
		Name: "fake", Issuer: e.Issuer, ClientID: e.ClientID, ClientSecret: secret.NewText(e.ClientSecret),
		RedirectURL: issuer + "/auth/callback", Now: now,
	})
	if err != nil {
		return err
	}
	at := killAt(e.Point)
	kernel, err := openKernel(ctx, kernelDeps{
		dir: e.Dir, provider: faultyProvider{provider, at}, now: now,
		wrap: func(store storage.Store) storage.Store { return faultyStore{store, at} },
	})
	if err != nil {
		return err
	}
	return e.call(ctx, kernel)
}

// call makes the call over the channel, by the name of its method.
func (e errand) call(ctx context.Context, kernel *kernel) error {
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(e.Method)
	if err != nil {
		return err
	}
	method := found.(protoreflect.MethodDescriptor)
	message := func(descriptor protoreflect.MessageDescriptor) (proto.Message, error) {
		kind, err := protoregistry.GlobalTypes.FindMessageByName(descriptor.FullName())
		if err != nil {
			return nil, err
		}
		return kind.New().Interface(), nil
	}
	request, err := message(method.Input())
	if err != nil {
		return err
	}
	response, err := message(method.Output())
	if err != nil {
		return err
	}
	if err := protojson.Unmarshal(e.Request, request); err != nil {
		return err
	}
	return kernel.channel.Invoke(ctx, fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name()), request, response)
}

// killAt returns what ends this process at a point, as a power cut would: nothing is closed, nothing deferred runs.
func killAt(point string) func(string) {
	return func(reached string) {
		if reached != point {
			return
		}
		self, err := os.FindProcess(os.Getpid())
		if err == nil {
			err = self.Kill()
		}
		if err != nil {
			panic(err)
		}
		select {}
	}
}
