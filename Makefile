# Every check of the continuous integration is a target here, so that what it says can be repeated by hand.
# Tools are built from their own module files into bin/, and again when such a file changes.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Settings: make fuzz FUZZTIME=1m, make race PACKAGES=./server/grant, make e2e TESTFLAGS='-v -run Login'
FUZZTIME ?= 10s
BENCHTIME ?= 1s
ROUNDS ?= 21
PACKAGES ?= ./...
TESTFLAGS ?=

# The end-to-end tests have a budget of their own, and run in a step of their own.
UNIT_PACKAGES = $$(go list $(PACKAGES) | grep -v '/e2e\(/\|$$\)')

##@ Use

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/gatehouse, static, without cgo
	CGO_ENABLED=0 go build -trimpath -o bin/gatehouse ./cmd/gatehouse

.PHONY: dev
dev: ## Run everything in one process with a built-in identity provider
	go run ./cmd/gatehouse dev

.PHONY: clean
clean: ## Remove what the other targets made
	rm -rf bin gatehouse e2e/.cache

##@ Test

.PHONY: test
test: ## Run the tests that need nothing but Go
	go test $(TESTFLAGS) $(PACKAGES)

.PHONY: race
race: ## Run them in random order with the race detector, without e2e
	go test -race -shuffle=on -timeout 20m $(TESTFLAGS) $(UNIT_PACKAGES)

.PHONY: fuzz
fuzz: ## Fuzz every target for FUZZTIME
	FUZZTIME=$(FUZZTIME) .ci/fuzz.sh

.PHONY: bench
bench: ## Measure against the limits in ROUNDS rounds, and print the tables of docs/performance.md
	go test -run '^$$' -bench . -benchtime $(ROUNDS)x -timeout 1h ./bench | go run ./bench/table

.PHONY: microbench
microbench: ## Run the benchmarks of single parts for BENCHTIME each
	go test -run '^$$' -bench . -benchtime $(BENCHTIME) -benchmem \
		$$(git grep -l '^func Benchmark' -- '*_test.go' ':!bench' | xargs -rn1 dirname | sort -u | sed 's|^|./|')

.PHONY: e2e
e2e: ## Test the binary from outside; parts whose programs are missing skip themselves
	go test -count=1 -timeout 30m $(TESTFLAGS) ./e2e/...

.PHONY: keycloak
keycloak: export GATEHOUSE_E2E_KEYCLOAK = 1
keycloak: ## The same against a real Keycloak, which is downloaded once (Java, Maven)
	$(MAKE) e2e

.PHONY: browser
browser: export GATEHOUSE_E2E_BROWSER = 1
browser: ## The same with a real browser (Chromium)
	$(MAKE) e2e

.PHONY: python
python: export GATEHOUSE_E2E_PYTHON = 1
python: ## The same with the clients of the Python world (python3-venv)
	$(MAKE) e2e

.PHONY: conformance
conformance: export GATEHOUSE_E2E_CONFORMANCE = 1
conformance: ## Run the conformance suite of the MCP project (npm)
	go test -count=1 $(TESTFLAGS) -run Conformance ./e2e

.PHONY: postgres
postgres: export GATEHOUSE_E2E_POSTGRES = 1
postgres: ## The same on PostgreSQL, and the tests of that store (postgresql, pgbouncer)
	go test -count=1 -timeout 20m $(TESTFLAGS) ./server/storage/postgres/...
	$(MAKE) e2e

.PHONY: e2e-full
e2e-full: export GATEHOUSE_E2E_REQUIRE = 1
e2e-full: export GATEHOUSE_E2E_KEYCLOAK = 1
e2e-full: export GATEHOUSE_E2E_BROWSER = 1
e2e-full: export GATEHOUSE_E2E_PYTHON = 1
e2e-full: export GATEHOUSE_E2E_CONFORMANCE = 1
e2e-full: export GATEHOUSE_E2E_POSTGRES = 1
e2e-full: ## All end-to-end tests with the race detector; what cannot run fails
	go test -count=1 -timeout 30m -race -shuffle=on $(TESTFLAGS) ./e2e/...

##@ Contract

.PHONY: generate
generate: bin/buf ## Generate gen/ from proto/
	rm -rf gen
	bin/buf generate

.PHONY: docs
docs: ## Write docs/configuration.md from the table of settings
	go test -count=1 -run Documentation ./server/config -update

.PHONY: drift
drift: bin/buf ## Fail when gen/ is not what buf makes of proto/
	@fresh=$$(mktemp -d); trap 'rm -rf "$$fresh"' EXIT; \
	bin/buf generate --output "$$fresh"; \
	diff -ru gen "$$fresh/gen" || { echo 'gen/ is stale: run "make generate" and commit it' >&2; exit 1; }

.PHONY: proto
proto: bin/buf ## Lint and format the contract, and compare it with the last one that users got
	bin/buf lint
	bin/buf format --diff --exit-code
	.ci/breaking.sh

##@ Check

.PHONY: format
format: ## Fail when a file is not formatted
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	test -z "$$unformatted" || { printf 'not formatted:\n%s\n' "$$unformatted" >&2; exit 1; }

.PHONY: vet
vet: ## Run go vet, and find tests that sleep outside of testing/synctest
	go vet $(PACKAGES)
	@sleeping=$$(git grep -l 'time\.Sleep(' -- '*_test.go' ':!e2e' | xargs -r grep -L '"testing/synctest"' || true); \
	test -z "$$sleeping" || { printf 'a test sleeps:\n%s\n' "$$sleeping" >&2; exit 1; }

.PHONY: lint
lint: bin/lint ## Run the linters of .golangci.yml, and shellcheck where it is installed
	bin/lint run $(PACKAGES)
	@if command -v shellcheck >/dev/null; then shellcheck .ci/run .ci/*.sh; else echo 'shellcheck is not installed'; fi

.PHONY: modules
modules: ## Check go.mod: tidy, releases only, no cgo
	.ci/modules.sh

.PHONY: vuln
vuln: bin/vuln ## Look for known vulnerabilities in code that is called
	.ci/vuln.sh

.PHONY: prepare
prepare: ## Install the programs that the full checks need (Debian, Ubuntu)
	.ci/prepare.sh

.PHONY: ci
ci: ## Run every check, as the continuous integration does
	.ci/run

##@ Tools

bin/%: tools/%/go.mod tools/%/go.sum
	cd tools/$* && go build -o $(CURDIR)/$@ tool

.PHONY: tools
tools: bin/buf bin/lint bin/vuln bin/grpcurl ## Build the tools into bin/
