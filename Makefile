# Two commands do everything on a fresh machine with Python 3.11 and make: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Rasa 3.6 needs Python 3.10: RASA_PYTHON, else python3.10 on PATH, else pyenv's.
RASA_PYTHON ?= $(shell for python in python3.10 "env PYENV_VERSION=3.10.13 python"; do \
	$$python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 10))' 2>/dev/null && echo "$$python" && break; done)
RASA := RASA_TELEMETRY_ENABLED=false SQLALCHEMY_SILENCE_UBER_WARNING=1 TF_CPP_MIN_LOG_LEVEL=2 ../.venv-rasa/bin/rasa

.PHONY: run test demo axe rasa rasa-test clean requirements

run: $(VENV)/.run
	$(BIN)/refdesk serve

# A living example: a month of questions, played once into data/demo.db, and served.
demo: $(VENV)/.run
	test -e data/demo.db || $(BIN)/refdesk demo
	REFDESK__STORE__PATH=data/demo.db $(BIN)/refdesk serve

test: $(VENV)/.test
	@test -e $(AXE) || ! command -v npm >/dev/null || $(MAKE) --no-print-directory axe
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n auto --dist worksteal --cov --cov-report=term-missing:skip-covered --cov-fail-under=95

# axe-core looks for what shuts people out of a page; for tests only, so it is fetched and checked rather than kept here.
AXE := .cache/axe.min.js
AXE_VERSION := 4.14.1
AXE_SHA512 := FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==
axe: $(AXE)
$(AXE):
	mkdir -p .cache
	cd .cache && npm pack --silent axe-core@$(AXE_VERSION)
	test "$$(openssl dgst -sha512 -binary .cache/axe-core-$(AXE_VERSION).tgz | openssl base64 -A)" = "$(AXE_SHA512)"
	tar -xzf .cache/axe-core-$(AXE_VERSION).tgz -C .cache --strip-components=1 package/axe.min.js
	touch $@

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "Refdesk needs Python 3.11 to 3.13; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python requirements/run.txt pyproject.toml
	$(BIN)/pip install --quiet --require-hashes -r requirements/run.txt
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@

$(VENV)/.test: $(VENV)/.run requirements/test.txt requirements/embedding.txt
	$(BIN)/pip install --quiet --require-hashes -r requirements/test.txt
	$(BIN)/pip install --quiet --require-hashes --no-deps -r requirements/embedding.txt
	touch $@

# The Rasa server of understanding.engine = "rasa": an environment of its own, trained when intents/ changed, on loopback.
rasa: intents/models/refdesk.tar.gz
	cd intents && $(RASA) run --enable-api --model models/refdesk.tar.gz --interface 127.0.0.1 --port 5005

.venv-rasa/.run: requirements/rasa.txt
	@test -n "$(RASA_PYTHON)" || { echo "Rasa 3.6 needs Python 3.10: set RASA_PYTHON=/path/to/python3.10" >&2; exit 1; }
	$(RASA_PYTHON) -m venv .venv-rasa
	.venv-rasa/bin/pip install --quiet -r requirements/rasa.txt
	touch $@

INTENTS := intents/config.yml intents/domain.yml $(wildcard intents/nlu/*.yml)
intents/models/.validated: .venv-rasa/.run $(INTENTS)
	cd intents && $(RASA) data validate --data nlu --domain domain.yml --fail-on-warnings
	mkdir -p intents/models && touch $@

intents/models/refdesk.tar.gz: intents/models/.validated
	cd intents && $(RASA) train nlu --nlu nlu --domain domain.yml --out models --fixed-model-name refdesk
	touch $@

# All examples are validated; every eighth trains the model of the tests, since all of them take long.
intents/models/sample.tar.gz: intents/models/.validated
	rm -rf build/rasa-sample && mkdir -p build && cp -r intents/nlu build/rasa-sample
	$(PYTHON) -m tests.sampling build/rasa-sample
	cd intents && $(RASA) train nlu --nlu ../build/rasa-sample --domain domain.yml --out models --fixed-model-name sample
	touch $@

# A real Rasa server answers behind Refdesk, and Refdesk answers by itself when it is gone.
rasa-test: $(VENV)/.test intents/models/sample.tar.gz
	$(BIN)/pytest -m rasa

# After a change of pyproject.toml: pin everything again, with hashes and without the address of any registry.
requirements: $(VENV)/.test
	$(BIN)/pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate -o requirements/run.txt pyproject.toml
	$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate --extra dev -o requirements/test.txt pyproject.toml

clean:
	rm -rf $(VENV) .venv-rasa build data/model.refdesk
