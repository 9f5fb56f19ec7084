# Two commands do everything: `make demo` and `make test`. Each sets up what it needs in .venv first.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done)
VENV   ?= .venv
RUN    := $(VENV)/bin
PIP    := $(RUN)/python -m pip --quiet --disable-pip-version-check

.PHONY: demo test test-browser online docs lint types wheel clean

demo: $(VENV)/.installed
	@$(RUN)/lockblame demo

test: $(VENV)/.dev
	$(RUN)/python -m pytest -n auto

# Needs Chromium from the system's packages: apt-get install chromium
test-browser: $(VENV)/.browser
	$(RUN)/python -m pytest -m browser -n 2 tests/browser

online: $(VENV)/.dev
	$(RUN)/python -m pytest -m online -n 2 --dist loadscope

# The pages as HTML, in docs/_build; a link or an anchor that leads nowhere ends it.
docs: $(VENV)/.dev
	$(RUN)/python -m sphinx -W --keep-going -q -b html docs docs/_build

lint: $(VENV)/.dev
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .

types: $(VENV)/.dev
	$(RUN)/mypy

# The wheel as a user gets it: into an environment that has never seen the checkout.
wheel: $(VENV)/.dev
	@rm -rf dist
	@$(PIP) wheel --no-deps --wheel-dir dist .
	@$(PYTHON) -m venv --clear dist/venv
	@dist/venv/bin/python -m pip --quiet --disable-pip-version-check install dist/lockblame-*.whl
	@cd dist && venv/bin/lockblame demo --language ko

clean:
	rm -rf .venv .venv-* dist docs/_build .pytest_cache .mypy_cache .ruff_cache

# pip from the standard library's bundle may be too old for dependency groups (PEP 735, pip 25.1).
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --upgrade "pip>=25.1"
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed pyproject.toml
	@$(PIP) install --group dev
	@touch $@

$(VENV)/.browser: $(VENV)/.dev
	@$(PIP) install --group browser
	@touch $@
