"""The library uses nothing that Spark Connect and serverless compute lack."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*(ROOT / "libs").rglob("*.py"), *(ROOT / "jobs").glob("*.py")])

# Attributes that exist on a classic session or DataFrame only, or that keep data on executors.
ATTRIBUTES = {
    "sparkContext", "_sc", "_jvm", "_jsc", "_jdf", "_jsparkSession", "_jsparkContext", "rdd", "parallelize",
    "broadcast", "accumulator", "persist", "unpersist", "cacheTable", "foreachPartition", "_gateway",
}  # fmt: skip
MODULES = (
    "pyspark.rdd",
    "pyspark.ml",
    "pyspark.mllib",
    "pyspark.context",
    "pyspark.broadcast",
    "pyspark.streaming",
    "py4j",
)
NAMES = {"SparkContext", "RDD", "Broadcast", "SQLContext", "HiveContext"}


def forbidden(text):
    """What a module uses that Connect lacks, as line and name."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute):
            # functools.cache is a decorator; only a call without arguments on something else caches a DataFrame.
            if node.attr in ATTRIBUTES or node.attr in NAMES:
                found.append((node.lineno, node.attr))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "getattr":
            found += [
                (node.lineno, a.value) for a in node.args[1:2] if isinstance(a, ast.Constant) and a.value in ATTRIBUTES
            ]
        elif isinstance(node, ast.Import):
            found += [(node.lineno, name.name) for name in node.names if name.name.startswith(MODULES)]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            found += [(node.lineno, module)] if module.startswith(MODULES) else []
            imported = [name.name for name in node.names if module.startswith("pyspark")]
            found += [(node.lineno, name) for name in imported if name in NAMES | {"broadcast"}]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "cache":
            on_functools = isinstance(node.func.value, ast.Name) and node.func.value.id == "functools"
            found += [] if on_functools else [(node.lineno, "cache")]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_uses_only_what_spark_connect_has(path):
    assert forbidden(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "spark.sparkContext.parallelize([1])",
        "rows = df.rdd.map(f)",
        "df.cache()",
        "df.persist(level)",
        "spark._jvm.System.gc()",
        "spark._jsparkSession",
        "F.broadcast(df)",
        "from pyspark.sql.functions import broadcast",
        "from pyspark import SparkContext",
        "from pyspark.ml.stat import Summarizer",
        "import py4j.java_gateway",
        "getattr(spark, 'sparkContext')",
    ],
)
def test_the_check_finds(line):
    assert forbidden(line)


@pytest.mark.parametrize(
    "line", ["np.broadcast_to(a, b)", "@functools.cache\ndef f(): ...", "cache = {}", "@cache\ndef f(): ..."]
)
def test_the_check_leaves_alone(line):
    assert forbidden(line) == []
