module github.com/gatehouse-auth/gatehouse/tools/grpcurl

go 1.26.0
