"""Every count and mean of the jobs against plain Python on the raw files: generated corpora, and real texts and labels.

Nothing here calls the library's own measuring or counting: raw records are read with pyarrow and json, tokens are
counted by sentencepiece text by text, and tables are what loops add up to.
"""

import datetime as dt
import gzip
import itertools
import json
import math
from collections import Counter, defaultdict
from importlib.resources import files

import pyarrow.parquet as pq
import pytest
from same_tables import configuration, corpus_settings
from sentencepiece import SentencePieceProcessor

from arenalake.app.runner import run_steps
from arenalake.battles.tables import BATTLE_COUNTS, PAIR_STATS, VOLUME_STATS
from arenalake.entities.tables import MESSAGES
from arenalake.lake import Lake
from arenalake.moderation.tables import (
    MODERATION_ANSWERS,
    MODERATION_CONVERSATIONS,
    MODERATION_COOCCURRENCE,
    MODERATION_TURNS,
    SCORE_COUNTS,
    TOXICITY_AGREEMENT,
)
from arenalake.reproduction.tables import REPRODUCTION
from arenalake.tokens.tables import CONVERSATION_TOKEN_STATS, LENGTH_COUNTS, TOKEN_STATS

JOBS = ["ingest", "measure", "token_stats", "moderation_stats", "battle_stats", "reproduce"]
CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
# How the real labels call eight of them.
SHORT_NAMES = {
    "S": "sexual",
    "H": "hate",
    "V": "violence",
    "HR": "harassment",
    "SH": "self-harm",
    "S3": "sexual/minors",
    "H2": "hate/threatening",
    "V2": "violence/graphic",
}
PERCENTILES = (1, 5, 25, 50, 75, 95, 99)


def lines_of(path):
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def real_records(folder):
    """Real texts and labels as records of LMSYS-Chat-1M's format; keys that a label lacks are absent."""
    names = {row["id"]: row["name"] for row in lines_of(folder / "llmfao" / "models.jsonl")}
    for row in lines_of(folder / "llmfao" / "pairs-crowd.jsonl.gz"):
        for side in "xy":
            texts, model = [row["text"], row[f"result_{side}"]], names.get(row[f"model_{side}"], "other")
            yield f"llmfao-{row['id']}{side}", str(model), None, texts, None
    questions = {row["question_id"]: row["turns"] for row in lines_of(folder / "mt_bench" / "question.jsonl")}
    for path in sorted((folder / "mt_bench" / "answers").iterdir()):
        for row in lines_of(path):
            turns = zip(questions[row["question_id"]], row["choices"][0]["turns"], strict=True)
            name = path.name.partition(".jsonl")[0]
            yield f"mt-{name}-{row['question_id']}", name, None, [text for turn in turns for text in turn], None
    for row in lines_of(folder / "oasst" / "en_100_tree.jsonl.gz"):
        texts, node = [], row["prompt"]
        while node:
            texts.append(node["text"])
            node = next(iter(node.get("replies") or []), None)
        yield f"oasst-{row['message_tree_id']}", "person", row["prompt"]["lang"], texts, None
    for number, row in enumerate(lines_of(folder / "openai_moderation" / "samples-1680.jsonl.gz")):
        flags = {SHORT_NAMES[key]: bool(value) for key, value in row.items() if key in SHORT_NAMES}
        yield f"moderation-{number}", "none", None, [row["prompt"]], [{"categories": flags}]


def as_record(conversation_id, model, language, texts, moderation):
    roles = itertools.cycle(["user", "assistant"])
    return {
        "conversation_id": conversation_id,
        "model": model,
        "conversation": [{"content": text, "role": role} for text, role in zip(texts, roles, strict=False)],
        "turn": (len(texts) + 1) // 2,
        "redacted": False,
        **({} if language is None else {"language": language}),
        **({} if moderation is None else {"openai_moderation": moderation}),
    }


def read_all(folder):
    """The distinct records of a folder; a generated corpus of battles repeats some."""
    records = []
    for path in sorted(folder.iterdir()):
        if path.suffix == ".parquet":
            records += pq.read_table(path).to_pylist()
        elif path.suffix == ".jsonl":
            records += lines_of(path)
    key = "conversation_id" if "conversation_id" in records[0] else "question_id"
    return list({record[key]: record for record in records}.values())


