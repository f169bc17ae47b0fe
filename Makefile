# Two commands do everything: `make demo` runs the main job, `make test` passes the tests.
# By hand: python3 -m venv .venv, pip install the same two lines, then use .venv/bin/functions.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test night deployed train lock clean

demo: .venv/run
	@$(BIN)/functions profile import feature_specs/profiles.jsonl
	@$(BIN)/functions invoke churn-retention --event events/cancellation-page.json

test: .venv/dev .venv-aws/ready .venv-train/ready
	$(BIN)/python -m pytest -n auto

# What takes too long by day: other cases of every property than those of the day, 100,000 cases of canaries, every
# fault planted in the gate and in the compiler.
night: .venv/dev
	HYPOTHESIS_PROFILE=random $(BIN)/python -m pytest -n auto tests/unit tests/hardening
	HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest -p no:logging -n auto tests/hardening/test_canaries.py
	GATE_MUTANTS=all $(BIN)/python -m pytest -n auto tests/hardening/test_gate_mutants.py
	EXPRESSION_MUTANTS=all $(BIN)/python -m pytest -n auto tests/hardening/test_expression_mutants.py

# Deploys the samples to an AWS on this machine, and kills what can be killed; minutes, on a quiet machine.
deployed: .venv/dev .venv-aws/wheels
	DEPLOYED_TESTS=1 $(BIN)/python -m pytest tests/deployed $(ARGS)

# Train the sample models anew, as of the day of those that are kept: equal inputs give equal bytes, so nothing
# differs afterwards but where data, code or libraries do.
train: .venv-train/ready .venv/run
	.venv-train/bin/python models/churn-risk/train.py --wheel .venv-train/[Ll]ifetimes-*.whl --date 2026-11-22
	.venv-train/bin/python models/churn-risk/leak.py --wheel .venv-train/[Ll]ifetimes-*.whl
	$(BIN)/python models/simulated/train.py --date 2026-11-22

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/run: requirements/run.txt pyproject.toml | .venv/bin/python
	$(PIP) install --require-hashes -r requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q functions
	@touch $@

.venv/dev: requirements/dev.txt .venv/run
	$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

# The local AWS of the tests, in an environment of its own since it pins another SDK.
.venv-aws/ready: requirements/aws.txt
	$(PYTHON) -m venv .venv-aws
	.venv-aws/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/aws.txt
	@touch $@

# What the functions need, for the tests that deploy them.
.venv-aws/wheels: requirements/lambda.txt .venv-aws/ready
	.venv-aws/bin/python -m pip --disable-pip-version-check --quiet download --require-hashes --no-deps \
	  --only-binary=:all: -d $@ -r requirements/lambda.txt
	@touch $@

# scikit-learn in an environment of its own, and the purchase log that one of the sample models is trained on.
.venv-train/ready: requirements/train.txt
	$(PYTHON) -m venv .venv-train
	.venv-train/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements/train.txt
	.venv-train/bin/python -m pip --disable-pip-version-check --quiet download --no-deps -d .venv-train lifetimes==0.11.3
	@touch $@

# Renew the pinned requirements (needs uv); the files hold hashes and no addresses.
lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links pyproject.toml --group build -o requirements/run.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links pyproject.toml --group dev -c requirements/run.txt -o requirements/dev.txt
	uv pip compile -q --python-platform aarch64-manylinux_2_28 --python-version 3.13 --generate-hashes --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links --group lambda -c requirements/run.txt -o requirements/lambda.txt
	echo ministack==1.5.33 | uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-annotate --no-emit-index-url --no-emit-find-links - -o requirements/aws.txt
	printf 'scikit-learn>=1.7,<2\nnumpy>=2,<2.5\nscipy<1.18\n' | uv pip compile -q --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links - -o requirements/train.txt

clean:
	rm -rf .venv .venv-aws .venv-train .functions build .mypy_cache .ruff_cache .pytest_cache .hypothesis
