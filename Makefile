# Every target makes what it needs in .venv and reuses it; `make run` on a fresh clone is enough.
#
#   make run                  two models on generated loans: free and fair, a table and run/*.png
#   make run DATASET=adult CONSTRAINT="spread(E[y | sex=*]) <= 0.02" EPOCHS=5 SEED=1
#   make test                 all tests (TESTS=tests/rows to run some of them)
#   make test-jax             tests of the numeric core on Keras' JAX backend
#   make test-torch           the same on Keras' PyTorch backend, which it installs (TORCH=torch==...+cpu: a version)
#   make test-engines         tests of Spark (with Java), Beam and DVC, in environments of their own
#   make lint                 ruff and mypy
#   make tables               the parser's tables, after a change of grammar/fairness.lark
#   make docs                 the documentation as a site: site/index.html
#   make bench                the benchmarks, one after another
#   make clean                remove what these targets made, .venv included

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TESTS ?=
WORKERS ?= 2
TORCH ?= torch>=2.6
# Each process begins with one run of the tests, so tests of a file share what they compile and their fixtures;
# who is done first takes from the other's end.
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
COMPILING := tests/callbacks tests/layers tests/models tests/pipeline
PIP_FLAGS := --quiet --disable-pip-version-check

# ruff reads no setup.cfg, so its options stand here. UP007 would turn the unions of node types, which name
# classes that are defined further down, into expressions that fail at import. SIM108 prefers a dense line.
RUFF_FLAGS := --line-length 110 --target-version py310 \
	--select E,F,W,I,B,UP,C4,SIM,PT,D100,D101,D103,D104 --ignore SIM108,UP007 \
	--per-file-ignores "tests/*:D,benchmarks/*:D103,tutorials/*:D103"

# TensorFlow's notes about the processor are no news.
export TF_CPP_MIN_LOG_LEVEL ?= 3

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test test-jax test-torch test-engines lint tables docs bench clean

help:
	@sed -n 's/^#   //p' Makefile

$(READY): setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "Python 3.10 or newer is needed, found $$($(PYTHON) --version): make PYTHON=/path/to/python ..."; exit 1; }
	@test -x $(BIN)/python || { echo "making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing keras_fair and what it needs into $(VENV) (minutes the first time)"
	@$(BIN)/python -m pip install $(PIP_FLAGS) --editable ".[all]"
	@touch $@

# Values reach the program through the environment, so a constraint needs no quoting here.
run: export RUN_DATASET := $(value DATASET)
run: export RUN_CONSTRAINT := $(value CONSTRAINT)
run: export RUN_EPOCHS := $(value EPOCHS)
run: export RUN_SEED := $(value SEED)
run: $(READY)
	@$(BIN)/python -m keras_fair run \
		$${RUN_DATASET:+--dataset "$$RUN_DATASET"} \
		$${RUN_CONSTRAINT:+--constraint "$$RUN_CONSTRAINT"} \
		$${RUN_EPOCHS:+--epochs "$$RUN_EPOCHS"} \
		$${RUN_SEED:+--seed "$$RUN_SEED"} $(ARGS)

# What is compiled stays in memory for as long as a process lives, so the tests that compile most have
# processes of their own.
test: $(READY)
ifneq ($(strip $(TESTS)),)
	$(PYTEST) $(TESTS)
else
	$(PYTEST) $(COMPILING)
	$(PYTEST) $(addprefix --ignore=,$(COMPILING))
endif

# Tests compile the same programs again and again; JAX keeps them.
test-jax: export JAX_COMPILATION_CACHE_DIR := $(CURDIR)/.pytest_cache/jax
test-jax: export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS := 0.2
test-jax: $(READY)
	KERAS_BACKEND=jax $(PYTEST) $(or $(TESTS),tests/ops tests/layers tests/groups)

# PyTorch is hundreds of megabytes, so the extras test and all leave it out, and .ci/run does not come here.
test-torch: $(READY)
	@$(BIN)/python -c 'import torch' 2> /dev/null || $(BIN)/python -m pip install $(PIP_FLAGS) "$(TORCH)"
	KERAS_BACKEND=torch $(PYTEST) $(or $(TESTS),tests/ops tests/layers tests/groups)

# They are heavy, and ask for older versions of what the other tests use, and of each other's; so they have
# environments of their own.
test-engines:
	@test -x .venv-engines/bin/python || $(PYTHON) -m venv .venv-engines
	@.venv-engines/bin/python -m pip install $(PIP_FLAGS) --editable ".[pandas,spark,beam]" \
		duckdb hypothesis polars pytest pyyaml
	@test -x .venv-dvc/bin/dvc || { $(PYTHON) -m venv .venv-dvc && .venv-dvc/bin/python -m pip install $(PIP_FLAGS) dvc; }
	PATH="$(CURDIR)/.venv-dvc/bin:$$PATH" .venv-engines/bin/python -m pytest \
		$(or $(TESTS),tests/distributed tests/postprocessing/test_rule_sql.py tests/integrations/test_dvc.py)

lint: $(READY)
	$(BIN)/ruff check $(RUFF_FLAGS) .
	$(BIN)/mypy

tables: $(READY)
	$(BIN)/python -c "from keras_fair.language.parse_tables import write; write()"

# Strict: a broken link, a page outside the navigation or an unknown name in the API ends it. No network is used.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --config-file docs/site/mkdocs.yml
	@echo "site/index.html; its search needs a server: $(BIN)/python -m http.server --directory site"

bench: $(READY)
	@set -e; for script in benchmarks/[!_]*.py; do \
		test -e "$$script" || { echo "benchmarks/ holds no script"; exit 1; }; \
		echo "== $$script"; $(BIN)/python "$$script"; done

clean:
	rm -rf $(VENV) .venv-bench .venv-bench-rules .venv-engines .venv-dvc build dist run site .pytest_cache .mypy_cache .ruff_cache *.egg-info