class Corpus:
    """What the raw files hold, taken apart in plain Python: conversations, their messages, and battles."""

    def __init__(self, folders, detected):
        self.detected = detected
        model = str(files("mistral_common") / "data" / "tokenizer.model.v1")
        self.processor = SentencePieceProcessor(model_file=model)
        self.conversations, self.battles = [], []
        for source, folder in folders.items():
            for record in read_all(folder):
                if "conversation" in record:
                    tags = record.get("openai_moderation")
                    self._add(source, record["conversation_id"], record["model"], record, record["conversation"], tags)
                else:
                    self.battles.append({**record, "source": source})
                    for side in "ab":
                        model, messages = record[f"model_{side}"], record[f"conversation_{side}"]
                        self._add(source, f"{record['question_id']}/{side}", model, record, messages, None)

    def _add(self, source, conversation_id, model, record, messages, tags):
        seconds = record.get("tstamp")
        month = None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m")
        language = record.get("language") or self.detected[source, conversation_id]
        whole = {"source": source, "model": model, "language": language, "month": month}
        rows = []
        for position, message in enumerate(messages):
            entry = (tags or [None] * len(messages))[position] or {}
            n_tokens = len(self.processor.encode(message["content"]))
            rows.append(
                {
                    **whole,
                    "role": message["role"],
                    "turn": position // 2 + 1,
                    "n_tokens": n_tokens,
                    "n_chars": len(message["content"]),
                    **tags_of(entry),
                }
            )
        self.conversations.append({**whole, "messages": rows})

    @property
    def messages(self):
        return [message for conversation in self.conversations for message in conversation["messages"]]

    @property
    def tagged(self):
        """Conversations, and battles as conversations of one message without a model."""
        for battle in self.battles:
            whole = {"source": battle["source"], "model": None, "language": battle["language"]}
            message = {**whole, "role": "battle", "turn": 0, **tags_of(battle["openai_moderation"] or {})}
            yield {**whole, "messages": [message]}
        yield from self.conversations


def tags_of(entry):
    flags, scores = entry.get("categories") or {}, entry.get("category_scores") or {}
    return {
        "flags": {"any": entry.get("flagged"), **{c: flags.get(c) for c in CATEGORIES}},
        "scores": {c: scores.get(c) for c in CATEGORIES},
    }


@pytest.fixture(scope="module")
def folders(raw, request, tmp_path_factory):
    """Generated corpora, and the real texts where they are at hand."""
    found = {"lmsys": raw / "lmsys_chat_1m", "arena": raw / "chatbot_arena"}
    try:
        real_data = request.getfixturevalue("real_data")
    except pytest.skip.Exception:
        return found
    found["real"] = tmp_path_factory.mktemp("real")
    records = "\n".join(json.dumps(as_record(*record)) for record in real_records(real_data))
    (found["real"] / "records.jsonl").write_text(records, encoding="utf-8")
    return found


@pytest.fixture(scope="module")
def corpus(folders, lake):
    """What is in the files; only the languages that no file tells are the lake's."""
    rows = lake.read(MESSAGES).where("position = 0 AND language IS NULL").collect()
    return Corpus(folders, {(row.source, row.conversation_id): row.detected_language for row in rows})


@pytest.fixture(scope="module")
def lake(spark, raw, folders, tmp_path_factory):
    """The tables that the jobs make of the same files."""
    settings = {**corpus_settings(raw), "storage.root": tmp_path_factory.mktemp("oracles") / "lake"}
    settings["generate.path"] = raw
    if "real" in folders:
        settings["sources.real"] = f"{{format: lmsys_chat_1m, path: {folders['real']}}}"
    config = configuration(settings)
    run_steps(config, JOBS)
    return Lake(spark, config.storage)


def table_of(lake, table, values):
    """Rows of a table as its other key columns to these values."""
    keys = [name for name in table.key if name not in values]
    rows = lake.read(table).collect()
    found = {tuple(row[key] for key in keys): tuple(row[value] for value in values) for row in rows}
    assert len(found) == len(rows)
    return found


def cells_of(lake, table, cell, **columns):
    """Each cell of a table of histograms, ascending in its row, as the other key columns and the cell to its count."""
    keys = [name for name in table.key if name not in columns]
    found = {}
    for row in lake.read(table).collect():
        if all(row[name] == value for name, value in columns.items()):
            assert row[cell] == sorted(set(row[cell]))
            assert min(row["counts"], default=1) > 0
            key = tuple(row[name] for name in keys)
            found |= {(*key, one): n for one, n in zip(row[cell], row["counts"], strict=True)}
    return found


