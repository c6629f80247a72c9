# Confab. `make help` lists the targets.
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS   += --no-print-directory
$(if $(filter oneshell,$(.FEATURES)),,$(error GNU make 4 or newer is needed, and this is $(MAKE_VERSION)))

SERVICES := auth-svc conversation-svc message-svc realtime-svc
COMMANDS := ./allinone/cmd/confab ./web/cmd/web ./realtime-svc/cmd/socketio-testserver $(foreach s,$(SERVICES),./$s/cmd/$s)
MODULES   = $(shell awk '/^\t\.\// {print substr($$1, 3)}' go.work)
TOOLS    := tools/mongotestserver tools/images tools/chart
OUTSIDE  := tools tools/mongotools $(TOOLS)
LINT     := $(CURDIR)/bin/golangci-lint
MONGO    := $(CURDIR)/bin/mongotestserver
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS   = -ldflags '-X github.com/confab-chat/confab/pkg/server.Version=$(VERSION)'
FUZZTIME ?= 10s

.PHONY: help build run run-split test test-split bench fuzz chaos churn chart chart-check images e2e-k8s lint fmt fmt-check tidy tidy-check alerts-check ci deps go $(MONGO)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

build: | go ## Build bin/confab, and a binary for each service and for web
	@go build -o bin/ $(LDFLAGS) $(COMMANDS)

run: | go ## Run all of Confab on http://localhost:3000, its data in ./data
	@go build -o bin/ $(LDFLAGS) ./allinone/cmd/confab
	@exec bin/confab -data-dir ./data

run-split: deps build $(MONGO) ## Run two replicas of each service, one port in front on http://localhost:3000
	@go build -o bin/ ./e2e/cmd/run-split
	@exec bin/run-split

test: deps $(MONGO) ## Run all tests, under the race detector
	@CONFAB_TEST_MONGOSERVER=$(MONGO) go test -race -shuffle=on work | sed '/\[no test files\]/d'
	@for tool in tools/mongotestserver tools/images; do GOWORK=off go -C $$tool test -shuffle=on ./...; done

test-split: deps ## Run the end-to-end tests over two replicas of each service
	@CONFAB_E2E_SPLIT=1 go test -race -shuffle=on -count=1 -timeout 20m ./e2e

bench: build ## Measure sends, history and inbox; BENCH='-flag …' is passed on
	@go run ./e2e/cmd/confab-bench $(BENCH)
	@go test -run '^$$' -bench . -benchtime 1x ./message-svc ./conversation-svc | awk '/^Benchmark/ {print $$1, $$(NF-1), $$NF}'

chaos: deps ## Break deployments under load and count what is lost; CHAOS='-only …' is passed on
	@go run ./e2e/cmd/confab-chaos $(CHAOS)

churn: deps ## Have sockets come and go for ten minutes, and fail where a service grows
	@go run ./e2e/cmd/confab-chaos -churn

fuzz: deps ## Run each fuzz target for FUZZTIME (10s)
	@go test -list '^Fuzz' work | awk '/^Fuzz/ {names = names " " $$1} /^ok/ {print $$2 names; names = ""}' | \
	while read -r package names; do for name in $$names; do \
		echo "$$name in $$package"; \
		go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$package" </dev/null; \
	done; done

lint: $(LINT) ## Run golangci-lint on every module
	@$(LINT) run $$(go list -m -f '{{.Dir}}/...')
	@for tool in $(TOOLS); do (cd $$tool && GOWORK=off $(LINT) run); done

chart: | go ## Render k8s/base and the table of values from the Helm chart
	@for what in base values; do GOWORK=off go -C tools/chart run . $$what; done

chart-check: | go ## Test the Helm chart, and fail where `make chart` would change a file
	@for what in base values; do GOWORK=off go -C tools/chart run . $$what -check; done
	@# -count=1, since the cache of results does not see that a file outside the module has changed
	@GOWORK=off go -C tools/chart test -count=1 -shuffle=on ./...

images: | go ## Build all container images into dist/images
	@GOWORK=off go -C tools/images run . -source $(CURDIR) -out $(CURDIR)/dist/images -version $(VERSION)

