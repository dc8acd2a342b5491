"""What a name, an id or a label is, whatever it was exported by."""

import pytest
from pyspark.sql import functions as F

from arenalake.sources.names import clean_name, filled, filled_name, name_of

NAMES = {
    "81": "81",
    "81.0": "81",
    "81.00": "81",
    "81.5": "81.5",
    "-0.0": "0",
    "8.1e+01": "81",
    "8.1E1": "81",
    "1.2345678901E10": "12345678901",
    "1e+3": "1000",
    "1e3": "1e3",  # the start of a checksum
    "12e4567": "12e4567",
    "9.1E18": "9100000000000000000",
    "9.007199254740994e+15": "9007199254740994",
    "9.3E18": "9.3E18",  # no whole number of 64 bits
    "8.15e0": "8.15e0",
    "gpt-4.0": "gpt-4.0",
    "  gpt 4\t": "gpt 4",
    "\u00a0gpt\u200b\r\n": "gpt",
    "\x00\u00adgpt\u00ad": "gpt",
    "\ufeff": None,
    "": None,
    "NaN": None,
    "nan": None,
    "-inf": None,
    "+Infinity": None,
    "nano": "nano",
    "é": "é",
    " é": "é",
}


def test_names_are_the_same_however_they_were_exported(spark):
    df = spark.createDataFrame([(text,) for text in NAMES], "text string")
    read = df.select("text", name_of(filled_name(F.col("text"))).alias("name"))
    found = {row["text"]: row["name"] for row in read.collect()}
    assert found == NAMES


def test_the_fast_way_to_trim_a_name_gives_what_the_other_gives(spark):
    df = spark.createDataFrame([(text,) for text in [*NAMES, None, "!", "~", "\x7f", " \u3000x"]], "text string")
    both = df.select(filled_name(F.col("text")).alias("fast"), filled(F.col("text")).alias("plain")).collect()
    assert [row["fast"] for row in both] == [row["plain"] for row in both]


def test_nan_is_a_language(spark):
    df = spark.createDataFrame([("nan",), ("NaN",)], "text string")
    assert [row[0] for row in df.select(name_of(F.col("text"), is_language=True)).collect()] == ["nan", None]


@pytest.mark.parametrize(("text", "name"), [(" 1.0\r", "1"), ("left", "left"), ("\u00adtie ", "tie")])
def test_labels_of_the_configuration_are_cleaned_like_those_of_files(text, name):
    assert clean_name(text) == name
