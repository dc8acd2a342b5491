"""Package `arenalake` from `libs/`. Each dependency says why it is here."""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = next(
    line.split('"')[1]
    for line in (ROOT / "libs/arenalake/__init__.py").read_text(encoding="utf-8").splitlines()
    if line.startswith("__version__")
)

LOCAL = [
    "pyspark>=4.0,<4.3",  # the engine; a cluster brings its own, so it is an extra
    "delta-spark>=4.0,<4.5,!=4.4.1",  # Delta tables for local mode; 4.4.1 has no jar to go with it
]
REPORT = [
    "plotly>=6,<8",  # figures that work from file:// and on a phone
    "jinja2>=3.1,<4",  # HTML templates with automatic escaping
]
NOTEBOOK = [
    "matplotlib>=3.8",  # the report's figures as images, which are seen where no script runs
    "pillow>=10",  # pictures in notebooks with few colours, at a third of their size; matplotlib brings it
    "ipykernel>=6.29",  # runs a notebook
    "nbclient>=0.10",  # executes the notebooks for `make notebooks` and the tests
]
TEST = [
    *NOTEBOOK,
    "pytest>=8",  # test runner
    "pytest-xdist>=3.6",  # two sessions at a time: one core plans a small job while the other is idle
    "pytest-timeout>=2.3",  # a hung Spark job fails its test instead of the build
    "hypothesis>=6.100",  # properties over generated cases
    "evalica>=0.4.2",  # independent ratings to compare with
    "choix>=0.4.1",  # independent ratings to compare with
    "krippendorff>=0.8",  # independent alpha to compare with
    "scikit-learn>=1.5",  # independent kappa to compare with
    "numpyro>=0.15",  # independent fits of preferences to compare with, by the sampler that the authors used
    "duckdb>=1.1",  # independent counts to compare with; reads the results without Spark
    "datasets>=3",  # loads what is exported, as trainers do
    "moto[s3]>=5",  # an S3 server on loopback; it runs on Flask, which MLflow brings
    "playwright>=1.50",  # drives the Chromium of the machine, to look at pages of the report as readers do
    "axe-playwright-python>=0.1.4",  # the accessibility checker axe in that browser
    "pyspark[connect]>=4.0,<4.3",  # a client of Spark Connect, which is all that serverless compute gives
]
DEV = [
    "ruff>=0.8",  # lint and format
    "mypy>=1.13",  # static types
    "types-PyYAML",  # types of a dependency
    "pandas-stubs",  # types of a dependency
    "venv-pack",  # packs the environment for spark-submit --archives
]

setup(
    name="arenalake",
    version=VERSION,
    description="Conversation and preference corpora for language models, counted once on Spark, kept in Delta tables",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8") if (ROOT / "README.md").exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    package_dir={"": "libs"},
    packages=find_packages("libs"),
    package_data={"arenalake": ["report/templates/*", "app/log4j2.properties", "trees/apache-2.0.txt", "py.typed"]},
    install_requires=[
        "pydantic>=2.7,<3",  # typed configuration with clear errors
        "pyyaml>=6",  # configuration files
        "numpy>=1.26,<3",  # the numbers
        "scipy>=1.11,<2",  # sparse graphs, special functions
        "numba>=0.61",  # compiles loops that have no array form: words, Markdown, Elo, style control
        "threadpoolctl>=3.1",  # one BLAS thread per task, so that sums round the same on any machine
        "pandas>=2.2,<3",  # what applyInPandas hands over; PySpark 4.2 warns on 3
        "pyarrow>=16",  # what mapInArrow hands over; a report into a bucket
        "polars>=1.24,<3",  # statistics on frames in memory: Spark's expressions without Spark's second per plan
        "deltalake>=1.0,<2",  # small tables in milliseconds, where Spark takes seconds
        "filelock>=3.12",  # one writer at a time on a local lake
        "click>=8.1,<9",  # the command `arenalake`: subcommands, help, hints at misspelt options; needs nothing else
        "rich>=13",  # progress display and leaderboard in a terminal
        "mlflow>=2.16,<4",  # the record of each run
        "sentencepiece>=0.2",  # token counts as published
        "mistral-common>=1.5,<2",  # ships the sample tokenizer, so that nothing has to be downloaded
        "tiktoken>=0.7",  # token counts for OpenAI's vocabularies
        "tokenizers>=0.19",  # token counts for Hugging Face tokenizer files
        "langdetect>=1.0.9,<2",  # language of conversations that a source does not label
        "pycld2>=0.42,<1",  # the detector that published language tags came from
        "babel>=2.12,<3",  # names of languages from CLDR, where the published names come from
    ],
    entry_points={"console_scripts": ["arenalake=arenalake.app.cli:main"]},
    extras_require={
        "local": LOCAL,
        "report": REPORT,
        "notebook": NOTEBOOK,
        "test": [*LOCAL, *REPORT, *TEST],
        "dev": [*LOCAL, *REPORT, *TEST, *DEV],
    },
)
