# SPDX-License-Identifier: Apache-2.0
export CGO_ENABLED = 0

STATICCHECK   = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOLANGCI_LINT = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.PHONY: check lint bench fuzz golden docs full generate

# What every commit must pass. Tests enforce the rules for imports and files.
check:
	@wrong="$$(gofmt -l .)"; test -z "$$wrong" || { echo "not gofmt-formatted: $$wrong"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	go mod tidy -diff
	go test ./...

# The longer list of .golangci.yml, for review.
lint:
	go run $(GOLANGCI_LINT) run

# Ten runs of each benchmark, to be compared with benchstat.
bench:
	go test -run '^$$' -bench . -benchmem -count 10 ./...

# Every fuzz target for FUZZTIME; prints the number of executions.
FUZZTIME ?= 1m
fuzz:
	.ci/fuzz $(FUZZTIME)

# Rewrites the golden files. Look at every change before committing it.
golden:
	go test $$(grep -rlE --include='*_test.go' 'flag\.Bool\("update"' . | xargs -r -n1 dirname | sort -u) -update

# The documentation with full data (REEF_DATA, or downloaded): all its commands run, and pictures
# are made anew and compared. PAGE=tutorials/01 is one page; UPDATE=1 writes text blocks and
# pictures that differ.
docs:
	REEF_DOCS=full go test -count 1 -timeout 0 -v ./internal/docs -run 'Pages/$(PAGE)' $(if $(UPDATE),-update)

# All recipes on their full data, with the article's epochs, and every pair of ops of package graph; takes hours.
full:
	REEF_FULL=1 go test -count 1 -timeout 0 ./graph
	REEF_FULL=1 go test -count 1 -timeout 0 -v -run Full ./recipes/...

# Assembly and other generated code.
generate:
	go generate ./...
