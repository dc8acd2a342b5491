"""Job `reproduce`: published figures of the data sets beside ours, and whether they agree."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple

import pandas as pd
import polars as pl
from pyspark.sql import DataFrame

from arenalake.lake import Derivation, derive
from arenalake.reproduction.compare import CANNOT, DIFFERS, MATCH, Origin, compare_figures, find_values, tables_of
from arenalake.reproduction.ledger import LLAMA_2_DIGEST
from arenalake.reproduction.ledgers import LEDGERS
from arenalake.reproduction.tables import REPRODUCTION
from arenalake.samples.corpora import is_generated
from arenalake.step import Context, StepResult
from arenalake.text.tokenizers import file_digest, tokenizer_keys


def run(context: Context) -> StepResult:
    """Compare what there is; a source whose format nobody published figures about is left out."""
    config, lake = context.config, context.lake
    llama_2 = find_llama_2(config.tokens.tokenizers)
    origins = [
        Origin(name, source.format, is_generated(lake, source.path), llama_2)
        for name, source in config.sources.items()
        if source.format in LEDGERS
    ]
    if not origins and not lake.exists(REPRODUCTION):
        told = "reproduce: no figures are published in the formats of these sources"
        return StepResult(lines=[told], lacks="records of a data set with published figures")
    inputs = tables_of(origins)

    def build(*frames: DataFrame) -> pl.DataFrame:
        values = find_values(dict(zip(inputs, frames, strict=True)), origins)
        return pl.DataFrame(compare_figures(origins, values), REPRODUCTION.no_rows.schema, orient="row")

    settings = {"origins": [astuple(origin) for origin in origins], "ledgers": repr(LEDGERS)}
    derive(lake, [Derivation(REPRODUCTION, inputs, build, settings)])
    found = lake.load(REPRODUCTION).sort("source", "place").to_pandas()
    lines = [line for origin in origins for line in lines_of(origin, found[found["source"] == origin.source])]
    metrics = {verdict.replace(" ", "_"): float((found["verdict"] == verdict).sum()) for verdict in (MATCH, DIFFERS)}
    # Which of our figures are small cells only the report knows, which sees all tables.
    return StepResult(lines=lines, metrics=metrics, tables={"reproduction": found.drop(columns=["ours", "reason"])})


def find_llama_2(specs: Sequence[str]) -> str | None:
    """The name in the tables of the tokenizer that published figures were counted with, known by its file's digest."""
    for key, spec in tokenizer_keys(specs).items():
        is_candidate = spec.startswith("spm:") and spec.endswith("+bos")
        if is_candidate and file_digest(spec) == LLAMA_2_DIGEST:
            return key
    return None


def lines_of(origin: Origin, figures: pd.DataFrame) -> list[str]:
    """What the job says of a source: how many published figures match, each that differs, reasons of the rest."""
    if origin.generated:
        return [
            f"reproduce: {origin.source}: generated data, so none of {len(figures)} published figures can be "
            "recomputed; the table shows our figures beside them"
        ]
    n = {verdict: int((figures["verdict"] == verdict).sum()) for verdict in (MATCH, DIFFERS, CANNOT)}
    lines = [
        f"reproduce: {origin.source}: of {len(figures)} published figures {n[MATCH]} match, {n[DIFFERS]} differ, "
        f"{n[CANNOT]} cannot be recomputed"
    ]
    lines += [
        f"reproduce: {origin.source}: {row.figure} ({row.citation}): published {row.published:,.10g}, "
        f"ours {row.ours:,.10g}{f' ({row.reason!s})' if row.reason else ''}"
        for row in figures[figures["verdict"] == DIFFERS].itertuples()
    ]
    reasons = Counter(str(reason) for reason in figures.loc[figures["verdict"] == CANNOT, "reason"])
    return lines + [
        f"reproduce: {origin.source}: {count} cannot be recomputed: {reason}" for reason, count in reasons.items()
    ]
