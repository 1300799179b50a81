# make reproduce   everything from nothing: environment, training, report
# make help        the other commands
#
# Settings, for example `make reproduce ARGS="--config scale=reduced" CORES=4`:
PYTHON ?= python3
VENV ?= .venv
CORES ?= all
ARGS ?=

BIN := $(VENV)/bin
READY := $(VENV)/.ready
ORACLES := $(VENV)/.oracles
PIP := PIP_USER=0 $(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile -c constraints.txt

# What JupyterLab adds to a notebook.
LANGUAGE := $(addprefix metadata.language_info.,codemirror_mode file_extension mimetype nbconvert_exporter pygments_lexer version)
EXTRA := $(LANGUAGE) metadata.papermill cell.metadata.papermill cell.metadata.execution cell.metadata.trusted

# An environment whose Python was removed or renewed since is made again, and so is one that was
# moved or copied: its programs name the place where they were installed, which .ready holds.
$(shell $(BIN)/python -c '' 2>/dev/null || rm -f $(READY) 2>/dev/null)
$(shell cd $(VENV) 2>/dev/null && test -s .ready && { pwd -P | cmp -s - .ready || rm -f .ready bin/python; })

# pip leaves the compiling of modules to their first import (--no-compile); a shell that forbids
# Python to keep what it compiled would have each of the thirty jobs do it again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help reproduce test lint notebooks lab docs readme oracles site accessible cluster benchmark pythons clean distclean

help: ## list these commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 18

reproduce: $(READY) ## run the workflow (scale quick; see ARGS) and write the report
	@$(BIN)/snakemake --cores $(CORES) $(ARGS)

test: lint ## check style, then run all tests, the notebooks among them
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(READY) ## check Python, Snakemake rules and notebooks: faults, types, docstrings, style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/snakefmt --check Snakefile workflow/rules
	@$(BIN)/snakemake --lint
	@$(BIN)/nbstripout --verify notebooks/*.ipynb

notebooks: $(READY) ## run all notebooks on the reference results, under nbval
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile notebooks

oracles: $(ORACLES) ## install NEURON and eFEL, and compare solver and features with them
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/datasets/test_cable_neuron.py tests/analysis/test_electrophysiology_efel.py

site: $(READY) ## the reference run's report, results/reference/report/: a folder for any web server
	@$(BIN)/snakemake --cores $(CORES) site

accessible: $(READY) ## look at the report with axe-core in Chromium: two widths, light and dark
	@test -f .snakemake/axe/package/axe.min.js || { mkdir -p .snakemake/axe && cd .snakemake/axe && \
	    npm pack --silent axe-core@4 >/dev/null && tar xzf axe-core-4*.tgz; }
	@AXE=.snakemake/axe/package/axe.min.js $(BIN)/python -m pytest -n 2 --dist load -rs tests/evidence/test_accessible.py

lab: $(READY) ## open the notebooks in JupyterLab (see ARGS); what it adds to their files stays out of git
	@$(PIP) -e '.[workflow,test,lab]'
	@git config filter.notebooks.clean '$(BIN)/python -m nbstripout --extra-keys "$(EXTRA)"' || true
	@$(BIN)/jupyter lab notebooks $(ARGS)

docs: $(READY) ## write the API's pages into build/docs
	@$(PIP) -e '.[workflow,test,docs]'
	@$(BIN)/python -m pdoc --docformat google --output-directory build/docs hnnlib

readme: $(READY) ## write the README's first screen anew, from the reference stores
	@$(BIN)/python -m hnnlib readme

cluster: $(READY) ## run the scale smoke through Slurm on this machine (as root; see .ci/cluster)
	@$(PIP) -e '.[workflow,test,slurm]'
	@PATH="$(abspath $(BIN)):$$PATH" HNN_TEST_CLUSTER=1 python -m pytest tests/workflow/test_cluster.py

benchmark: $(READY) ## time a training step beside other libraries (see ARGS)
	@$(BIN)/python -m benchmarks $(ARGS)

pythons: ## install and import on the oldest and the newest Python of the README
	@for python in python3.11 python3.12; do \
	    $$python -c '' 2>/dev/null || { echo "$$python is not here: skipped"; continue; }; \
	    folder=$$(mktemp -d) && $(MAKE) -s VENV=$$folder/v PYTHON=$$python $$folder/v/.ready && \
	    $$folder/v/bin/python -m hnnlib check smoke && rm -rf $$folder || exit 1; \
	done

clean: ## delete all results but the reference, and what tools left behind
	@find results -mindepth 1 -maxdepth 1 ! -name reference -exec rm -rf {} +
	@rm -rf .snakemake .pytest_cache .ruff_cache .hypothesis

distclean: clean ## the same, and the environment
	@rm -rf $(VENV) build

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("error: Python %d.%d is too old, 3.11 or newer is needed: make PYTHON=python3.12" % v[:2])'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { echo "creating $(VENV)"; $(PYTHON) -m venv --clear $(VENV); } || { echo "error: $(PYTHON) cannot create $(VENV): install its module venv (Debian: python3-venv), or make PYTHON=..."; exit 1; }
	@echo "installing torch (1 of 3, about a minute)"
	@$(PIP) torch
	@echo "installing everything else (2 of 3, about a minute)"
	@$(PIP) -e '.[workflow,test]'
	@echo "compiling the CPU kernels (3 of 3, about a minute)"
	@$(BIN)/python -m hnnlib prepare
	@cd $(VENV) && pwd -P > .ready

$(ORACLES): $(READY)
	@echo "installing NEURON and eFEL"
	@$(PIP) neuron efel
	@touch $@
