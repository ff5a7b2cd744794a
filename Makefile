# What a developer types. Any Go from 1.21 on does: it fetches the toolchain named here by itself.

export GOTOOLCHAIN := go1.27.1
# One set of flags everywhere, or the build cache is cold for a minute. driver/build.Flags are the same.
export GOFLAGS := -trimpath -buildvcs=false

GO      ?= go
LDFLAGS := -s -w -X github.com/tidemill/tidemill/driver/build.engineDir=$(CURDIR)
SUITE   := $(GO) run ./lint/suite

STATICCHECK_VERSION := v0.8.2
STATICCHECK         := bin/staticcheck-$(STATICCHECK_VERSION)/staticcheck

.PHONY: help build demo demo-services cluster test lint fmt bench planted crash crash-services nightly

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 15

build: ## bin/driver and bin/executor
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/driver ./cmd/executor

demo: ## made-up ad events → 10 s windows → SQLite, checked row by row
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/driver ./cmd/demo
	bin/demo -driver bin/driver

demo-services: ## the same job from real Kafka into real Cassandra, killed once on the way; needs Java 17 and Maven
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/driver ./cmd/demo
	bin/demo -driver bin/driver -services

cluster: ## a driver and three executors as processes on this machine; an executor and then the driver are killed; the table is checked
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/driver ./cmd/executor ./cmd/cluster
	bin/cluster -driver bin/driver -executor bin/executor

test: ## every test, with the race detector; with CI=true a skipped test is a failure
	$(SUITE) test -race -timeout 14m ./...

# S1016 is off: Stream[U]{s.n} instead of Stream[U](s) is meant, since two handles that are alike are not the same thing.
lint: $(STATICCHECK) ## vet, staticcheck, and the rules of the repository (formatting, imports, comments, sizes)
	$(GO) vet ./...
	$(STATICCHECK) -checks inherit,-S1016 ./...
	$(GO) test ./lint

$(STATICCHECK):
	GOBIN=$(CURDIR)/$(@D) $(GO) install honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)

# Not gofmt: the one on the PATH may be of an older Go, which rejects generic methods.
fmt: ## format everything
	$(GO) fmt ./...

bench: ## measured figures, each scenario checked for right results; BENCH="ysb" chooses
	@$(GO) build -o bin/ ./benchmarks
	@for s in $${BENCH:-$$(bin/benchmarks | sed -n 's/^  \([a-z0-9]*\) .*/\1/p')}; do echo "== $$s"; bin/benchmarks $$s || exit 1; done

planted: ## break the engine on purpose, one build tag at a time; its tests must fail
	$(SUITE) planted

crash: ## kill, freeze and cut a cluster of real processes, RUNS times from SEED on; reports in bin/reports
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/driver ./cmd/executor ./cmd/crash
	bin/crash -runs $(or $(RUNS),30) -seed $(or $(SEED),1) $(CRASHFLAGS)

crash-services: ## kill -9 the job, real Cassandra and real Kafka RUNS times at moments that SEED decides; the sinks must hold the truth
	$(GO) test -count=1 -v -timeout 0 -run Kill ./cmd/demo -kills $(or $(RUNS),40) -service-kills $(or $(RUNS),40) -seed $(or $(SEED),1) -service-seed $(or $(SEED),1)

nightly: ## the long forms of all suites; FUZZTIME=1m for each fuzz target
	TIDEMILL_NIGHTLY=1 $(SUITE) nightly -fuzztime $(or $(FUZZTIME),1m)
