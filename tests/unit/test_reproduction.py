"""Published figures beside ours: what matches, what differs, and what is not compared, with the reason."""

import datetime as dt
import hashlib
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from arenalake.entities.tables import BATTLES, INGESTED_FILES
from arenalake.moderation.tables import MODERATION_ANSWERS, MODERATION_CONVERSATIONS, MODERATION_STATS
from arenalake.reproduction import job as reproduce
from arenalake.reproduction.compare import CANNOT, DIFFERS, MATCH, Origin, compare_figures, find_values, tables_of
from arenalake.reproduction.ledgers import LEDGERS
from arenalake.reproduction.ledgers.mt_bench import MT_BENCH
from arenalake.reproduction.tables import REPRODUCTION
from arenalake.samples.corpora import is_generated
from arenalake.samples.write import write_document
from arenalake.tokens.tables import CONVERSATION_TOKEN_STATS, TOKEN_STATS

LLAMA = "spm:llama's tokenizer.model+bos"
PAPER, WILDCHAT = "arXiv:2309.11998", "arXiv:2405.01470"


def chat_rows(source, *, files):
    """What the tables would hold if everything were as LMSYS-Chat-1M's paper says; `files` are (rows, quarantined)."""
    tokens = {"source": source, "grouping": "all", "tokenizer": LLAMA}
    answers = {"source": source, "grouping": "model", "category": "any"}
    flagged = {
        "any": 54_427,
        "sexual": 33_968,
        "harassment": 21_167,
        "violence": 9_499,
        "hate": 3_591,
        "self-harm": 863,
    }
    per_model = {
        "vicuna-13b": (490_712, 15_925, 13_463, 12_000),
        "gpt-4": (7_304, 368, 109, 109),
        "claude-2": (2_241, 78, 18, 18),
    }
    sizes = {model: n for model, (n, *_) in per_model.items()} | {f"m{i}": 1 for i in range(22)}
    turns = {"source": source, "measure": "turns", "tokenizer": LLAMA}
    kept = sum(rows - quarantined for rows, quarantined in files)
    return {
        INGESTED_FILES: [
            {"source": source, "file": file, "path": f"{i}/{file}", "modified": i, "size": 0, "duplicates": 0}
            | {"rows": rows, "quarantined": quarantined}
            for file, (rows, quarantined) in enumerate(files)
            for i in range(2)  # a file that came in twice, from another folder, counts once
        ],
        CONVERSATION_TOKEN_STATS: [
            turns | {"grouping": "all", "n_conversations": kept, "mean": 2.0151},
            turns | {"grouping": "all", "n_conversations": kept + 1, "mean": 9.0, "tokenizer": "whitespace"},
            *[turns | {"grouping": "model", "model": model, "n_conversations": n} for model, n in sizes.items()],
            *[turns | {"grouping": "language", "language": str(i)} for i in range(154)],
            turns | {"grouping": "language", "language": None},
        ],
        TOKEN_STATS: [
            tokens | {"role": "user", "mean": 69.53, "sd": 143.49},
            tokens | {"role": "assistant", "mean": 214.5, "sd": 1858.094},
            tokens | {"role": "user", "mean": 1.0, "sd": 1.0, "tokenizer": "sample"},
        ],
        MODERATION_CONVERSATIONS: [
            {"source": source, "grouping": "all", "unit": "conversation", "category": category, "n_flagged": n}
            for category, n in flagged.items()
        ],
        MODERATION_ANSWERS: [
            answers | {"model": model, "n_user_flagged": n[1], "n_answer_flagged": n[2], "n_answered": n[3]}
            for model, n in per_model.items()
        ],
        MODERATION_STATS: [
            {"source": source, "grouping": "all", "role": "user", "category": "any", "unit": "message", "rate": 0.0308}
        ],
    }


