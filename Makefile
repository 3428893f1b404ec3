# make demo   install into .venv, learn to add, ask ten questions
# make test   install what the tests need, run them all

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: help demo test test-torch lint format clean

help:
	@sed -n 's/^# //p' Makefile
	@echo "make test-torch   also hold the derivatives against PyTorch (installs it)"
	@echo "make lint         style and types"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# Each stamp is an installation; it is made again when what it installs has changed.
$(VENV)/demo.stamp: $(BIN)/python pyproject.toml
	@echo "installing henkan into $(VENV) ..."
	@$(PIP) -e '.[fast,plot]'
	@touch $@

$(VENV)/dev.stamp: $(BIN)/python pyproject.toml
	@echo "installing henkan and what its tests need into $(VENV) ..."
	@$(PIP) -e '.[fast,plot,dev]'
	@touch $@

# TORCH may name any build; on Linux a bare `torch` brings gigabytes of CUDA. See docs/development.md.
TORCH ?= torch==2.13.0
$(VENV)/torch.stamp: $(VENV)/dev.stamp
	@echo "installing $(TORCH) into $(VENV) ..."
	@$(PIP) '$(TORCH)'
	@touch $@

demo: $(VENV)/demo.stamp
	$(BIN)/henkan train addition --out models/addition --force

test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest

test-torch: $(VENV)/torch.stamp
	$(BIN)/python -m pytest -m torch

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
