# make demo       the three-year search from download to limits, on real data
# make test       the tests (slow ones: make test-all)
# make bench      paired timings against straightforward versions
# make lint       formatting, linters, layers, workflow
# make docs       this documentation as a site: docs/_build/html/index.html
# make reproduce  the ten-year analysis
# make unlock     after a run was killed: lets the next one start
PYTHON ?= python3
CORES ?= $(shell nproc 2>/dev/null || echo 2)
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -I -m pip install --quiet --disable-pip-version-check
READY := $(VENV)/.ready-$(shell cat requirements.lock pyproject.toml | cksum | cut -d' ' -f1)

# Two processes; a file's tests stay together, as they share what they make.
TESTS := $(BIN)/python -m pytest --numprocesses=2 --dist=loadfile

.PHONY: demo test test-all bench lint format docs reproduce unlock generated lock clean

demo: $(READY)
	$(BIN)/snakemake --cores $(CORES) --configfile config/demo.yaml
	@echo "Done: open results/demo/report.html"

reproduce: $(READY)
	$(BIN)/snakemake --cores $(CORES)

# Make sure that no other run is at work in this folder (docs/reliability.md).
unlock: $(READY)
	$(BIN)/snakemake --unlock

test: $(READY)
	$(TESTS) -m "not slow"

test-all: $(READY)
	$(TESTS)

bench: $(READY)
	$(BIN)/python -m benchmarks.run

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/lint-imports
	$(BIN)/snakemake --lint

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

docs: $(READY)
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet -b html docs docs/_build/html

# Files that are generated from the code and committed.
generated: $(READY)
	$(BIN)/python -m nusky.config_docs
	$(BIN)/python -m docs.diagrams

# The lock holds every dependency for all platforms, with hashes and without index addresses.
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url \
	    --all-extras pyproject.toml -o requirements.lock

# What exists only as source: all else comes built, so that nothing unpinned runs to build it.
SOURCE_ONLY := connection-pool

# The environment: pinned and hashed dependencies, built where needed by the pinned setuptools, then this package in
# place.
$(READY): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	sed -n '/^setuptools==/,/[^\\]$$/p' requirements.lock > $(VENV)/build.lock
	$(PIP_INSTALL) --require-hashes --only-binary :all: -r $(VENV)/build.lock
	$(PIP_INSTALL) --require-hashes --only-binary :all: --no-binary $(SOURCE_ONLY) --no-build-isolation \
	    -r requirements.lock
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	rm -f $(VENV)/.ready-*
	touch $@

clean:
	rm -rf $(VENV) results .snakemake