def arena_rows(source):
    """Five battles in two months by two known voters and an unknown one."""
    april, may = dt.datetime(2023, 4, 30, 23, tzinfo=dt.UTC), dt.datetime(2023, 5, 1, tzinfo=dt.UTC)
    battle = {"source": source, "language": "English", "model_a": "m0", "model_b": "m1", "tstamp": april, "turn": 1}
    return {
        INGESTED_FILES: [
            {"source": source, "file": "f", "modified": 0, "size": 1, "rows": 33_000, "quarantined": 1, "duplicates": 3}
        ],
        BATTLES: [
            *[battle | {"judge": judge} for judge in ("x", "x", "y")],
            battle | {"turn": 3, "judge": None},
            battle | {"turn": None, "model_a": "m2", "language": None, "tstamp": may, "judge": "x"},
        ],
    }


def compared(spark, origins, *contents):
    """Rows of `reproduction` by source, figure and where it was published."""
    tables = {}
    for table in tables_of(origins):
        columns = {c.name: c.type for c in table.columns} | ({"modified": "int"} if table == INGESTED_FILES else {})
        values = [tuple(row.get(name) for name in columns) for content in contents for row in content.get(table, [])]
        ddl = ", ".join(f"`{name}` {kind}" for name, kind in columns.items())
        tables[table] = spark.createDataFrame([tuple(map(as_text, columns.values(), v)) for v in values], ddl)
    found = compare_figures(origins, find_values(tables, origins))
    rows = spark.createDataFrame(found, REPRODUCTION.ddl).collect()
    by_key = {(row.source, row.figure, row.citation): row for row in rows}
    assert len(by_key) == len(found) == sum(len(origin.ledger.figures) for origin in origins)
    return by_key


def as_text(kind, value):
    return str(value) if kind == "string" and value is not None else value


@pytest.fixture(scope="module")
def found(spark):
    """Sources of every kind in one run."""
    origins = [
        Origin(name, "lmsys_chat_1m", name == "made up", LLAMA)
        for name in ("whole", "part", "quarantined", "made up", "empty")
    ]
    return compared(
        spark,
        [*origins, Origin("votes", "arena", False, LLAMA)],
        chat_rows("whole", files=[(600_000, 0), (400_000, 0)]),
        chat_rows("part", files=[(5_000, 0)]),
        chat_rows("quarantined", files=[(1_000_000, 7)]),
        chat_rows("made up", files=[(1_000_000, 0)]),
        arena_rows("votes"),
    )


def of(found, source, figure, citation):
    (row,) = [row for key, row in found.items() if key[:2] == (source, figure) and citation in key[2]]
    return row


def test_the_published_corpus_gives_its_figures_again(found):
    whole = [row for key, row in found.items() if key[0] == "whole"]
    differing = {(row.figure, row.ours) for row in whole if row.verdict == DIFFERS}
    assert differing == {
        ("vicuna-13b: flagged answers to attempts", 12_000),
        ("download size", 0),
        ("tokens per prompt", 69.53),  # WildChat's 69.83; the paper's 69.5 is a match
        ("tokens per response", 214.5),
    }
    assert {row.figure for row in whole if row.verdict == CANNOT} == {"users", "months", "data set size", "languages"}
    assert (of(found, "whole", "turns per conversation", PAPER).verdict) == MATCH
    assert (of(found, "whole", "turns per conversation", WILDCHAT).verdict) == MATCH
    assert of(found, "whole", "tokens per prompt", PAPER).verdict == MATCH
    assert of(found, "whole", "tokens per response, sd", WILDCHAT).verdict == MATCH  # 1858.094 rounds to 1858.09
    assert of(found, "whole", "languages", PAPER).ours == 154


def test_what_the_release_left_out_cannot_be_recomputed_and_the_reason_says_so(found):
    users = of(found, "whole", "users", PAPER)
    assert (users.verdict, users.ours, users.published) == (CANNOT, None, 210_479)
    assert "dropped before it was published" in users.reason


def test_a_part_of_the_corpus_is_told_once_and_not_called_different_in_every_figure(found):
    size = of(found, "part", "conversations", PAPER)
    assert (size.verdict, size.ours) == (DIFFERS, 5_000)
    assert size.reason == "the source has 5,000 records, the release has 1,000,000"
    rest = [row for key, row in found.items() if key[0] == "part" and key[1] != "conversations"]
    assert {row.verdict for row in rest} == {CANNOT}
    flags = of(found, "part", "conversations flagged: hate", PAPER)
    assert (flags.ours, flags.reason) == (3_591, size.reason)


