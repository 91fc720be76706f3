# make demo: install into .venv and segment the photos in assets/
# make test: install into .venv and run lint, types and tests
# make test-detectron2: build Detectron2 into a venv of its own and run its extractor's tests; needs
# a C++ compiler, and its sources: those of the repository, or DETECTRON2=folder
# make test-exports: install the programs that read exports into a venv of its own and run the
# exports' tests with them
# make test-browser: test the page in a real browser, which it installs where apt-get can
# All need Python 3.11+, make and PyPI; a second run installs again only where a folder of the sources
# has changed, by a new file, a renamed one, or what an editor leaves there.

PYTHON ?= python3
BIN := .venv/bin
# Strict editable mode links every file, so that tools which read files, such as mypy, find the
# three folders as one package; a new or renamed file needs new links.
INSTALL := $(BIN)/pip install --quiet --constraint constraints.txt --config-settings editable_mode=strict
SOURCES := $(shell find pix2seg preprocess train -name __pycache__ -prune -o -type d -print)

# mypy starts in .venv: from here it would take the folder pix2seg for the whole package.
.PHONY: demo test test-browser test-detectron2 test-exports
demo: .venv/demo
	$(BIN)/pix2seg segment assets/photos --out pix2seg-out --colors --cutouts
	@echo "Look at pix2seg-out: masks, overlays, cut-outs and palettes of the photos in assets/photos."

test: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cd .venv && bin/mypy --config-file ../pyproject.toml -p pix2seg
	$(BIN)/pytest

# Without root or apt-get the tests skip, and say what they lack.
test-browser: .venv/test
	command -v chromedriver || apt-get install --yes chromium chromium-driver || true
	$(BIN)/pytest -rs tests/browser

.venv/test: .venv/demo
	$(INSTALL) --editable ".[dev]"
	touch $@

.venv/demo: pyproject.toml constraints.txt $(SOURCES)
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) --editable .
	touch $@

# It is not on PyPI, and wants older packages than the rest: a venv of its own.
DETECTRON2 ?= git+https://github.com/facebookresearch/detectron2
DETECTRON2_BIN := .venv-detectron2/bin
test-detectron2: .venv-detectron2/built
	$(DETECTRON2_BIN)/pytest tests/preprocess/person -k detectron2 -rs

.venv-detectron2/built: pyproject.toml constraints.txt $(SOURCES)
	@command -v c++ > /dev/null || { echo "Detectron2 is compiled: install a C++ compiler first"; exit 2; }
	test -x $(DETECTRON2_BIN)/python || $(PYTHON) -m venv .venv-detectron2
	$(DETECTRON2_BIN)/pip install --quiet --constraint constraints.txt --config-settings editable_mode=strict \
		--editable ".[train]" hypothesis pytest pytest-timeout "setuptools<81" wheel ninja
	$(DETECTRON2_BIN)/python -c "import detectron2" 2> /dev/null || \
		$(DETECTRON2_BIN)/pip install --quiet --no-build-isolation "$(DETECTRON2)"
	touch $@

# Datumaro wants an older NumPy than the constraints have.
EXPORTS_BIN := .venv-exports/bin
test-exports: .venv-exports/built
	$(EXPORTS_BIN)/pytest tests/pix2seg/catalog/test_export.py

.venv-exports/built: pyproject.toml $(SOURCES)
	test -x $(EXPORTS_BIN)/python || $(PYTHON) -m venv .venv-exports
	$(EXPORTS_BIN)/pip install --quiet --config-settings editable_mode=strict \
		--editable ".[train,catalog]" datasets datumaro label-studio-sdk hypothesis pytest pytest-timeout
	touch $@
