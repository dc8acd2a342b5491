"""The jobs `token_stats` and `moderation_stats` against plain Python on the same messages."""

import gzip
import json
import math
import random
from collections import Counter, defaultdict
from decimal import Decimal

import polars as pl
import pytest
from deltalake import DeltaTable
from polars.testing import assert_frame_equal
from pyspark.sql import functions as F
from scipy.stats import binomtest
from stored import folder_of

from arenalake.battles.counts import count_battles, count_days
from arenalake.battles.tables import BATTLE_COUNTS, VOLUME_STATS
from arenalake.config import parse_config
from arenalake.entities.moderation import CATEGORIES, column_suffix
from arenalake.entities.tables import BATTLES, CONVERSATIONS, MESSAGES
from arenalake.lake import Lake
from arenalake.lake.options import StorageConfig
from arenalake.moderation import job as moderation_stats
from arenalake.moderation.counts import count_patterns, count_scores
from arenalake.moderation.flags import sum_patterns
from arenalake.moderation.statistics import summarise_moderation
from arenalake.moderation.tables import (
    MODERATION_CURVES,
    MODERATION_PATTERNS,
    MODERATION_STATS,
    SCORE_COUNTS,
)
from arenalake.step import Context
from arenalake.text.messages import measure_conversations
from arenalake.tokens import job as token_stats
from arenalake.tokens.counts import count_lengths
from arenalake.tokens.tables import LENGTH_COUNTS, TOKEN_STATS
from frames import rows_of

GOLD = (LENGTH_COUNTS, TOKEN_STATS, SCORE_COUNTS, MODERATION_PATTERNS, MODERATION_STATS)
GOLD = (*GOLD, MODERATION_CURVES)
# Columns of counts that are no keys, beside those that are called n_… and sum_….
NUMBERS = {"n", "total"}
TAGS = ("any", *CATEGORIES)
TOKENIZERS = ["sample", "whitespace"]


def random_messages(seed, n):
    """Conversations of one to four turns in two sources, of which one has months; tags are missing here and there."""
    rng = random.Random(seed)
    rows = []
    for number in range(n):
        conversation = {
            "source": rng.choice(["arena", "chat"]),
            "conversation_id": f"c{seed}-{number}",
            "model": rng.choice(["m1", "m1", "m1", "m2", "m3"]),
            "language": rng.choice(["English", "English", "French", None]),
        }
        month = rng.choice(["2023-04", "2023-05"]) if conversation["source"] == "arena" else None
        tagged = rng.random() < 0.9
        for position in range(2 * rng.randint(1, 4)):
            tags = {"flagged": rng.random() < 0.1} if tagged and rng.random() < 0.95 else {}
            for category in CATEGORIES if tags else ():
                if rng.random() < 0.9:
                    tags[f"flag_{column_suffix(category)}"] = rng.random() < 0.05
                    score = rng.choice([0.0, 1.0, 10 ** rng.uniform(-11, 0), 10 ** rng.uniform(-3, 0)])
                    tags[f"score_{column_suffix(category)}"] = score
            row = {
                **dict.fromkeys(MESSAGES.column_names),
                **conversation,
                "file": "f",
                "position": position,
                "role": ("user", "assistant")[position % 2],
                "turn": position // 2 + 1,
                "month": month,
                "n_tokens": {"sample": int(rng.expovariate(0.02)), "whitespace": rng.randint(0, 3)},
                **dict.fromkeys(("n_chars", "n_headers", "n_list_items", "n_bold"), 1),
                **tags,
            }
            rows.append(row)
        describe_conversation(rows[-position - 1 :])
    return rows


