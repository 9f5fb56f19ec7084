# Two commands do everything: `make demo` and `make test`. Each sets up what it needs in .venv first.
PYTHON ?= python3.11
VENV   ?= .venv
RUN    := $(VENV)/bin
PIP    := $(RUN)/python -m pip --quiet --disable-pip-version-check

.PHONY: demo test online lint types all clean

demo: $(VENV)/.installed
	@$(RUN)/lockblame demo

test: $(VENV)/.dev
	$(RUN)/python -m pytest -n auto

online: $(VENV)/.dev
	$(RUN)/python -m pytest -m online

lint: $(VENV)/.dev
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .

types: $(VENV)/.dev
	$(RUN)/mypy

clean:
	rm -rf $(VENV) dist .pytest_cache .mypy_cache .ruff_cache

# pip from the standard library's bundle may be too old for dependency groups (PEP 735, pip 25.1).
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --upgrade "pip>=25.1"
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed pyproject.toml
	@$(PIP) install --group dev
	@touch $@
