# Every target installs what it needs, pinned, into .venv; nothing but Python 3.11+ and make is assumed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: demo test lint e2e chart chart-test image bench fuzz bed-build bed-up bed-down docs pictures dashboard manifests format lock clean help

help:  ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.run  ## the main job in a simulated cluster, in your terminal (ARGS="--plain")
	@$(BIN)/nth demo $(ARGS)

test: $(VENV)/.dev  ## unit, property and simulation tests
	PYTHONDEVMODE=1 $(BIN)/python -m pytest -m "not e2e and not chart" --ignore=tests/e2e --ignore=tests/chart \
	  -n auto $(ARGS)

e2e: bed-build  ## the same and more against a real control plane (needs Go; the first build takes 15 minutes)
	$(BIN)/python -X dev -m pytest -m e2e --timeout 300 $(ARGS)

chart: bed-build  ## package the Helm chart and its repository's index into dist/charts (needs Go for helm)
	$(BIN)/python -m tools.chart.package

chart-test: bed-build  ## what the chart renders and refuses, with helm
	$(BIN)/python -X dev -m pytest -m chart -n auto $(ARGS)

image: $(VENV)/.dev  ## the container image, with buildah (see docs/image.md)
	$(BIN)/python -m testbed.image

bench: bed-build  ## the figures, on the real control plane (QUEUE_ARGS="--size 100")
	$(BIN)/python -m bench.metadata_mode $(ARGS)
	$(BIN)/python -m bench.big_namespace
	$(BIN)/python -m bench.queue_mode $(ARGS) $(QUEUE_ARGS)

fuzz: $(VENV)/.fuzz  ## broken messages for the reader of the queue, for SECONDS=120
	$(BIN)/python -m tools.fuzz_queue_documents $(SECONDS)

lint: $(VENV)/.dev  ## everything static
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

docs: $(VENV)/.dev  ## write the generated documents anew
	$(BIN)/python -m nth.settings.docs > docs/configuration.md
	$(BIN)/python -m tools.state_diagram
	$(BIN)/python -m tools.event_kinds
	$(BIN)/python -m tools.chart.write
	$(BIN)/python -m nth.demo.picture docs/demo.svg

pictures: $(VENV)/.dev  ## draw docs/report.png anew, with Debian's Chromium
	$(BIN)/python -m tools.report_picture docs/report.png

dashboard: bed-build  ## draw docs/dashboard.svg anew, from a storm on the real control plane
	NTH_KEEP_PICTURE=docs/dashboard.svg $(BIN)/python -X dev -m pytest -m e2e --timeout 300 \
	  tests/e2e/test_prometheus.py -k dashboard

manifests: bed-build  ## write deploy/kubernetes anew from the chart
	$(BIN)/python -m tools.chart.manifests

bed-build: $(VENV)/.dev  ## build the real control plane's programs, if they are missing
	$(BIN)/python -m testbed build

bed-up: bed-build  ## leave a control plane running in the background
	$(BIN)/python -m testbed up

bed-down: $(VENV)/.dev  ## stop it
	$(BIN)/python -m testbed down

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(VENV)/.dev  ## write the lock files anew
	cd requirements && for f in run tracing dev fuzz image; do ../$(BIN)/pip-compile -q --upgrade --generate-hashes --allow-unsafe \
	  --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header \
	  -o $$f.lock $$f.in; done

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .pdm-build

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; set PYTHON=python3.12 or the like")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python requirements/run.lock pyproject.toml
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/run.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python requirements/dev.lock pyproject.toml
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.run

$(VENV)/.fuzz: $(VENV)/.dev requirements/fuzz.lock
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements/fuzz.lock
	@touch $@