def describe_conversation(messages):
    """What `measure` says of a conversation as a whole on its first message."""
    lengths = [message["n_tokens"] for message in messages]
    pattern = []
    for message in messages:
        code = ("user", "assistant").index(message["role"]) * 2**24
        for bit, flag in enumerate(["flagged", *(f"flag_{column_suffix(category)}" for category in CATEGORIES)]):
            if message[flag] is not None:
                code += 2 ** (12 + bit) + message[flag] * 2**bit
        pattern.append(code)
    in_all = {name: sum(length[name] for length in lengths) for name in lengths[0]}
    messages[0].update(turns=max(message["turn"] for message in messages), n_tokens_in_all=in_all, pattern=pattern)


def random_battles(seed, n):
    rng = random.Random(seed)
    rows = []
    for number in range(n):
        tags = {"flagged": rng.random() < 0.3, "categories": {"hate": True}, "category_scores": {"hate": rng.random()}}
        row = {
            "source": "arena",
            "file": "f",
            "battle_id": f"b{seed}-{number}",
            "model_a": "m1",
            "model_b": "m2",
            "winner": "tie",
            "judge_kind": "human",
            "language": rng.choice(["English", None]),
            "moderation": tags if rng.random() < 0.8 else None,
        }
        rows.append({column: row.get(column) for column in BATTLES.column_names})
    return rows


def summarised_moderation(messages, battles):
    """Columns of the table `moderation_stats`."""
    patterns = MODERATION_PATTERNS.in_memory(count_patterns(messages, battles))
    return summarise_moderation(SCORE_COUNTS.in_memory(count_scores(messages, battles)), patterns)


def as_tags(rows, battles=()):
    """(group of source, model, language and role; conversation; category; flag; score) of every message and battle."""
    for row in rows:
        group = (row["source"], row["model"], row["language"], row["role"])
        yield group, row["conversation_id"], "any", row["flagged"], None
        for category in CATEGORIES:
            suffix = column_suffix(category)
            yield group, row["conversation_id"], category, row[f"flag_{suffix}"], row[f"score_{suffix}"]
    for row in battles:
        group = (row["source"], None, row["language"], "battle")
        tags = row["moderation"] or {}
        yield group, row["battle_id"], "any", tags.get("flagged"), None
        for category in CATEGORIES:
            flag = (tags.get("categories") or {}).get(category)
            yield group, row["battle_id"], category, flag, (tags.get("category_scores") or {}).get(category)


ROWS, BATTLE_ROWS = random_messages(1, 150), random_battles(1, 40)


@pytest.fixture(scope="module")
def summarised(spark, tmp_path_factory):
    """A lake with both jobs done, and the context they ran in."""
    lake = Lake(spark, StorageConfig(root=str(tmp_path_factory.mktemp("corpus") / "lake")))
    lake.append(MESSAGES, spark.createDataFrame(ROWS, MESSAGES.ddl))
    lake.append(BATTLES, spark.createDataFrame(BATTLE_ROWS, BATTLES.ddl))
    context = Context(parse_config({"storage": {"root": lake.root}, "tokens": {"tokenizers": TOKENIZERS}}), lake)
    token_stats.run(context)
    moderation_stats.run(context)
    return context


