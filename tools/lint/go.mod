module github.com/gatehouse-auth/gatehouse/tools/lint

go 1.26.0
