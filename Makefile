# `make demo` plays the story of the lab; `make lab` keeps a lab up; `make test` runs every test.

PYTHON ?= python3
RUN := .venv/bin/python -m

.PHONY: demo lab install test lint format bench docs picture clean

demo: root packages-demo .venv/installed
	$(RUN) cli lab demo

lab: root packages-demo .venv/installed
	$(RUN) cli lab up

install: packages-demo .venv/installed

# Tests wait for machines most of the time: some files side by side, each in order, and the longest first.
test: packages-test .venv/installed
	$(RUN) pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder -m 'not alone'
	$(RUN) pytest -m alone

lint: packages-test .venv/installed
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	.venv/bin/lint-imports --verbose
	cd playbooks && ../.venv/bin/ansible-lint -q
	git ls-files '*.sh' .ci/run ':!tests' | xargs shellcheck

format: .venv/installed
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

bench: packages-test .venv/installed .venv-bench/installed
	$(RUN) bench

docs: .venv/installed
	$(RUN) cli.pages

# The README's pictures, after a story on real hosts.
picture: root packages-test .venv/installed
	$(RUN) lab.story.picture

.PHONY: root packages-demo packages-test
root:
	@lab/may-run-lab.sh

packages-demo:
	@lab/debian-packages.sh demo

packages-test:
	@lab/debian-packages.sh test

# The lock file pins every package with its hash; flstr itself runs from this checkout.
.venv/installed: requirements.lock | packages-demo
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "flstr: Python 3.11 or newer is needed, and $(PYTHON) is older; name another one with make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# What flstr is measured against has a place of its own: it pins other versions of the same packages.
.venv-bench/installed: bench/requirements.lock | packages-demo
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement bench/requirements.lock
	touch $@

clean:
	rm -rf .venv .venv-bench *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
