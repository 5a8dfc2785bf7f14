# make demo   from nothing to out/demo/index.html
# make test   linters, types and the whole test suite
# Both make their own virtual environment in .venv; only Python 3.11-3.13 and a C compiler are needed.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: demo test lint lock validation clean

demo: $(STAMP)
	$(BIN)/exogait demo --out out

test: $(STAMP) lint
	$(BIN)/python -m pytest

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python

validation: $(STAMP)
	$(BIN)/python -m tests.validation

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) out build *.egg-info .pytest_cache .ruff_cache

# Re-pin constraints.txt to what the virtual environment holds now.
lock: $(STAMP)
	{ head -1 constraints.txt; $(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu//'; } > constraints.new
	mv constraints.new constraints.txt
