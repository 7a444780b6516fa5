# What people run here, and what CI runs, verbatim.

# Programs that scripts/ensure-tools put here because the system has none that will do.
export PATH := $(CURDIR)/.daftar/tools/bin:$(PATH)

# Runs a command with a PostgreSQL server of its own: see cluster/src/bin/throwaway-postgres.rs.
THROWAWAY := $(or $(CARGO_TARGET_DIR),target)/debug/throwaway-postgres

.DEFAULT_GOAL := help
.PHONY: help run demo-tour test check coverage sqlx-prepare bench clean throwaway-postgres

help: ## Lists these targets
	@sed -n 's/^\([a-z%-]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{ printf "  make %-14s %s\n", $$1, $$2 }'

run: ## Starts everything on this machine, with a PostgreSQL server of its own under .daftar/
	scripts/ensure-postgres
	exec cargo run --profile quick -p daftar-api --bin daftar -- up --demo

demo-tour: throwaway-postgres ## Shows in the terminal what it is for: a bill explained, a repair, a proof, a tamper detected, a what-if tariff
	scripts/ensure-tools python
	$(THROWAWAY) --durable -- scripts/demo-tour

test: throwaway-postgres ## Runs every test, with a PostgreSQL server of its own; and the suites against ESDB_TEST_URL if that is set
	scripts/ensure-tools nextest python node
	cargo test --quiet --doc --workspace --all-features
	$(if $(ESDB_TEST_URL),cargo run --quiet -p daftar-store --features contract --bin store-contract)
	$(THROWAWAY) -- cargo nextest run --workspace --all-features

check: throwaway-postgres ## Formatting, lints, queries against a real database, dependencies, and that the schema breaks no client
	scripts/ensure-tools rust deny node
	cargo fmt --all -- --check
	$(THROWAWAY) -- scripts/sqlx check
	scripts/check-dependencies
	scripts/check-schema

coverage: throwaway-postgres ## Runs every test and says how much of the code they reach; fails below 85 % of the lines
	scripts/ensure-tools nextest llvm-cov python node
	$(THROWAWAY) -- scripts/coverage

sqlx-prepare: throwaway-postgres ## Writes .sqlx anew, after a query or a migration has changed
	$(THROWAWAY) -- scripts/sqlx prepare

bench: throwaway-postgres ## Measures everything beside what it is held against, in one table; SIZE=full as large as the targets say
	scripts/ensure-tools node
	scripts/bench $(SIZE)

bench-%: throwaway-postgres ## Measures one thing: rating, store, projections, proof, sealer, replay, bill_run or api
	scripts/ensure-tools node
	$(THROWAWAY) --durable -- cargo bench --workspace --all-features --bench $*

clean: ## Removes what was built; the data under .daftar/ stays
	cargo clean

throwaway-postgres:
	scripts/ensure-postgres
	cargo build --quiet -p daftar-cluster --bin throwaway-postgres
