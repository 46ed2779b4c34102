// Package proto_test compares the contract with what the binary speaks.
package proto_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	_ "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"github.com/bufbuild/protocompile"
	"github.com/google/go-cmp/cmp"
	_ "google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/descriptorpb"

	_ "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// A vendored import is a copy. When it differs from the descriptor in the Go package that we link, the annotations
// in the contract mean something else to buf than to the server.
func TestVendoredFilesAreTheOnesThatTheBinaryLinks(t *testing.T) {
	for _, path := range protoFiles(t, "google", "buf") {
		t.Run(path, func(t *testing.T) { compareWithLinked(t, path) })
	}
}

// The continuous integration regenerates gen/ with buf; this finds a forgotten "make generate" with Go alone.
func TestGeneratedCodeIsTheOneOfTheContract(t *testing.T) {
	for _, path := range protoFiles(t, "gatehouse") {
		t.Run(path, func(t *testing.T) { compareWithLinked(t, path) })
	}
}

// protoFiles lists the .proto files below the given folders, as import paths.
func protoFiles(t *testing.T, folders ...string) []string {
	t.Helper()
	var paths []string
	for _, folder := range folders {
		err := fs.WalkDir(os.DirFS("."), folder, func(path string, _ fs.DirEntry, err error) error {
			if strings.HasSuffix(path, ".proto") {
				paths = append(paths, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(paths) == 0 {
		t.Fatalf("no .proto file below %v", folders)
	}
	return paths
}

func compareWithLinked(t *testing.T, path string) {
	t.Helper()
	linked, err := protoregistry.GlobalFiles.FindFileByPath(path)
	if err != nil {
		t.Fatalf("no linked Go package describes it: %v", err)
	}
	if diff := cmp.Diff(describe(t, linked), describe(t, compile(t, path)), protocmp.Transform()); diff != "" {
		t.Errorf("the file differs from the linked descriptor (-linked +file):\n%s", diff)
	}
}

func compile(t *testing.T, path string) protoreflect.FileDescriptor {
	t.Helper()
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{}),
	}
	files, err := compiler.Compile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return files[0]
}

// describe returns the descriptor without source positions, which generated code does not keep. The round trip
// decodes the options of both sides with the same Go types.
func describe(t *testing.T, file protoreflect.FileDescriptor) *descriptorpb.FileDescriptorProto {
	t.Helper()
	described := protodesc.ToFileDescriptorProto(file)
	described.SourceCodeInfo = nil
	encoded, err := proto.Marshal(described)
	if err != nil {
		t.Fatal(err)
	}
	decoded := new(descriptorpb.FileDescriptorProto)
	if err := proto.Unmarshal(encoded, decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}
