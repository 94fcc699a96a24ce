# Everything a person does with Winnow. `make` alone lists it.
PYTHON ?= python3
VENV := .venv/bin
SUPERVISOR := $(VENV)/python -m server.supervisor
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup run stop status test check fmt openapi bench reproduce demo-encoder bench-labeling

help:            ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:           ## make .venv and the built front end
	@$(PYTHON) scripts/setup.py

run:             ## start everything and print one URL (ARGS="--port 8080")
	@$(PYTHON) scripts/setup.py && exec $(SUPERVISOR) run $(ARGS)

stop:            ## stop what `make run` started
	@$(SUPERVISOR) stop

status:          ## what is running, and where
	@$(SUPERVISOR) status

test:            ## checks and every test that needs no GPU (ARGS go to pytest)
	@$(PYTHON) scripts/setup.py --dev && $(VENV)/python scripts/test.py $(ARGS)

check:           ## lint, format, types, import contracts, migrations, front end
	@$(PYTHON) scripts/setup.py --dev && $(VENV)/python scripts/check.py

fmt:             ## put code into its one format
	@$(VENV)/ruff check --fix -q . ; $(VENV)/ruff format -q .

openapi:         ## write openapi.json from the server
	@$(VENV)/python manage.py write_openapi

bench:           ## speed of the product and of heads (docs/benchmarks.md; ARGS="--heads", "--teaching", "--while-training" or "--loop")
	@$(if $(findstring --heads,$(ARGS)),,$(VENV)/python scripts/$(if $(findstring --teaching,$(ARGS)),bench_teaching,$(if $(findstring --while-training,$(ARGS)),bench_while_training,$(if $(findstring --loop,$(ARGS)),bench_loop,bench_service))).py $(ARGS))
	@$(if $(filter-out --heads,$(ARGS)),,$(VENV)/python -m ml.bench heads_speed --write docs/benchmarks.md)

reproduce:       ## the papers' tables, run again and written to docs/methods (ARGS="--groups omniglot")
	@$(VENV)/python -m ml.bench reproduce $(ARGS)

demo-encoder:    ## train the small encoder that Winnow brings
	@$(VENV)/python -m ml.train demo_encoder $(ARGS)

bench-labeling:  ## what a label costs, by interface and by strategy (docs/labeling-efficiency.md)
	@$(VENV)/python -m ml.bench labeling --seeds 3 --write docs/labeling-efficiency.md $(ARGS)
	@$(VENV)/python -m ml.bench acquire --write docs/labeling-efficiency.md $(ARGS)
