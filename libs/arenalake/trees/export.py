"""Job `export`: threads and pairs of ranked answers with their texts, in the forms that trainers read."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl
from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from arenalake.config import Config
from arenalake.entities.columns import PROMPTER
from arenalake.entities.tables import SOURCE_TERMS, TREE_MESSAGES
from arenalake.errors import CallerError, ConfigError
from arenalake.lake import Lake
from arenalake.lake.fingerprint import Fingerprint
from arenalake.lake.table import Table
from arenalake.paths import local_path
from arenalake.samples.corpora import is_generated
from arenalake.samples.folders import SAYS_NOTHING
from arenalake.step import Context, StepResult
from arenalake.trees.options import ExportConfig
from arenalake.trees.tables import THREADS, TREE_NODES, TREE_PAIR_STATS, TREE_PAIRS, TREE_STATS

# Shares are whole parts of this.
_PARTS = 1 << 40
_MESSAGE = "struct<role:string,content:string>"
_FORMS = {
    "preference": "a prompt as a list of messages, with a better and a worse answer to it (TRL: conversational "
    "preference data with an explicit prompt)",
    "messages": "a thread as a list of messages, ending with an answer (TRL: conversational language modelling)",
    "votes": "a pair of ranked answers as a vote between their authors, for a source of the format `votes`",
}
_GENERATED = "generated sample data"
# The licence whose text, as it demands, goes with the files.
_APACHE = "Apache-2.0"
# Beside the files: what they were made of.
_RECORD = "export.json"
_INPUTS = (TREE_MESSAGES, TREE_NODES, TREE_PAIRS, TREE_PAIR_STATS, THREADS)
_IDS = {"preference": ("chosen_id", "rejected_id"), "messages": ("thread_id",), "votes": ("battle_id",)}


def run(context: Context) -> StepResult:
    """Write a folder for each source that has trees, over what an earlier export left there.

    A folder stays as it is where neither tables nor options have changed since it was written.

    Raises:
        ConfigError: there is no place for the files.
        CallerError: threads and pairs are not those of the messages that there are.
    """
    lake, export = context.lake, context.config.export
    root = _folder(context)
    result = StepResult()
    terms = {row["source"]: row for row in lake.load(SOURCE_TERMS).iter_rows(named=True)}
    with_trees = _sources_with_trees(lake)
    for source in export.only or sorted(with_trees):
        refusal = _refusal(source, terms, with_trees)
        if refusal:
            result.errors.append(ConfigError(f"export.only: {refusal}"))
            continue
        folder = f"{root}/{source}"
        settings = context.config.sources.get(source)
        generated = settings is not None and is_generated(lake, settings.path)
        made_of = _fingerprint(lake, terms[source] | {"generated": generated}, export)
        if not lake.rebuild and _is_made_of(lake, folder, made_of, export.forms):
            result.lines.append(f"export: {source}: nothing has changed since {folder} was written")
            continue
        _write_text(lake, folder, _RECORD, "")  # of files that are half written, nothing is to be believed
        counts: dict[str, list[dict[str, Any]]] = {
            form: _write(lake, f"{folder}/{form}", source, form, export) for form in export.forms
        }
        stats = lake.load(TREE_PAIR_STATS).filter(pl.col("source") == source)
        text = readme(terms[source], counts, stats, export, generated=generated)
        _write_text(lake, folder, "README.md", text)
        if terms[source]["licence"] == _APACHE and not generated:
            licence = files("arenalake.trees") / "apache-2.0.txt"
            _write_text(lake, folder, "LICENSE", licence.read_text(encoding="utf-8"))
        if "votes" in counts and not counts["votes"]:
            # Without a record: the next run tells it again.
            result.errors.append(CallerError(f"export: {source}: {_why_no_votes(context.config)}"))
        else:
            _write_text(lake, folder, _RECORD, json.dumps({"made_of": made_of}) + "\n")
        for form, rows in counts.items():
            n = {split: sum(row["n"] for row in rows if row["split"] == split) for split in ("train", "test")}
            result.lines.append(
                f"export: {source}: {form}: {n['train']:,} for training and {n['test']:,} held out in "
                f"{folder}/{form} ({_GENERATED if generated else terms[source]['licence']})"
            )
    if not result.lines and not result.errors:
        return StepResult(lines=["export: no source has conversation trees"], lacks="conversation trees")
    return result


def _sources_with_trees(lake: Lake) -> set[str]:
    """Sources that have messages of trees, where `tree_stats` has counted each of these messages.

    Raises:
        CallerError: it has not.
    """
    n_messages = dict(lake.count_values([TREE_MESSAGES], ["source"]).select("value", "n").iter_rows())
    if not n_messages:
        return set()
    overall = lake.load(TREE_STATS).filter(pl.col("grouping") == "all")
    n_counted = dict(overall.select("source", "n_messages").iter_rows())
    if n_messages != n_counted or not all(lake.exists(table) for table in _INPUTS):
        raise CallerError(
            f"export: there are {sum(n_messages.values()):,} messages in trees, but tree_stats counts "
            f"{sum(n_counted.values()):,}; run the job tree_stats first"
        )
    return set(n_messages)


def _why_no_votes(config: Config) -> str:
    if config.export.players == "kind" and not config.trees.keep_synthetic:
        return (
            "no votes: export.players is kind, so models and people are compared, but trees.keep_synthetic is false, "
            "so what models wrote is left out; set it to true and run tree_stats, or set export.players to author"
        )
    return "no votes: no two answers with different ranks to the same message are known to be by different players"


def _folder(context: Context) -> str:
    path, root = context.config.export.path, context.config.storage.root
    if path is None and root is None:
        raise ConfigError("export.path: is not set, and has no default without storage.root; give a folder")
    chosen = path if path is not None else f"{str(root).rstrip('/')}/export"
    return (local_path(chosen) or chosen).rstrip("/")


def _fingerprint(lake: Lake, terms: dict[str, Any], export: ExportConfig) -> str | None:
    """What is equal as long as an export would write the same."""
    options = export.model_dump(mode="json", exclude={"path", "only"})
    inputs = {table.name: lake.state_of(table) for table in _INPUTS if lake.exists(table)}
    return Fingerprint.of({"options": options, "terms": terms}, "", inputs).state.derived


def _is_made_of(lake: Lake, folder: str, made_of: str | None, forms: Sequence[str]) -> bool:
    """Whether the record in the folder says so, and its files are there as far as this machine can see."""
    if _read_text(lake, folder, _RECORD) != json.dumps({"made_of": made_of}) + "\n":
        return False
    local = local_path(folder)
    parts = [f"{kind}/{split}/_SUCCESS" for kind in ("parquet", "jsonl") for split in ("train", "test")]
    return local is None or all((Path(local) / form / part).exists() for form in forms for part in parts)


def _refusal(source: str, terms: dict[str, dict[str, Any]], with_trees: set[str]) -> str | None:
    """Why a source cannot be exported."""
    if source not in terms:
        return f"{source} was never ingested; known: {', '.join(sorted(terms)) or 'none'}"
    if not terms[source]["text_may_be_shared"]:
        return f"{source} is not exported: its licence ({terms[source]['licence']}) forbids redistribution of its text"
    return None if source in with_trees else f"{source} has no conversation trees"


def _write(lake: Lake, folder: str, source: str, form: str, export: ExportConfig) -> list[dict[str, Any]]:
    """Write one form of a source as parquet and JSON lines; rows by split and language."""

    def read(table: Table) -> DataFrame:
        return lake.read(table).where(F.col("source") == source)

    if form == "preference":
        rows = with_texts_of_pairs(read(TREE_PAIRS), read(TREE_NODES), read(TREE_MESSAGES))
    elif form == "messages":
        rows = with_texts_of_threads(read(THREADS), read(TREE_MESSAGES))
    else:
        rows = as_votes(read(TREE_PAIRS), read(TREE_MESSAGES), players=export.players, seed=export.seed)
    # Votes train nothing.
    in_test = F.lit(False) if form == "votes" else is_held_out(export.test_share, export.seed)
    counts: list[dict[str, Any]] = []
    for split, where in (("train", ~in_test), ("test", in_test)):
        part = rows.where(where).drop("source").orderBy("message_tree_id", *_IDS[form])
        part.write.mode("overwrite").parquet(f"{folder}/parquet/{split}")
        written = lake.spark.read.schema(part.schema).parquet(f"{folder}/parquet/{split}")
        # Every row has the same keys: a null says that nothing is known.
        written.write.mode("overwrite").option("ignoreNullFields", False).json(f"{folder}/jsonl/{split}")
        by_language = written.groupBy("language").agg(F.count("*").alias("n")).collect()
        counts += [{"split": split, "language": row["language"], "n": row["n"]} for row in by_language]
    return counts


def is_held_out(share: float, seed: int) -> Column:
    """Whether a tree is held out: a function of seed, source and message_tree_id, so all of a tree is on one side."""
    drawn = F.pmod(F.xxhash64(F.lit(seed), "source", "message_tree_id"), F.lit(_PARTS))
    return drawn < F.lit(round(share * _PARTS))


def with_texts_of_threads(threads: DataFrame, messages: DataFrame) -> DataFrame:
    """Threads with their texts.

    Args:
        threads: columns of the table `threads`.
        messages: columns of the table `tree_messages`.

    Returns:
        source, message_tree_id, thread_id, language, messages (role: user or assistant, and content).
    """
    texts = _texts(threads.select("source", F.col("thread_id").alias("id"), "path"), messages)
    named = texts.withColumnsRenamed({"id": "thread_id", "texts": "messages"})
    rows = threads.select("source", "message_tree_id", "thread_id", "language")
    return rows.join(named, ["source", "thread_id"]).select(
        "source", "message_tree_id", "thread_id", "language", "messages"
    )


def with_texts_of_pairs(pairs: DataFrame, nodes: DataFrame, messages: DataFrame) -> DataFrame:
    """Pairs with their texts.

    Args:
        pairs: columns of the table `tree_pairs`.
        nodes: columns of the table `tree_nodes`.
        messages: columns of the table `tree_messages`.

    Returns:
        source, message_tree_id, chosen_id, rejected_id, language, rank_distance, and prompt, chosen and rejected as
        lists of messages (role: user or assistant, and content).
    """
    parents = pairs.select("source", F.col("parent_id").alias("message_id")).distinct()
    paths = parents.join(nodes.select("source", "message_id", "path"), ["source", "message_id"])
    # Written out once for each message that is answered, not for each pair.
    prompts = _texts(paths.select("source", F.col("message_id").alias("id"), "path"), messages)
    rows = pairs.join(prompts.withColumnsRenamed({"id": "parent_id", "texts": "prompt"}), ["source", "parent_id"])
    for side in ("chosen", "rejected"):
        answer = F.array(F.struct(F.lit("assistant").alias("role"), F.col("text").alias("content")).cast(_MESSAGE))
        texts = messages.select("source", F.col("message_id").alias(f"{side}_id"), answer.alias(side))
        rows = rows.join(texts, ["source", f"{side}_id"])
    return rows.select(
        "source",
        "message_tree_id",
        "chosen_id",
        "rejected_id",
        "language",
        "rank_distance",
        "prompt",
        "chosen",
        "rejected",
    )


def as_votes(pairs: DataFrame, messages: DataFrame, *, players: str, seed: int) -> DataFrame:
    """Pairs as votes between those who wrote the answers, in the columns that the format `votes` looks for.

    Args:
        pairs: columns of the table `tree_pairs`.
        messages: columns of the table `tree_messages`.
        players: `kind` for models and `human`, `author` for people by their pseudonyms.
        seed: with the ids it decides which answer is the first one.

    Returns:
        source, message_tree_id, battle_id, question_id (the message that both answer), model_a, model_b, winner,
        language. Pairs whose answers are by the same player, or by somebody unknown, are left out.
    """
    kind = F.coalesce("model", F.when(F.col("synthetic"), "unknown").when(~F.col("synthetic"), "human"))
    player = kind if players == "kind" else F.col("user_id")
    rows = pairs
    for side in ("chosen", "rejected"):
        named = messages.select("source", F.col("message_id").alias(f"{side}_id"), player.alias(side))
        rows = rows.join(named, ["source", f"{side}_id"])
    is_first = F.pmod(F.xxhash64(F.lit(seed), "chosen_id", "rejected_id"), F.lit(2)) == 0
    return rows.where("chosen <> rejected").select(
        "source",
        "message_tree_id",
        F.concat_ws("/", "chosen_id", "rejected_id").alias("battle_id"),
        F.col("parent_id").alias("question_id"),
        F.when(is_first, F.col("chosen")).otherwise(F.col("rejected")).alias("model_a"),
        F.when(is_first, F.col("rejected")).otherwise(F.col("chosen")).alias("model_b"),
        F.when(is_first, "model_a").otherwise("model_b").alias("winner"),
        "language",
    )


def _texts(paths: DataFrame, messages: DataFrame) -> DataFrame:
    """Paths (source, id, path) as source, id, texts: messages by user and assistant in the order of the path."""
    role = F.when(F.col("role") == PROMPTER, "user").otherwise("assistant")
    said = messages.select("source", "message_id", role.alias("role"), F.col("text").alias("content"))
    places = paths.select("source", "id", F.posexplode("path").alias("place", "message_id"))
    joined = places.join(said, ["source", "message_id"])
    in_order = F.sort_array(F.collect_list(F.struct("place", "role", "content")))
    texts = F.transform(in_order, lambda one: F.struct(one["role"].alias("role"), one["content"].alias("content")))
    return joined.groupBy("source", "id").agg(texts.cast(f"array<{_MESSAGE}>").alias("texts"))


def readme(
    terms: dict[str, Any],
    counts: Mapping[str, Sequence[Mapping[str, Any]]],
    stats: pl.DataFrame,
    export: ExportConfig,
    *,
    generated: bool,
) -> str:
    """What the folder of a source says of its files, as Markdown.

    Args:
        terms: a row of the table `source_terms`.
        counts: for each form, rows (n) by split and language.
        stats: rows of the table `tree_pair_stats` about this source.
        export: what the files were written by.
        generated: whether the records are those of the job `generate`, which no published licence or citation is about.
    """
    if generated:
        lines = [
            "# Generated sample data",
            "",
            f"- The records of {terms['source']} are generated in the format `{terms['format']}`, votes and texts "
            f"included. {SAYS_NOTHING} Do not train on them.",
        ]
    else:
        lines = [
            f"# {terms['title']}",
            "",
            f"- Licence: {terms['licence']}. It holds for these files too.",
            f"- Cite: {terms['citation'] or 'as stated by whoever gave the data'}",
            *([f"- Published at {terms['url']}"] if terms["url"] else []),
        ]
    split = [f"`{form}`" for form in counts if form != "votes"]
    if split:
        lines.append(
            f"- Of {' and '.join(split)}, a share of {export.test_share:g} of the trees is held out "
            f"(seed {export.seed}); no tree is in both parts."
        )
    if "votes" in counts:
        lines.append("- Of `votes`, nothing is held out.")
    lines.append("")
    for form, rows in counts.items():
        lines += [f"## {form}", "", f"Each row is {_FORMS[form]}.", "", "| language | train | test |", "|---|---|---|"]
        n = {(row["language"], row["split"]): row["n"] for row in rows}
        of_language = {language: sum(row["n"] for row in rows if row["language"] == language) for language, _ in n}
        for language in sorted(of_language, key=lambda one: (-of_language[one], one or "")):
            train, test = (n.get((language, part), 0) for part in ("train", "test"))
            lines.append(f"| {language or 'none given'} | {train:,} | {test:,} |")
        lines.append("")
    overall = stats.filter(pl.col("grouping") == "all")
    if len(overall):
        row = overall.row(0, named=True)
        lines += [
            f"Of all pairs the better answer is longer in {row['n_longer']:,} and shorter in {row['n_shorter']:,}; a "
            f"model's answer beats a person's in {row['n_model_wins']:,} and loses to one in {row['n_person_wins']:,}; "
            f"both are by one person in {row['n_same_author']:,}. The better answers are by {row['n_authors']:,} known "
            "authors. The last column is the share of their better answers, one a pair, that the busiest 1 % of these "
            "authors wrote.",
            "",
            "| language | pairs | better is longer | better is shorter | model wins | person wins | by one person | "
            "authors | busiest 1 % |",
            "|---|---|---|---|---|---|---|---|---|",
            _bias("all", row),
        ]
        languages = stats.filter(pl.col("grouping") == "language")
        for row in languages.sort("n_pairs", "language", descending=[True, False]).iter_rows(named=True):
            lines.append(_bias(row["language"] or "none given", row))
        lines.append("")
    return "\n".join(lines)


def _bias(name: str, row: Mapping[str, Any]) -> str:
    counts = ("n_pairs", "n_longer", "n_shorter", "n_model_wins", "n_person_wins", "n_same_author", "n_authors")
    share = row["busiest_share"]
    cells = [*[f"{row[count]:,}" for count in counts], "" if share is None else f"{100 * share:.1f} %"]
    return f"| {name} | {' | '.join(cells)} |"


def _write_text(lake: Lake, folder: str, name: str, text: str) -> None:
    local = local_path(folder)
    if local is not None:
        Path(local).mkdir(parents=True, exist_ok=True)
        (Path(local) / name).write_text(text, encoding="utf-8")
    else:  # where only Spark can write, as a folder with one file
        rows = lake.spark.createDataFrame([(text.removesuffix("\n"),)], "value string").coalesce(1)
        rows.write.mode("overwrite").text(f"{folder}/{name}")


def _read_text(lake: Lake, folder: str, name: str) -> str | None:
    """What `_write_text` wrote there, of at most one line; None where it wrote nothing."""
    local = local_path(folder)
    if local is not None:
        file = Path(local) / name
        return file.read_text(encoding="utf-8") if file.is_file() else None
    try:
        rows = lake.spark.read.text(f"{folder}/{name}").collect()
    except AnalysisException:
        return None
    return "".join(f"{row['value']}\n" for row in rows)