e2e-k8s: | go ## Install, scale, roll and break Confab in the cluster of kubectl; LOAD='…' puts an image into it: FILE NAME
	@for tag in e2e-1 e2e-2; do \
		GOWORK=off go -C tools/images run . -source $(CURDIR) -out $(CURDIR)/dist/$$tag -version $$tag >/dev/null; \
		for image in dist/$$tag/*.tar; do $(or $(LOAD),:) "$$image" "confab/$$(basename "$$image" .tar):$$tag"; done; \
	done
	@go run ./e2e/cmd/e2e-k8s $(E2E)

fmt: $(LINT) ## Format the code and order its imports
	@$(LINT) fmt $(MODULES) $(TOOLS)

fmt-check: $(LINT) ## Fail where `make fmt` would change a file
	@$(LINT) fmt --diff $(MODULES) $(TOOLS) || { echo 'Not formatted: run make fmt.' >&2; exit 1; }

tidy: | go ## Tidy every go.mod and sync the workspace
	@for module in $(MODULES) $(OUTSIDE); do GOWORK=off go -C $$module mod tidy; done
	@go work sync

tidy-check: | go ## Fail where `make tidy` would change a file
	@copy=$$(mktemp -d); trap 'rm -rf "$$copy"' EXIT; \
	find Makefile go.* $(MODULES) tools -name '*.go' -o -name 'go.*' -o -name Makefile | tar -cf - -T - | tar -xf - -C "$$copy"; \
	$(MAKE) -C "$$copy" tidy; \
	cd "$$copy"; changed=$$(find * -name 'go.*' | while read -r file; do cmp -s "$$file" "$(CURDIR)/$$file" || echo "$$file"; done); \
	[ -z "$$changed" ] || { echo 'Not tidy, run make tidy:' $$changed >&2; exit 1; }

alerts-check: deps ## Have Prometheus read the alerts, and try each on a fault
	@promtool check rules k8s/helm/confab/files/alerts.yaml
	@promtool test rules k8s/alerts_test.yaml k8s/alerts_quiet_test.yaml

ci: ## Run what continuous integration runs
	@for step in tidy-check fmt-check lint chart-check alerts-check test test-split build; do \
		start=$$SECONDS; echo "== $$step"; \
		$(MAKE) $$step; echo "== $$step took $$((SECONDS - start)) s"; \
	done

deps: | go ## Install what the tests need, where apt-get can
	@missing=$$(command -v redis-server >/dev/null || echo redis-server; command -v promtool >/dev/null || echo prometheus; command -v "$$(go env CC)" >/dev/null || echo gcc libc6-dev; \
		command -v node >/dev/null && command -v npm >/dev/null || echo nodejs npm); \
	[ "$$missing" ] || exit 0; \
	command -v apt-get >/dev/null || { echo "Install these, then try again:" $$missing >&2; exit 1; }; \
	echo "Installing" $$missing; \
	sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); log=$$(mktemp); trap 'rm -f "$$log"' EXIT; \
	$$sudo apt-get update >"$$log" 2>&1 || true; \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends $$missing >>"$$log" 2>&1 </dev/null || \
		{ tail -n 5 "$$log" >&2; echo "Install these, then try again:" $$missing >&2; exit 1; }; \
	for service in redis-server prometheus; do case " "$$missing" " in *" $$service "*) \
		echo "Stopping the service $$service that came with it: the tests start their own"; \
		$$sudo service $$service stop >/dev/null 2>&1 || true; \
		$$sudo update-rc.d $$service disable >/dev/null 2>&1 || true;; \
	esac; done
	@cd e2e/socketio; [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --loglevel=error >/dev/null

go:
	@command -v go >/dev/null || { echo 'Go is missing: install Go 1.26 or newer, https://go.dev/dl' >&2; exit 1; }

$(LINT): tools/go.mod tools/go.sum | go
	@echo 'Building golangci-lint: about a minute the first time'
	@GOWORK=off go -C tools build -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(MONGO): | go
	@GOWORK=off go -C tools/mongotestserver build -o $@ .
