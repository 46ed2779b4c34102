// Package admin is the operators' side of the command line: each command is one call of AdminService, and a table or JSON.
package admin

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// callTimeout bounds one call.
const callTimeout = 30 * time.Second

// pageSize is how many rows one call lists.
const pageSize = 200

// ErrNotConfirmed means that a destructive command was not confirmed.
var ErrNotConfirmed = errors.New("nothing was changed: confirm with y, or pass --yes")

// Console is where a command reads and writes. Questions go to Err, so that Out has nothing but the answer.
type Console struct {
	In       io.Reader
	Out, Err io.Writer
	// JSON prints answers as JSON instead of tables.
	JSON bool
	// Yes answers every question. Without it Interactive says whether somebody can be asked.
	Yes, Interactive bool
}

// Admin runs the commands.
type Admin struct {
	client  gatehousev1.AdminServiceClient
	console Console
}

// New returns the commands over a connection to the core.
func New(conn grpc.ClientConnInterface, console Console) *Admin {
	return &Admin{client: gatehousev1.NewAdminServiceClient(conn), console: console}
}

// Confirm asks before something is destroyed. Without a yes it returns ErrNotConfirmed.
func (c Console) Confirm(ctx context.Context, question string) error {
	if c.Yes {
		return nil
	}
	if !c.Interactive {
		return ErrNotConfirmed
	}
	fmt.Fprintf(c.Err, "%s [y/N] ", question)
	answer := make(chan string, 1)
	go func() { // nothing ends a read of a terminal; an interrupt ends the command without it
		line, _ := bufio.NewReader(c.In).ReadString('\n') // the end of the input is a no
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case line := <-answer:
		if line == "y" || line == "yes" {
			return nil
		}
	case <-ctx.Done():
	}
	return ErrNotConfirmed
}

// print writes an answer: as JSON, or as rows.
func (a *Admin) print(message proto.Message, header string, rows [][]string) error {
	if a.console.JSON {
		text, err := protojson.MarshalOptions{Multiline: true, UseProtoNames: true, EmitUnpopulated: true}.Marshal(message)
		if err != nil {
			return fmt.Errorf("print: %w", err)
		}
		_, err = fmt.Fprintln(a.console.Out, string(text))
		return err
	}
	if len(rows) == 0 {
		_, err := fmt.Fprintln(a.console.Out, "none")
		return err
	}
	table := tabwriter.NewWriter(a.console.Out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, header)
	for _, row := range rows {
		for i := range row {
			row[i] = printable(row[i])
		}
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	return table.Flush()
}

// printable keeps the names that clients choose from driving the terminal, or from reading in another order.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
}

// when writes a time, or a dash.
func when(t *timestamppb.Timestamp) string {
	if t == nil {
		return "-"
	}
	return t.AsTime().UTC().Format("2006-01-02 15:04")
}

// explain says what an operator can do about an error.
func explain(err error) error {
	answer := status.Convert(err)
	switch {
	case answer.Code() == codes.OK:
		return nil
	case answer.Code() == codes.Unavailable && len(answer.Details()) == 0: // what the core says has details
		return fmt.Errorf("the core does not answer: is gatehouse serve running, and does GATEHOUSE_CORE_ADDR name it? (%s)", answer.Message())
	case answer.Code() == codes.Unauthenticated:
		return errors.New("the core refuses the admin token: is GATEHOUSE_DATA_DIR or GATEHOUSE_ADMIN_TOKEN_FILE that of the core?")
	default:
		return errors.New(answer.Message())
	}
}

func call[Request, Response any](
	ctx context.Context, method func(context.Context, Request, ...grpc.CallOption) (Response, error), request Request,
) (Response, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	response, err := method(ctx, request)
	return response, explain(err)
}
