package admin

import (
	"context"
	"testing"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

func (c *core) GetSealingStatus(
	context.Context, *gatehousev1.GetSealingStatusRequest,
) (*gatehousev1.GetSealingStatusResponse, error) {
	return &gatehousev1.GetSealingStatusResponse{CurrentKeyId: "s", PendingValues: 7}, c.err
}

func TestSealingTellsWhatIsLeft(t *testing.T) {
	d := newDesk(&core{}, Console{})
	if err := d.SealingStatus(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.check(t, "CURRENT KEY VALUES UNDER AN OLDER KEY", "s 7")
}
