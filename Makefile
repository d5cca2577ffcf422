# SPDX-License-Identifier: GPL-3.0-or-later
# Each target sets up what it lacks (scripts/setup.sh) and is quick the second time.

VENV ?= .venv
TORCH_SPEC ?= torch==2.13.0
export VENV TORCH_SPEC

# PYTHON itself is the user's: the interpreter that GNU Radio belongs to (scripts/setup.sh).
VENV_PYTHON := $(VENV)/bin/python
# More threads than this only get into each other's way in small batches.
THREADS := $(shell n=$$(nproc 2>/dev/null || echo 2); [ $$n -lt 4 ] && echo $$n || echo 4)

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-classify test test-all fuzz sanitize bench card companion docs deb pictures lint clean

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'
	@echo "  variables: VENV=$(VENV) TORCH_SPEC=$(TORCH_SPEC) MINUTES=$(MINUTES)"

setup: ## Install system and Python packages, build the module, export the bundles
	@scripts/setup.sh

demo: setup ## Find interference on the simulated radio for 10 s; results in out/demo
	@mkdir -p out/demo
	QT_QPA_PLATFORM=offscreen $(VENV_PYTHON) examples/live_interference.py --source sim --duration 10 --policy live --out out/demo
	@echo "out/demo/summary.json:"
	@cat out/demo/summary.json && echo

demo-classify: setup ## Find and name the signals of a simulated band for 4 s; results in out/demo-classify
	@mkdir -p out/demo-classify
	QT_QPA_PLATFORM=offscreen $(VENV_PYTHON) examples/classify_band.py --source sim:air --policy lossless --out out/demo-classify
	@echo "out/demo-classify/summary.json:"
	@cat out/demo-classify/summary.json && echo

# Two at a time: half of them wait for programs, radios and clocks. A file's tests stay together, as its fixtures do.
test: setup ## Run the quick tests
	OMP_NUM_THREADS=1 QT_QPA_PLATFORM=offscreen $(VENV_PYTHON) -m pytest -q -n 2 --dist loadfile -m "not slow" tests

test-all: setup ## Run all tests
	OMP_NUM_THREADS=$(THREADS) QT_QPA_PLATFORM=offscreen $(VENV_PYTHON) -m pytest -q tests

MINUTES ?= 5
fuzz: setup ## Generated messages and damaged files with fresh seeds, for MINUTES=5
	OMP_NUM_THREADS=$(THREADS) QT_QPA_PLATFORM=offscreen $(VENV_PYTHON) tests/fuzz/fuzz.py $(MINUTES)

sanitize: setup ## Build the C++ with ASan and UBSan, then with TSan, and run its tests with them
	@scripts/sanitize.sh

bench: setup ## Run the benchmarks; results in out/bench.jsonl and out/bench.png
	@mkdir -p out
	$(VENV_PYTHON) benchmarks/run.py --out out

MODEL ?= wfm-two-tasks
card: setup ## Measure a shipped model and write its card: MODEL=wfm-two-tasks (the recordings: WFM_REALDATA=...)
	$(VENV_PYTHON) benchmarks/card.py $(MODEL)

companion: setup ## Start GNU Radio Companion with the module's blocks
	GRC_BLOCKS_PATH="$(abspath $(VENV))/share/gnuradio/grc/blocks$${GRC_BLOCKS_PATH:+:$$GRC_BLOCKS_PATH}" \
	PATH="$(abspath $(VENV))/bin:$$PATH" $(VENV_PYTHON) "$$(command -v gnuradio-companion)" examples/live_interference.grc

docs: setup ## Build the documentation into out/site; a warning is an error
	$(VENV_PYTHON) -m mkdocs build --quiet --strict
	@echo out/site/index.html

deb: ## Build a Debian package for this distribution in out/, with the tools that are there
	cmake -S . -B build/deb -DCMAKE_INSTALL_PREFIX=/usr -DWFM_INSTALL_BUNDLES=OFF
	cmake --build build/deb -j $$(nproc)
	cd build/deb && cpack
	@mkdir -p out && cp build/deb/gr-wfm_*.deb out/ && ls out/gr-wfm_*.deb

pictures: demo demo-classify ## Make every picture in docs/images again (needs Xvfb)
	scripts/make_pictures.sh

lint: setup ## Check the Python style
	$(VENV)/bin/ruff check python gr-wfm tests benchmarks scripts

clean: ## Remove build and results (the virtual environment stays)
	rm -rf build out
