package admin

import (
	"context"
	"fmt"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// SealingStatus tells how far the re-sealing is.
func (a *Admin) SealingStatus(ctx context.Context) error {
	response, err := call(ctx, a.client.GetSealingStatus, &gatehousev1.GetSealingStatusRequest{})
	if err != nil {
		return err
	}
	return a.print(response, "CURRENT KEY\tVALUES UNDER AN OLDER KEY", [][]string{
		{response.GetCurrentKeyId(), fmt.Sprint(response.GetPendingValues())},
	})
}