def test_token_statistics_are_those_of_plain_python(summarised):
    groups = defaultdict(list)
    for row in ROWS:
        for grouping in ("all", "model", "language", "model,language", "turn", "month"):
            if grouping == "month" and row["source"] != "arena":
                continue  # no month anywhere in that source
            values = tuple(row[c] if c in grouping.split(",") else None for c in ("model", "language", "turn", "month"))
            for tokenizer, n in row["n_tokens"].items():
                groups[(row["source"], grouping, *values, row["role"], tokenizer)].append((row["conversation_id"], n))
    found = {
        tuple(row)[:8]: row for row in summarised.lake.read(TOKEN_STATS).select(*TOKEN_STATS.column_names).collect()
    }
    assert found.keys() == groups.keys()
    for key, messages in groups.items():
        row, lengths = found[key], sorted(n for _, n in messages)
        size, total = len(lengths), sum(lengths)
        assert row.n_conversations == len({conversation for conversation, _ in messages})
        assert (row.n_messages, row.total, row.min, row.max) == (size, total, lengths[0], lengths[-1])
        assert row["mean"] == total / size
        for p in (1, 5, 25, 50, 75, 95, 99):
            assert row[f"p{p}"] == lengths[-(-p * size // 100) - 1]
        if size == 1:
            assert row.sd is None
        else:
            squares = size * sum(n * n for n in lengths) - total * total
            assert row.sd == pytest.approx(math.sqrt(squares / (size * (size - 1))), rel=1e-14)


def test_score_counts_are_those_of_plain_python(summarised):
    sums, bins = defaultdict(lambda: [0, 0, 0, 0, Decimal(0)]), defaultdict(Counter)
    for group, _, category, flag, score in as_tags(ROWS, BATTLE_ROWS):
        key = (*group, category)
        for place, value in enumerate((1, flag is not None, flag is True, score is not None, Decimal(score or 0))):
            sums[key][place] += value
        if score is not None:
            bins[key][math.floor(100 * math.log10(score)) if score >= 1e-9 else -901] += 1
    found = {tuple(row)[:5]: row for row in summarised.lake.read(SCORE_COUNTS).collect()}
    assert found.keys() == sums.keys()
    for key, (*counts, sum_score) in sums.items():
        row = found[key]
        assert [row.n, row.n_labelled, row.n_flagged, row.n_scored] == counts
        assert float(row.sum_score) == pytest.approx(float(sum_score), rel=1e-12, abs=1e-16)
        assert list(zip(row.score_bins, row["counts"], strict=True)) == sorted(bins[key].items())


def conversations_by_group(grouping):
    """Flags and labels per conversation, and scores, for each group of a grouping, role and category."""
    flags = defaultdict(lambda: defaultdict(list))
    scores = defaultdict(list)
    for (source, model, language, role), conversation, category, flag, score in as_tags(ROWS, BATTLE_ROWS):
        key = (source, model if grouping == "model" else None, language if grouping == "language" else None)
        flags[(*key, role, category)][conversation].append(flag)
        if score is not None:
            scores[(*key, role, category)].append(score)
    return flags, scores


@pytest.mark.parametrize("grouping", ["all", "model", "language"])
def test_moderation_statistics_are_those_of_plain_python(summarised, grouping):
    flags, scores = conversations_by_group(grouping)
    rows = summarised.lake.read(MODERATION_STATS).where(F.col("grouping") == grouping).collect()
    key_of = ("source", "model", "language", "role", "category")
    found = {(*(row[c] for c in key_of), row.unit): row for row in rows}
    assert found.keys() == {(*key, unit) for key in flags for unit in ("message", "conversation")}
    for key, by_conversation in flags.items():
        labels = [[flag for flag in values if flag is not None] for values in by_conversation.values()]
        labels = [values for values in labels if values]
        n, n_flagged = sum(map(len, labels)), sum(map(sum, labels))
        message, conversation = found[(*key, "message")], found[(*key, "conversation")]
        assert (message.n, message.n_flagged) == (n, n_flagged)
        assert message.n_missing == sum(map(len, by_conversation.values())) - n
        assert (conversation.n, conversation.n_flagged) == (len(labels), sum(map(any, labels)))
        assert message.rate == (n_flagged / n if n else None)
        if labels:
            wilson = binomtest(conversation.n_flagged, conversation.n).proportion_ci(method="wilson")
            assert (conversation.ci_lower, conversation.ci_upper) == pytest.approx(tuple(wilson), abs=1e-12)
        if 0 < n_flagged < n and len(labels) > 1:
            rate = n_flagged / n
            residuals = sum((sum(values) - rate * len(values)) ** 2 for values in labels)
            variance = len(labels) / (len(labels) - 1) * residuals / n**2
            z = 1.959963984540054
            size = min(rate * (1 - rate) / variance, n)
            half = z * math.sqrt(rate * (1 - rate) / size + z * z / (4 * size * size)) / (1 + z * z / size)
            assert (message.ci_upper - message.ci_lower) / 2 == pytest.approx(half, rel=1e-9)
        ranked = sorted(scores[key])
        assert message.n_scored == len(ranked)
        if ranked:
            assert message.mean_score == pytest.approx(math.fsum(ranked) / len(ranked), rel=1e-12)
        else:
            assert message.mean_score is None
        for name, thousandths in (("p50", 500), ("p90", 900), ("p99", 990), ("p99_9", 999)):
            if not ranked:
                assert message[name] is None
                continue
            exact = ranked[-(-thousandths * len(ranked) // 1000) - 1]
            # Below 1e-9 all that is known is that.
            assert message[name] == (pytest.approx(exact, rel=0.012) if exact >= 1e-9 else 5e-10)


def test_curves_count_the_messages_at_or_above_each_threshold(summarised):
    _, scores = conversations_by_group("model")
    rows = summarised.lake.read(MODERATION_CURVES).where("grouping = 'model'").collect()
    assert len(rows) == 91 * sum(1 for values in scores.values() if values)
    for row in rows:
        ranked = scores[(row.source, row.model, None, row.role, row.category)]
        assert (row.n, row.n_above) == (len(ranked), sum(score >= row.threshold for score in ranked))
        assert row.share == row.n_above / row.n


def test_a_second_run_gives_no_table_a_new_version(summarised):
    lake = summarised.lake

    def versions():
        return [DeltaTable(str(folder_of(lake, table))).version() for table in GOLD]

    before = versions()
    lines = token_stats.run(summarised).lines + moderation_stats.run(summarised).lines
    assert versions() == before
    assert len(lines) == 8 + 5  # sources, roles and tokenizers; sources and roles, and the battles


def test_what_came_and_went_since_is_added_and_taken_away_as_if_all_were_counted(spark, tmp_path, caplog):
    storage = StorageConfig(root=str(tmp_path / "lake"))
    config = parse_config({"storage": {"root": storage.root}, "tokens": {"tokenizers": TOKENIZERS}})

    def run(lake):
        for job in (token_stats, moderation_stats):
            job.run(Context(config, lake))
        return {table.name: lake.load(table) for table in GOLD}

    lake, old = Lake(spark, storage), random_messages(2, 30)
    lake.append(MESSAGES, spark.createDataFrame(old, MESSAGES.ddl))
    lake.append(BATTLES, spark.createDataFrame(random_battles(2, 10), BATTLES.ddl))
    before = run(lake)
    lake.append(MESSAGES, spark.createDataFrame(random_messages(3, 20), MESSAGES.ddl))
    gone = spark.createDataFrame(old[:20], MESSAGES.ddl)
    lake.delete(MESSAGES, gone, on=("source", "conversation_id"))
    with caplog.at_level("INFO", logger="arenalake.lake"):
        added = run(Lake(spark, storage))
    followed = {record.table for record in caplog.records if record.getMessage() == "changes of its inputs added"}
    assert followed == {"length_counts", "score_counts", "moderation_patterns"}
    counted = run(Lake(spark, storage, rebuild=True))
    for name, rows in added.items():
        assert not rows.equals(before[name])
        assert_frame_equal(rows, counted[name], check_exact=True)


def test_counts_of_two_halves_add_up_to_the_counts_of_the_whole(spark):
    """However the conversations and battles are split, and for every table of counts."""

    def counts(messages, battles):
        patterns = MODERATION_PATTERNS.in_memory(count_patterns(messages, battles))
        lengths = LENGTH_COUNTS.in_memory(count_lengths(messages, tokenizers=TOKENIZERS))
        scores = SCORE_COUNTS.in_memory(count_scores(messages, battles))
        return [
            lengths.drop("lengths", "counts"),
            lengths.select(*LENGTH_COUNTS.key, "lengths", n="counts").explode("lengths", "n"),
            scores.drop("score_bins", "counts"),
            scores.select(*SCORE_COUNTS.key, "score_bins", n="counts").explode("score_bins", "n").drop_nulls("n"),
            patterns,
            sum_patterns(patterns),
            BATTLE_COUNTS.in_memory(count_battles(battles)),
            VOLUME_STATS.in_memory(count_days(battles)),
        ]

    messages, battles = spark.createDataFrame(ROWS, MESSAGES.ddl), spark.createDataFrame(BATTLE_ROWS, BATTLES.ddl)
    # Three splits at random, each a source of its own; the halves of a split are two more sources.
    splits = F.explode(F.sequence(F.lit(0), F.lit(2)))

    def sources(rows, key):
        rows = rows.withColumn("split", splits)
        half = F.pmod(F.xxhash64("split", key), F.lit(2))
        whole = F.concat_ws("#", "source", F.col("split").cast("string"))
        both = [rows.withColumn("source", name) for name in (whole, F.concat_ws("#", whole, half.cast("string")))]
        return [one.drop("split") for one in both]

    for whole, parts in zip(
        *(
            counts(of_messages, of_battles)
            for of_messages, of_battles in zip(
                sources(messages, "conversation_id"), sources(battles, "battle_id"), strict=True
            )
        ),
        strict=True,
    ):
        numbers = [c for c in whole.columns if c in NUMBERS or c.startswith(("n_", "sum_"))]
        keys = [c for c in whole.columns if c not in numbers]
        merged = parts.with_columns(pl.col("source").str.replace("#[01]$", ""))
        added = merged.group_by(keys).agg(pl.col(numbers).sum()).select(whole.columns)
        assert_frame_equal(added.sort(keys), whole.sort(keys), check_exact=True)
        assert len(parts) > len(whole), "the halves share cells, so there was something to add up"


def test_the_same_statistics_come_from_one_partition_and_from_seven(spark, summarised):
    lake = summarised.lake
    messages, battles = lake.read(MESSAGES).repartition(7), lake.read(BATTLES).repartition(7)
    before = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", "7")
    try:
        again = MODERATION_STATS.conform_frame(summarised_moderation(messages, battles))
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before)
    stored = MODERATION_STATS.conform_frame(lake.load(MODERATION_STATS))
    assert_frame_equal(pl.DataFrame(again), pl.DataFrame(stored), check_exact=True)


def test_categories_that_real_labels_leave_out_are_missing_and_not_false(spark, real_data):
    names = {
        "S": "sexual",
        "H": "hate",
        "V": "violence",
        "HR": "harassment",
        "SH": "self-harm",
        "S3": "sexual/minors",
        "H2": "hate/threatening",
        "V2": "violence/graphic",
    }
    content = gzip.decompress((real_data / "openai_moderation" / "samples-1680.jsonl.gz").read_bytes())
    records = [json.loads(line) for line in content.splitlines()]
    rows = []
    for number, record in enumerate(records):
        flags = {names[key]: bool(value) for key, value in record.items() if key in names}
        row = {
            "source": "moderation",
            "file": "f",
            "conversation_id": str(number),
            "model": "none",
            "messages": [{"role": "user", "content": record["prompt"]}],
            "moderation": [{"categories": flags}],
        }
        rows.append({column: row.get(column) for column in CONVERSATIONS.column_names})
    conversations = spark.createDataFrame(rows, CONVERSATIONS.ddl).repartition(2)
    messages = measure_conversations(conversations, tokenizers=["whitespace"])
    battles = spark.createDataFrame([], BATTLES.ddl)
    stats = rows_of(MODERATION_STATS, summarised_moderation(messages, battles))
    found = {row.category: row for row in stats if row.grouping == "all" and row.unit == "message"}
    assert found.keys() == set(TAGS)
    for key, name in names.items():
        present = [record[key] for record in records if key in record]
        assert 0 < len(present) < len(records)
        row = found[name]
        assert (row.n, row.n_missing, row.n_flagged) == (len(present), len(records) - len(present), sum(present))
    assert (found["any"].n, found["any"].n_missing, found["any"].rate) == (0, len(records), None)
