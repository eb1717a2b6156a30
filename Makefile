# Two commands on a fresh machine: make demo, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DONE := $(VENV)/.installed
DOCS := $(VENV)/.docs
CODE := src flows tests labeling_functions benchmarks tools docs
PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist worksteal
export HF_HUB_OFFLINE ?= 1
export DO_NOT_TRACK = 1

.PHONY: demo test test-slow test-all check structure fix docs clean install
install: $(DONE)

$(DONE): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable ".[dev]"
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib >/dev/null 2>&1 || true  # pip would do it on one core
	touch $@

demo: install ## one whole night on the demo workspace
	$(BIN)/tilth run

test: install ## the tests, but for those that run several whole nights or a server
	$(PYTEST) -m "not slow"

test-slow: install ## those that `make test` leaves out
	$(PYTEST) -m slow $(SLOW)

test-all: install ## all tests
	$(PYTEST)

check: install ## style, types, floors, declared dependencies
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/structure.py
	$(BIN)/deptry src flows labeling_functions
	$(BIN)/deptry flows tests benchmarks tools docs .ci --ignore DEP002,DEP004

structure: install ## import edges between folders, loops, imports past a room's face, folders that are too full
	$(BIN)/python tools/structure.py

fix: install ## what a tool can mend by itself
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

# Material for MkDocs prints a warning of MkDocs 2, which it does not support; the variable leaves it out. Material is in
# maintenance, and ends in May 2027: by then the documents need another pair (constraints.txt holds MkDocs below 2).
docs: $(DOCS) ## the documents, as a site in site/ that opens from disk
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "file://$(CURDIR)/site/index.html"

$(DOCS): $(DONE)
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable ".[docs]"
	touch $@

clean: ## everything that can be made again; people's answers stay
	rm -rf data/cache data/state data/runs data/prefect build dist site
