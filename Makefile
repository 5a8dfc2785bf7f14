# make demo   from nothing to out/index.html
# make test   linters, types and the whole test suite: about 13 minutes on two cores, the aim is 7
# make docs   the manual, built strictly: out/site/index.html
# All make their own virtual environment in .venv; only Python 3.11-3.13 and a C compiler are needed.
PYTHON ?= python3
VENV   ?= .venv
WORKERS ?= 2
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: demo test lint docs notebooks validation bench lock clean

demo: $(STAMP)
	$(BIN)/exogait demo --out out

# What keeps this short: one worker a core, each with one half of the files in order, so that what a
# file's tests share is made once (worksteal: who runs out takes from the other's end); types beside the tests; the manual is
# built by one of the tests (tests/test_site.py).
test: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python & types=$$!; \
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal; tests=$$?; \
	wait $$types && exit $$tests

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python

docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# The notebooks anew, with their outputs.
notebooks: $(STAMP)
	$(BIN)/python -m tests.notebooks

validation: $(STAMP)
	$(BIN)/python -m tests.validation

# Speed of this machine into docs/performance.md; leave it alone meanwhile.
bench: $(STAMP)
	$(BIN)/python -m tests.validation.performance

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) out build *.egg-info .pytest_cache .ruff_cache

# Re-pin constraints.txt to what the virtual environment holds now.
lock: $(STAMP)
	{ head -1 constraints.txt; $(BIN)/python -m pip freeze --all --exclude-editable --exclude pip | sed 's/+cpu//'; } > constraints.new
	mv constraints.new constraints.txt