def test_quarantined_records_came_in_and_explain_what_differs(found):
    size = of(found, "quarantined", "conversations", PAPER)
    assert (size.verdict, size.ours) == (DIFFERS, 999_993)
    assert size.reason == "of the records, 7 are in quarantine and 0 are duplicates"
    assert of(found, "quarantined", "models", PAPER).verdict == MATCH


def test_generated_data_is_never_said_to_match(found):
    rows = [row for key, row in found.items() if key[0] == "made up"]
    assert {row.verdict for row in rows} == {CANNOT}
    flagged = of(found, "made up", "conversations flagged", PAPER)
    assert flagged.ours == flagged.published
    assert "generated" in flagged.reason


def test_a_source_without_rows_has_nothing_to_compare(found):
    rows = [row for key, row in found.items() if key[0] == "empty"]
    assert {(row.verdict, row.ours) for row in rows} == {(CANNOT, None)}
    assert "conversation_token_stats" in of(found, "empty", "models", PAPER).reason


def test_figures_of_battles_count_both_sides_voters_and_turns_that_are_known(found):
    ours = {key[1]: row.ours for key, row in found.items() if key[0] == "votes"}
    assert (ours["battles"], ours["models"], ours["users"], ours["languages"]) == (5, 3, 2, 1)
    assert ours["turns per battle"] == 6 / 4
    assert ours["months"] == 2
    assert of(found, "votes", "battles", "chatbot_arena").reason.startswith("of the records, 1 are in quarantine and 3")


def test_without_llama_2_the_reason_says_which_tokenizer_to_add(spark):
    content = chat_rows("s", files=[(1_000_000, 0)])
    found = compared(spark, [Origin("s", "lmsys_chat_1m", False, None)], content)
    tokens = [row for row in found.values() if row.figure.startswith("tokens")]
    assert len(tokens) == 6
    assert {(row.verdict, row.ours) for row in tokens} == {(CANNOT, None)}
    assert all("spm:" in row.reason and "+bos" in row.reason for row in tokens)
    assert of(found, "s", "conversations flagged", PAPER).verdict == MATCH


def test_every_figure_is_cited_defined_and_either_computed_or_refused_with_a_reason():
    for ledger in LEDGERS.values():
        keys = [(figure.name, figure.citation) for figure in ledger.figures]
        assert len(set(keys)) == len(keys)
        assert ledger.figures[0].published == ledger.records, "the first figure is the size"
        for figure in ledger.figures:
            assert all((figure.citation, figure.definition, figure.unit))
            assert bool(figure.table) == bool(figure.ours)
            assert figure.table or figure.reason


def test_figures_of_oasst1_add_up_where_they_are_parts_of_each_other_and_say_where_they_do_not():
    figures = {figure.name: figure for figure in LEDGERS["oasst1"].figures}
    n = {name: figure.published for name, figure in figures.items()}
    assert n["messages, train"] + n["messages, validation"] == n["messages ready for export"]
    assert n["messages by prompters"] + n["messages by assistants"] == n["messages"]
    assert n["trees, train"] + n["parent_id given"] == n["messages, train"]
    listed = n["messages in the 35 languages of the card"]
    assert sum(value for name, value in n.items() if name.startswith("messages in ") and "35" not in name) < listed
    assert n["messages"] - listed == 924
    assert "924 fewer" in figures["messages in the 35 languages of the card"].reason
    assert "604 fewer" in figures["complete trees"].reason
    assert n["complete trees"] - n["trees ready for export"] == 604
    assert "the paper says 35" in figures["languages of conversations"].reason
    assert n["languages"] == 35


