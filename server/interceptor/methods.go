// Package interceptor stands before every RPC: recovery, a deadline, the log line, who may call what, and the rules of
// the request message.
package interceptor

import (
	"maps"

	"google.golang.org/grpc/health/grpc_health_v1"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// Access says who may call a method.
type Access int

// Levels of access. The zero value lets nobody in.
const (
	// Closed is the level of a method that no table names.
	Closed Access = iota
	// Trusted methods need the admin token, or the in-process edge.
	Trusted
	// Local methods are open to everybody on a loopback listener, and trusted elsewhere.
	Local
)

// Reflection has two versions, which have no constants.
const (
	reflectionV1      = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
	reflectionV1Alpha = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
)

// Table is the closed list of methods. An RPC that is not in it is refused, and a test holds it against every method
// that is registered.
type Table map[string]Access

// NewTable returns the access table of this server.
func NewTable() Table {
	return Table{
		gatehousev1.AuthService_RegisterClient_FullMethodName:        Trusted,
		gatehousev1.AuthService_GetServerMetadata_FullMethodName:     Trusted,
		gatehousev1.AuthService_GetResourceMetadata_FullMethodName:   Trusted,
		gatehousev1.AuthService_GetKeySet_FullMethodName:             Trusted,
		gatehousev1.AuthService_BeginAuthorization_FullMethodName:    Trusted,
		gatehousev1.AuthService_GetConsent_FullMethodName:            Trusted,
		gatehousev1.AuthService_DecideConsent_FullMethodName:         Trusted,
		gatehousev1.AuthService_CompleteAuthorization_FullMethodName: Trusted,
		gatehousev1.AuthService_ExchangeToken_FullMethodName:         Trusted,
		gatehousev1.AuthService_VerifyToken_FullMethodName:           Local,
		gatehousev1.AuthService_RevokeToken_FullMethodName:           Trusted,
		gatehousev1.AuthService_IntrospectToken_FullMethodName:       Trusted,
		gatehousev1.AuthService_WatchRevocations_FullMethodName:      Local,
		gatehousev1.AuthService_ReceiveLogoutToken_FullMethodName:    Trusted,
		gatehousev1.AuthService_BeginAccountLogin_FullMethodName:     Trusted,
		gatehousev1.AuthService_GetAccount_FullMethodName:            Trusted,
		gatehousev1.AuthService_DisconnectGrants_FullMethodName:      Trusted,
		gatehousev1.AuthService_EndAccountSession_FullMethodName:     Trusted,

		gatehousev1.AdminService_ListClients_FullMethodName:  Trusted,
		gatehousev1.AdminService_GetClient_FullMethodName:    Trusted,
		gatehousev1.AdminService_CreateClient_FullMethodName: Trusted,
		gatehousev1.AdminService_DeleteClient_FullMethodName: Trusted,
		gatehousev1.AdminService_ListGrants_FullMethodName:   Trusted,
		gatehousev1.AdminService_GetGrant_FullMethodName:     Trusted,
		gatehousev1.AdminService_RevokeGrants_FullMethodName: Trusted,

		gatehousev1.AdminService_ListKeys_FullMethodName:         Trusted,
		gatehousev1.AdminService_RotateKeys_FullMethodName:       Trusted,
		gatehousev1.AdminService_RemoveKey_FullMethodName:        Trusted,
		gatehousev1.AdminService_GetSealingStatus_FullMethodName: Trusted,

		grpc_health_v1.Health_Check_FullMethodName: Local,
		grpc_health_v1.Health_List_FullMethodName:  Local,
		grpc_health_v1.Health_Watch_FullMethodName: Local,
		reflectionV1:      Local,
		reflectionV1Alpha: Local,
	}
}

// Methods returns the names in the table.
func (t Table) Methods() []string {
	names := make([]string, 0, len(t))
	for name := range maps.Keys(t) {
		names = append(names, name)
	}
	return names
}