def groupings(row, *wanted):
    """The groups of a row as (grouping, *columns named in any grouping)."""
    names = sorted({name for grouping in wanted for name in grouping.split(",")} - {"all"})
    for grouping in wanted:
        yield grouping, *(row[name] if name in grouping.split(",") else None for name in names)


def described(lengths):
    """What the tables say about whole numbers: n, total, mean, sd, min, max and quantiles."""
    lengths, n, total = sorted(lengths), len(lengths), sum(lengths)
    squares = n * sum(x * x for x in lengths) - total * total
    sd = None if n == 1 else math.sqrt(squares / (n * (n - 1)))
    quantiles = [lengths[-(-p * n // 100) - 1] for p in PERCENTILES]
    return (
        n,
        total,
        total / n,
        None if sd is None else pytest.approx(sd, rel=1e-13),
        lengths[0],
        lengths[-1],
        *quantiles,
    )


def test_token_tables_are_those_of_sentencepiece_on_the_raw_files(lake, corpus):
    names = ("source", "model", "language", "role", "turn", "month")
    expected = Counter((*(row[name] for name in names), "sample", row["n_tokens"]) for row in corpus.messages)
    assert cells_of(lake, LENGTH_COUNTS, "lengths", measure="message_tokens") == expected
    lengths = table_of(lake, LENGTH_COUNTS, ["n", "n_chars", "total"])
    sums = {(key[0], *key[2:]): values for key, values in lengths.items() if key[1] == "message_tokens"}
    whole = defaultdict(lambda: [0, 0, 0])
    for row in corpus.messages:
        add_values(whole[(*(row[name] for name in names), "sample")], (1, row["n_chars"], row["n_tokens"]))
    assert sums == frozen(whole)

    groups, conversations, chars = defaultdict(list), Counter(), Counter()
    has_months = {row["source"] for row in corpus.messages if row["month"]}
    for conversation in corpus.conversations:
        seen = set()
        for row in conversation["messages"]:
            for grouping, *values in groupings(row, "all", "model", "language", "model,language", "turn", "month"):
                if grouping == "month" and row["source"] not in has_months:
                    continue
                language, model, month, turn = values
                key = (row["source"], grouping, model, language, turn, month, row["role"], "sample")
                groups[key].append(row["n_tokens"])
                chars[key] += row["n_chars"]
                seen.add(key)
        conversations.update(seen)
    statistics = ["n_messages", "total", "mean", "sd", "min", "max", *(f"p{p}" for p in PERCENTILES)]
    found = table_of(lake, TOKEN_STATS, ["n_conversations", *statistics, "n_chars", "tokens_per_char"])
    assert found == {
        key: (conversations[key], *described(lengths), chars[key], sum(lengths) / chars[key] if chars[key] else None)
        for key, lengths in groups.items()
    }


def test_tables_of_whole_conversations_are_sums_over_the_raw_files(lake, corpus):
    tokens, all_turns, groups = Counter(), Counter(), defaultdict(list)
    for conversation in corpus.conversations:
        rows = conversation["messages"]
        turns, n_tokens = rows[-1]["turn"], sum(row["n_tokens"] for row in rows)
        source, model, language = (conversation[name] for name in ("source", "model", "language"))
        of_conversations = (source, model, language, None, None, None)
        tokens[(*of_conversations, "sample", n_tokens)] += 1
        all_turns[(*of_conversations, None, turns)] += 1
        for grouping, named_language, named_model in groupings(conversation, "all", "model", "language"):
            for measure, value in (("turns", turns), ("tokens", n_tokens)):
                groups[source, grouping, named_model, named_language, measure, "sample"].append(value)
    assert cells_of(lake, LENGTH_COUNTS, "lengths", measure="conversation_tokens") == tokens
    assert cells_of(lake, LENGTH_COUNTS, "lengths", measure="turns") == all_turns
    statistics = ["n_conversations", "total", "mean", "sd", "min", "max", *(f"p{p}" for p in PERCENTILES)]
    found = table_of(lake, CONVERSATION_TOKEN_STATS, statistics)
    assert found == {key: described(values) for key, values in groups.items()}


def test_scores_are_counted_by_bin_with_their_sums(lake, corpus):
    expected, groups = Counter(), defaultdict(lambda: [0, 0, 0, []])
    for conversation in corpus.tagged:
        for row in conversation["messages"]:
            for category in ("any", *CATEGORIES):
                score, flag = row["scores"].get(category), row["flags"][category]
                key = (row["source"], row["model"], row["language"], row["role"], category)
                add(groups[key], (True, flag is not None, flag is True))
                if score is not None:
                    groups[key][3].append(score)
                    expected[(*key, math.floor(100 * math.log10(score)) if score >= 1e-9 else -901)] += 1
    assert cells_of(lake, SCORE_COUNTS, "score_bins") == expected
    found = table_of(lake, SCORE_COUNTS, ["n", "n_labelled", "n_flagged", "n_scored", "sum_score"])
    assert found.keys() == groups.keys()
    for key, (*counts, scores) in groups.items():
        assert list(found[key][:4]) == [*counts, len(scores)]
        assert float(found[key][4]) == pytest.approx(math.fsum(scores), rel=1e-12, abs=1e-16)


def test_turns_and_pairs_of_categories_are_counted_from_the_raw_tags(lake, corpus):
    turns, pairs = (defaultdict(lambda: [0, 0, 0, 0]) for _ in range(2))
    for row in itertools.chain.from_iterable(one["messages"] for one in corpus.tagged):
        source, role, flags = row["source"], row["role"], row["flags"]
        moderated = any(flag is not None for flag in flags.values())
        for category, flag in flags.items():
            facts = (flag is not None, flag is None, not moderated, flag is True)
            add(turns[source, role, row["turn"], category], facts)
        for a, b in itertools.combinations(CATEGORIES, 2):
            if flags[a] is not None and flags[b] is not None:
                add(pairs[source, role, a, b], (True, flags[a], flags[b], flags[a] and flags[b]))
    found = table_of(lake, MODERATION_TURNS, ["n", "n_missing", "n_without_moderation", "n_flagged", "rate"])
    assert found == {key: (n, *rest, f, f / n if n else None) for key, (n, *rest, f) in turns.items()}
    assert table_of(lake, MODERATION_COOCCURRENCE, ["n", "n_a", "n_b", "n_both"]) == frozen(pairs)


def test_real_labels_that_lack_categories_are_counted_apart_from_those_that_say_no(lake, folders, real_data):
    labels = lines_of(real_data / "openai_moderation" / "samples-1680.jsonl.gz")
    answers = sum(len(record["conversation"]) for record in read_all(folders["real"])) - len(labels)
    of_user = defaultdict(lambda: [0, 0, 0])
    found = table_of(lake, MODERATION_TURNS, ["n", "n_missing", "n_without_moderation"])
    for (source, role, _, category), (n, n_missing, n_without) in found.items():
        if (source, role) == ("real", "user"):
            add_values(of_user[category], (n, n_missing - n_without, n_without))
    without_moderation = {values[2] for values in of_user.values()}
    assert len(without_moderation) == 1
    assert 0 < without_moderation.pop() < answers
    for short, name in SHORT_NAMES.items():
        labelled = sum(short in row for row in labels)
        assert of_user[name][:2] == [labelled, len(labels) - labelled]
        assert 0 < labelled < len(labels)
    for name in ("any", "self-harm/intent", "self-harm/instructions", "harassment/threatening"):
        assert of_user[name][:2] == [0, len(labels)], "a category that nobody labelled"


def test_attempts_and_flagged_conversations_are_counted_from_the_raw_tags(lake, corpus):
    answers, flagged = defaultdict(lambda: [0] * 5), defaultdict(lambda: [0] * 3)
    families = defaultdict(list)
    for category in ("any", *CATEGORIES):
        families[category.split("/")[0]].append(category)
    for conversation in corpus.tagged:
        rows = conversation["messages"]
        unit = "battle" if rows[0]["role"] == "battle" else "conversation"
        for grouping, language, model in groupings(conversation, "all", "model", "language"):
            group = (conversation["source"], grouping, model, language)
            for family, members in families.items():
                known = [row["flags"][member] for row in rows for member in members]
                is_known = any(flag is not None for flag in known)
                add(flagged[*group, unit, family], (is_known, not is_known, any(known)))
            for category in ("any", *CATEGORIES) if unit == "conversation" else ():
                flags = [(row["role"], row["flags"][category]) for row in rows]
                by_role = {role: [flag for one, flag in flags if one == role] for role in ("user", "assistant")}
                tries = [reply for (_, one), (role, reply) in itertools.pairwise(flags) if one and role != "user"]
                tries = [reply for reply in tries if reply is not None]
                asked = any(flag is not None for flag in by_role["user"])
                facts = (asked, any(by_role["user"]), any(by_role["assistant"]), bool(tries), any(tries))
                add(answers[*group, category], facts)
    columns = ["n_conversations", "n_user_flagged", "n_answer_flagged", "n_attempts", "n_answered"]
    assert table_of(lake, MODERATION_ANSWERS, columns) == frozen(answers)
    assert table_of(lake, MODERATION_CONVERSATIONS, ["n", "n_missing", "n_flagged"]) == frozen(flagged)


def test_battles_are_counted_from_the_raw_votes(lake, corpus):
    counts, days, pairs = Counter(), Counter(), defaultdict(lambda: [0] * 5)
    taggers = defaultdict(lambda: [0] * 4)
    for battle in corpus.battles:
        time = dt.datetime.fromtimestamp(battle["tstamp"], dt.UTC)
        a, b, winner = battle["model_a"], battle["model_b"], battle["winner"]
        key = (battle["source"], "human", battle["language"], None, None, battle["turn"], battle["anony"])
        counts[*key, time.strftime("%Y-%m"), None, a, b, winner] += 1
        days[battle["source"], time.date()] += 1
        first, second = sorted((a, b))
        winning = {"model_a": a, "model_b": b}.get(winner)
        facts = (winning == first, winning == second, winner == "tie", winner == "tie (bothbad)", True)
        add(pairs[battle["source"], "human", first, second], facts)
        flag = (battle["openai_moderation"] or {}).get("flagged")
        for tagger, tag in (battle["toxic_chat_tag"] or {}).items():
            if flag is not None and tag["flagged"] is not None:
                both = (tag["flagged"] and flag, tag["flagged"] and not flag, flag and not tag["flagged"], True)
                add(taggers[battle["source"], tagger.replace("-", "_")], both)
    assert {key: n for key, (n,) in table_of(lake, BATTLE_COUNTS, ["n"]).items()} == counts
    assert {key: n for key, (n,) in table_of(lake, VOLUME_STATS, ["n_battles"]).items()} == days
    found = table_of(lake, PAIR_STATS, ["wins_a", "wins_b", "ties", "bothbad", "n", "win_rate_a"])
    rates = {key: (*n, (n[0] + (n[2] + n[3]) / 2) / n[4]) for key, n in pairs.items()}
    assert found == {key: (*n[:5], pytest.approx(n[5], rel=1e-15)) for key, n in rates.items()}
    found = table_of(lake, TOXICITY_AGREEMENT, ["n_both", "n_tagger_only", "n_moderation_only", "n"])
    assert found == frozen(taggers)


def test_the_ledger_counts_what_is_in_the_raw_files_and_never_calls_generated_data_a_match(lake, corpus, folders):
    rows = lake.read(REPRODUCTION).collect()
    ours = {(row.source, row.figure): row.ours for row in rows if row.ours is not None}
    verdicts = defaultdict(set)
    for row in rows:
        verdicts[row.source].add(row.verdict)
    assert verdicts["lmsys"] == verdicts["arena"] == {"cannot be recomputed"}
    votes = [battle for battle in corpus.battles if battle["source"] == "arena"]
    assert ours["arena", "battles"] == len(votes)
    assert ours["arena", "users"] == len({vote["judge"] for vote in votes})
    assert ours["arena", "models"] == len({vote[side] for vote in votes for side in ("model_a", "model_b")})
    assert ours["arena", "turns per battle"] == pytest.approx(sum(vote["turn"] for vote in votes) / len(votes))
    chats = [conversation for conversation in corpus.conversations if conversation["source"] == "lmsys"]
    assert ours["lmsys", "conversations"] == len(chats)
    assert ours["lmsys", "languages"] == len({chat["language"] for chat in chats})
    flagged = sum(any(row["flags"]["any"] for row in chat["messages"]) for chat in chats)
    assert ours["lmsys", "conversations flagged"] == flagged
    asked = [row["flags"]["any"] for chat in chats for row in chat["messages"] if row["role"] == "user"]
    assert ours["lmsys", "flagged user messages"] == pytest.approx(100 * sum(asked) / len(asked))
    if "real" in folders:
        by_figure = {row.figure: row for row in rows if row.source == "real"}
        size = by_figure["conversations"]
        assert (size.verdict, size.ours) == ("differs", len(read_all(folders["real"])))
        assert size.reason.endswith("the release has 1,000,000")
        assert verdicts["real"] == {"differs", "cannot be recomputed"}


def add(sums, facts):
    add_values(sums, map(bool, facts))


def add_values(sums, values):
    for place, value in enumerate(values):
        sums[place] += value


def frozen(sums):
    return {key: tuple(values) for key, values in sums.items()}
