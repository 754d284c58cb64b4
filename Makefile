# Targets for people: make help lists them. Only Go and a C compiler are needed,
# and Python 3 for make lab.

SHELL := /bin/bash -o pipefail
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

GO ?= go
PYTHON ?= python3
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
DEMO := 01-ask-a-picture
FUZZTIME ?= 30s
BENCH ?= .
VENV := .venv

.PHONY: help
help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/govle and bin/install-kernel
	@mkdir -p bin
	@$(GO) build -o bin/ ./cmd/...

.PHONY: demo
demo: build ## Ask a picture a question: run the first notebook through the real kernel
	@mkdir -p build/demo
	@bin/govle run notebooks/$(DEMO).ipynb --echo \
		-o build/demo/$(DEMO).ipynb --html build/demo/$(DEMO).html

.PHONY: test
test: ## Run the tests
	@$(GO) test ./...

.PHONY: lint
lint: ## Check formatting, vet, staticcheck
	@unformatted=$$(gofmt -l */); \
		if [ -n "$$unformatted" ]; then echo "not gofmt'ed:"; echo "$$unformatted"; exit 1; fi
	@$(GO) vet ./...
	@$(GO) run $(STATICCHECK) ./...

.PHONY: bench
bench: build ## Time govle, beside PyTorch where make bench-peers put it; BENCH=regexp chooses
	@bin/govle bench --only '$(BENCH)' -o docs/benchmarks.md

EMBEDDED := build/embedded

.PHONY: embedded-model
embedded-model: build $(EMBEDDED)/easy_vqa ## Train the small model of vle.Embedded anew (under an hour on two free cores)
	@bin/govle vocabulary --data scenes:1:3000 --data easy-vqa:$(EMBEDDED)/easy_vqa/data -o $(EMBEDDED)/processor
	@cp vle/recipe/preprocessor_config.json $(EMBEDDED)/processor/
	@bin/govle train --config vle/recipe/train.toml --every 1m
	@bin/govle eval vqa --model $(EMBEDDED)/run/last --data easy-vqa:$(EMBEDDED)/easy_vqa/data --split val
	@echo "the model is in $(EMBEDDED)/run/last; make adopt-embedded-model puts it into vle/embedded"

.PHONY: adopt-embedded-model
adopt-embedded-model: build ## Put the model that make embedded-model trained into vle/embedded
	@bin/govle info $(EMBEDDED)/run/last
	@cd $(EMBEDDED)/run/last && cp config.json model.safetensors spm.model *_config.json special_tokens_map.json added_tokens.json $(CURDIR)/vle/embedded/
	@echo "vle/embedded holds the new model; its README.md wants the new figures"

$(EMBEDDED)/easy_vqa:
	@command -v $(PYTHON) >/dev/null || { echo "make embedded-model needs Python 3 with pip, to download easy-VQA"; exit 1; }
	@mkdir -p $(EMBEDDED)
	@cd $(EMBEDDED) && $(PYTHON) -m pip download --quiet --disable-pip-version-check easy-vqa==1.0 --no-deps -d . && \
		$(PYTHON) -m zipfile -e easy_vqa-1.0-*.whl .

.PHONY: results
results: build ## Train and score the models of docs/results.md, hours; QUICK=--quick is minutes
	@bin/govle results --config docs/results/results.json -o docs/results.md $(QUICK)

.PHONY: bench-peers
bench-peers: .bench-venv/.peers ## Install PyTorch, transformers and ipykernel for make bench (5 GB)

.bench-venv/.peers: testdata/bench/requirements.txt
	@command -v $(PYTHON) >/dev/null || { echo "make bench-peers needs Python 3.8 to 3.11: install it, or name it with PYTHON=…"; exit 1; }
	@echo "installing PyTorch into .bench-venv (some gigabytes, some minutes)"
	@$(PYTHON) -m venv .bench-venv || { rm -rf .bench-venv; exit 1; }
	@.bench-venv/bin/pip install --quiet --disable-pip-version-check -r testdata/bench/requirements.txt
	@touch $@

.PHONY: bench-go
bench-go: ## Run the packages' own benchmarks that match BENCH (default all)
	@$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

.PHONY: fuzz
fuzz: ## Fuzz every parser for FUZZTIME (default 30s) each
	@GO="$(GO)" testdata/fuzz.sh $(FUZZTIME)

.PHONY: lab
lab: $(VENV)/.lab build ## Open the notebooks in JupyterLab (installs it into .venv first)
	@bin/install-kernel --prefix $(VENV)
	@$(VENV)/bin/jupyter lab --notebook-dir notebooks $$([ $$(id -u) != 0 ] || echo --allow-root)

$(VENV)/.lab:
	@command -v $(PYTHON) >/dev/null || { echo "make lab needs Python 3: install it, or name it with PYTHON=…"; exit 1; }
	@echo "installing JupyterLab into $(VENV) (about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check jupyterlab jupyterlab_widgets
	@touch $@

.PHONY: clean
clean: ## Remove everything that was built or installed here
	@rm -rf bin build $(VENV)
	@$(GO) clean -testcache
