# `make run` and `make test` are all a newcomer needs: each first installs what is missing into .venv.

.PHONY: setup run test test-slow test-spark lint notebooks package package-env clean

CONFIG ?= conf/local.yml
VENV_PYTHON = JAVA_HOME="$$(cat .venv/java_home)" .venv/bin/python

setup:
	@.ci/setup

# Generate the sample corpora (votes too, as every leaderboard says), run every job on them, print the leaderboard and where
# the report is.
run: setup
	$(VENV_PYTHON) jobs/pipeline.py --config $(CONFIG) $(ARGS)

test: setup
	$(VENV_PYTHON) -m pytest -n 2 --dist loadfile $(ARGS)

# What takes longer: clusters, Spark Connect, packages in empty environments.
test-slow: setup
	$(VENV_PYTHON) -m pytest -m slow $(ARGS)

# The tests on an older Spark with its Delta Lake, in an environment of their own: make test-spark SPARK=4.0
test-spark: setup
	@.ci/test-spark "$(SPARK)" $(ARGS)

lint: setup
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m mypy libs jobs

# The notebooks again, outputs included, from the lakes of `make run CONFIG=conf/studies.yml` and, with style control, of
# `make run ARGS='--set ratings.methods=[bradley_terry,style_control]'`.
notebooks: setup
	$(VENV_PYTHON) notebooks/execute.py

# The wheel, and the zip for spark-submit's --py-files (which takes no wheel).
package: setup
	@.ci/package

# The third-party packages for machines that lack them, for spark-submit's --archives.
package-env: package
	@.ci/package env

# Build results and caches. The lake and the raw data stay: they may hold more than the samples.
clean:
	rm -rf build dist spark-warehouse metastore_db derby.log .pytest_cache .hypothesis .mypy_cache .ruff_cache
