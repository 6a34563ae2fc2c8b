# Two commands do everything: `make demo` and `make test`. Both make .venv first.
PYTHON ?= python3
DEMO_ARGS ?=
TEST_ARGS ?=
# Where Python keeps no compiled files each process compiles all of TensorFlow's again, for five seconds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo docs test test-long test-all test-python test-prerelease test-types wheel lock clean

demo: setup
	.venv/bin/python -m examples.demo $(DEMO_ARGS)

test: setup
	scripts/check -m "not long" $(TEST_ARGS)

# Whole trainings, killed processes, tests of many cases, every page of the docs: about half an hour on two cores.
test-long: setup
	.venv/bin/python -m pytest --numprocesses 3 --dist loadfile -m long $(TEST_ARGS)

# Both in one run, as CI does: what quick and long tests share is made once.
test-all: setup
	scripts/check $(TEST_ARGS)

# The documentation as a site, in build/site. A broken link, a public name without a docstring or a page that is
# in no menu fails. Nothing is fetched, neither here nor by the pages.
# (With --quiet mkdocs would not see warnings, which are what fails.)
docs: setup
	NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs build --strict

# Another Python (PYTHON=python3.13), with the newest versions that setup.py allows in place of the lock's:
# the public names, the examples, and the README's programs.
test-python:
	rm -rf build/python
	$(PYTHON) -m venv build/python
	build/python/bin/python -m pip install --quiet ".[pipelines,client,beam]" hypothesis pytest scikit-learn
	build/python/bin/python -m pytest tests/test_surface.py tests/examples tests/test_readme.py \
	  -k "surface or (examples and not demo) or first_program or your_own"

# The newest pre-release of TensorFlow, which setup.py does not allow yet: what breaks there is told early.
test-prerelease:
	rm -rf build/prerelease
	$(PYTHON) -m venv build/prerelease
	build/prerelease/bin/python -m pip install --quiet ".[pipelines,client,beam]" hypothesis pytest scikit-learn
	build/prerelease/bin/python -m pip install --quiet --upgrade --pre tensorflow
	build/prerelease/bin/python -P tfrs_afm/kernels/build.py build/prerelease/tfrs_afm/kernels || echo "The kernels were not built."
	XDG_CACHE_HOME=$(CURDIR)/build/prerelease build/prerelease/bin/python -m pytest tests/test_surface.py tests/test_host.py \
	  tests/columns tests/embeddings tests/interactions tests/optimizers tests/test_readme.py \
	  -k "not test_readme or first_program or your_own"

# The programs of README and docs under pyright, strict, which is not in the lock: it brings node.
test-types: setup
	[ -x build/types/bin/basedpyright ] || { python3 -m venv build/types && \
	  build/types/bin/python -m pip install --quiet basedpyright; }
	build/types/bin/python scripts/check_types.py .venv/bin/python

setup: .venv/installed .venv/kernels

# The stamp is written last: an interrupted install is started again from nothing. Python compiles
# what it imports; compiling every file of TensorFlow beforehand takes longer than all the rest.
.venv/installed: requirements.lock setup.py
	rm -rf .venv
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --no-compile --no-deps --require-hashes --requirement requirements.lock
	.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# The install builds the kernels; after a change in their sources they are built again. Not having
# them is no error: TensorFlow's operations compute then.
.venv/kernels: .venv/installed tfrs_afm/kernels/build.py $(wildcard tfrs_afm/kernels/source/*)
	.venv/bin/python -P tfrs_afm/kernels/build.py tfrs_afm/kernels || echo "The kernels were not built."
	touch $@

# A wheel with the kernels, for this platform and the TensorFlow of .venv, in dist/. Without a compiler
# this is an error; `pip wheel .` makes one without kernels, for all platforms.
wheel: setup
	rm -rf build dist
	TFRS_AFM_KERNELS=require .venv/bin/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

# Resolves the ranges of setup.py anew; needs uv.
lock:
	uv pip compile setup.py --extra client --extra pipelines --extra report --extra tune --extra beam --extra stores --extra frames --extra docs --extra dev --python-version 3.11 --python-platform linux \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
	  --output-file requirements.lock $(LOCK_ARGS)

clean:
	rm -rf .venv build dist *.egg-info demo tfrs_afm/kernels/*.so
