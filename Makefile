# What there is to do: `make help`. The demo and the tests share one build.

export PATH := $(PATH):$(HOME)/.cargo/bin

PROGRAM := $(CURDIR)/target/debug/backendai-setup
ANSWERS := $(CURDIR)/sample-configs/answers.development.yml
DEMO    := $(CURDIR)/demo

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help deps deps-check build demo test test-long pictures lint bench down

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

deps: ## Install what is missing: etcd, PostgreSQL, protoc, tmux, a C compiler
	@.ci/deps

deps-check:
	@.ci/deps --check

build: deps-check ## Build the program
	@cargo build --locked --quiet

demo: deps build ## Start the development stack, set it up, and show the result
	@mkdir -p '$(DEMO)' && chmod 700 '$(DEMO)'
	@'$(PROGRAM)' dev up
	@cd '$(DEMO)' && '$(PROGRAM)' --development --answers '$(ANSWERS)'
	@echo
	@cd '$(DEMO)' && '$(PROGRAM)' --development --answers '$(ANSWERS)' status
	@echo
	@echo "Look at the result:"
	@echo "  ls -l demo; cat demo/keypairs.yml"
	@echo "  ETCDCTL_API=3 etcdctl --endpoints localhost:8120 get --prefix /sorna/local/"
	@echo "  PGPASSWORD=develove psql -h localhost -p 8100 -U postgres backend -c 'TABLE keypairs'"
	@echo "Run 'make demo' again: nothing changes. 'make down' removes it all."

# Tests for which this machine has not all that they need are told last: see tests/servers/abilities.rs.
define and-what-was-not-run
	list=$$(mktemp) && trap 'rm -f "$$list"' EXIT && export TESTS_NOT_RUN="$$list"; \
	$(1); status=$$?; \
	if [ -s "$$list" ]; then printf '\nTests that were not run:\n'; sort "$$list"; fi; \
	exit $$status
endef

test: deps-check ## Run all tests, against real servers; a sample of those that take long
	@$(call and-what-was-not-run,cargo test --locked)

test-long: deps-check ## Run what takes long, and nothing else, with every round
	@$(call and-what-was-not-run,cargo test --locked --lib --test suite -- --ignored)

pictures: deps-check ## Draw the README's pictures of the real screens
	@PICTURES=1 cargo test --locked --test suite tui::pictures

lint: ## Check the formatting and run clippy
	@cargo fmt --all --check
	@cargo clippy --locked --all-targets -- -D warnings

bench: deps-check ## Measure the whole job, `status`, the wizard's frames, and large lists and neighbours
	@cargo bench --locked --bench job --bench status --bench wizard --bench sizes

down: build ## Stop the development stack and remove its data and the demo's files
	@'$(PROGRAM)' dev reset --yes
	@rm -rf '$(DEMO)'
