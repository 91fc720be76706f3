# make demo: install into .venv and segment the photos in assets/
# make test: install into .venv and run lint, types and tests
# Both need Python 3.11+, make and PyPI; a second run installs nothing again.

PYTHON ?= python3
BIN := .venv/bin
# Strict editable mode links every file, so that tools which read files, such as mypy, find the
# three folders as one package; a new or renamed file needs new links.
INSTALL := $(BIN)/pip install --quiet --constraint constraints.txt --config-settings editable_mode=strict
SOURCES := $(shell find pix2seg preprocess train -name __pycache__ -prune -o -type d -print)

# mypy starts in .venv: from here it would take the folder pix2seg for the whole package.
.PHONY: demo test
demo: .venv/demo
	$(BIN)/pix2seg segment assets/photos --out pix2seg-out --colors --cutouts
	@echo "Look at pix2seg-out: masks, overlays, cut-outs and palettes of the photos in assets/photos."

test: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cd .venv && bin/mypy --config-file ../pyproject.toml -p pix2seg
	$(BIN)/pytest

.venv/test: .venv/demo
	$(INSTALL) --editable ".[dev]"
	touch $@

.venv/demo: pyproject.toml constraints.txt $(SOURCES)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) --editable .
	touch $@