def test_a_release_in_parts_is_compared_part_by_part():
    of_train = {"rows": 84_437.0, "max(n_messages) FILTER (WHERE grouping = 'all')": 84_437.0, "count(rank)": 48_731.0}
    origin = Origin("train", "oasst1", False, None)
    rows = [
        dict(zip(REPRODUCTION.column_names, row, strict=True)) for row in compare_figures([origin], {"train": of_train})
    ]
    found = {row["figure"]: row for row in rows}
    assert (found["messages, train"]["verdict"], found["rank given"]["verdict"]) == (MATCH, DIFFERS)
    assert found["labels given"]["verdict"] == CANNOT
    everything = found["messages"]
    assert everything["verdict"] == CANNOT
    assert everything["reason"] == "the source has 84,437 records, the release has 161,443"
    assert "the part of the release behind this figure has 88,838" in found["messages ready for export"]["reason"]
    assert "votes of the study" in found["preference study: OpenAssistant"]["reason"]


def test_differences_are_printed_one_by_one_and_what_cannot_be_recomputed_by_reason(found):
    rows = pd.DataFrame([row.asDict() for key, row in found.items() if key[0] == "quarantined"])
    lines = reproduce.lines_of(Origin("quarantined", "lmsys_chat_1m", False, LLAMA), rows)
    assert lines[0].startswith("reproduce: quarantined: of 35 published figures ")
    size = f"conversations ({PAPER.join(('Zheng et al. (2023), LMSYS-Chat-1M, ', ', Table 1'))})"
    reason = "of the records, 7 are in quarantine and 0 are duplicates"
    assert f"reproduce: quarantined: {size}: published 1,000,000, ours 999,993 ({reason})" in lines
    dropped = "the release has no user ids: they were dropped before it was published"
    assert f"reproduce: quarantined: 1 cannot be recomputed: {dropped}" in lines
    made_up = reproduce.lines_of(Origin("made up", "lmsys_chat_1m", True, LLAMA), rows)
    assert len(made_up) == 1
    assert "generated data" in made_up[0]


def test_llama_2_is_known_by_its_file_and_only_with_the_token_that_the_papers_count(tmp_path, monkeypatch):
    file = tmp_path / "any name.model"
    file.write_bytes(b"pieces")
    assert reproduce.find_llama_2(["sample", f"spm:{file}+bos"]) is None
    monkeypatch.setattr(reproduce, "LLAMA_2_DIGEST", hashlib.sha256(b"pieces").hexdigest())
    assert reproduce.find_llama_2(["sample", f"spm:{file}+bos"]) == "spm:any name.model+bos"
    assert reproduce.find_llama_2([f"spm:{file}", "spm:nowhere.model+bos"]) is None


def test_generated_data_is_known_by_the_truth_beside_it(lake, tmp_path):
    real = Path(tmp_path, "lmsys_chat_1m", "train-00000.parquet")
    assert not is_generated(lake, str(real))
    assert not is_generated(lake, str(tmp_path))
    write_document(lake.spark, {"seed": 0}, f"{tmp_path}/truth/begun")
    assert is_generated(lake, str(real))
    assert is_generated(lake, str(real.parent))
    assert not is_generated(lake, str(tmp_path / "data"))


def test_published_figures_of_judges_are_found_in_their_tables():
    figures = {figure.name: figure for figure in LEDGERS["mt_bench"].figures}
    assert (figures["expert and gpt-4, turn 1, with ties: pairs of votes"].published) == 1_343
    assert "measure = 'agreement'" in figures["expert and gpt-4, turn 1, with ties: agreement"].ours
    tables = Counter(figure.citation.removeprefix(f"{MT_BENCH}, ") for figure in LEDGERS["mt_bench"].figures)
    assert {name: n for name, n in tables.items() if name.startswith("Table")} == {
        "Table 2": 6 * 3,
        "Table 3": 3,
        "Table 4": 3,
        "Table 5": 4 * 2 * 2 * 2,
        "Table 7": 32,
    }
    absent = figures["gpt-4 and gpt-4 by single answers, turn 2, without ties: pairs of votes"]
    assert (absent.published, absent.table) == (727, None)
    study = LEDGERS["likert"].figures
    assert {figure.reason for figure in study[1:]} == {"the ratings of the study are not public"}
    assert len(study) == 1 + 3 * 21 + 3 * 5 + 6 + 14 + 1
