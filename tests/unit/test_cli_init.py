"""The command `arenalake init`: the configuration that it writes for votes and for published formats."""

import json
from pathlib import Path

import pytest
from cli_cases import VOTES, status_of

from arenalake.app import starter
from arenalake.app.starter import find_format, guess_label
from arenalake.config import load_config


def test_what_init_writes_for_votes_can_be_run(folder, capsys):
    assert status_of("init", "votes.csv") == 0
    told = capsys.readouterr().out
    assert "model_a = left, model_b = right, winner = winner" in told
    config = load_config("arenalake.yml")
    source = config.sources["votes"]
    assert source.columns == {"model_a": "left", "model_b": "right", "winner": "winner", "language": "language"}
    assert source.winner_labels == {"left": "model_a", "right": "model_b", "tie": "tie"}
    assert status_of("config", "check") == 0


def test_init_sees_that_the_winner_is_named(folder, capsys):
    named = VOTES.assign(winner=VOTES["left"].where(VOTES["winner"] == "left", VOTES["right"]))
    named.loc[VOTES["winner"] == "tie", "winner"] = "draw"
    named.to_csv("named.csv", index=False)
    assert status_of("init", "named.csv") == 0
    source = load_config("arenalake.yml").sources["votes"]
    assert (source.winner_is, source.winner_labels) == ("model", {"draw": "tie"})
    assert "give the outcomes of these labels" not in capsys.readouterr().out
    assert status_of("rate", "named.csv", "--model-a", "left", "--model-b", "right") == 2
    assert "holds names of models, such as" in capsys.readouterr().err


def test_init_guesses_no_label_that_nobody_could_know(folder, capsys):
    VOTES.assign(winner=VOTES["winner"].map({"left": "0", "right": "1", "tie": "tie"})).to_csv("coded.csv", index=False)
    assert status_of("init", "coded.csv", "--name", "coded") == 0
    assert "give the outcomes of these labels in winner_labels: '0', '1'" in capsys.readouterr().out
    assert load_config("arenalake.yml").sources["coded"].winner_labels == {"tie": "tie"}
    assert guess_label("A") == "model_a"
    assert guess_label("0") is None


def test_init_knows_the_published_formats_by_their_columns():
    from arenalake.sources import SOURCES

    for name, source in SOURCES.items():
        if name in ("votes", "arena_expert"):  # arena_expert is arena_140k with printed conversations
            continue
        columns = [field.column for field in source.fields(source.settings(format=name, path="-"))]
        assert find_format(columns) == name
    assert find_format(["left", "right", "winner"]) is None
    assert find_format(["model_a", "model_b", "winner", "judge"]) is None


# The jobs beside `ingest` and `report` that `init` writes for each format.
TEXTS = {"measure", "corpus_stats", "token_stats"}


VOTES_ON_TEXTS = TEXTS | {"battle_stats", "ratings"}


JOBS_OF_FORMAT = {
    "lmsys_chat_1m": TEXTS | {"moderation_stats", "reproduce"},
    "wildchat": TEXTS | {"moderation_stats"},
    "arena": VOTES_ON_TEXTS | {"moderation_stats", "reproduce"},
    "arena_55k": VOTES_ON_TEXTS,
    "arena_100k": VOTES_ON_TEXTS,
    "arena_140k": VOTES_ON_TEXTS,
    "mt_bench": VOTES_ON_TEXTS | {"judge_agreement", "reproduce"},
    "likert": VOTES_ON_TEXTS | {"judge_agreement", "reproduce"},
    "oasst1": {"measure", "token_stats", "moderation_stats", "tree_stats", "reproduce"},
    "preference_dissection": TEXTS | {"judge_agreement", "preference_stats", "reproduce"},
}


def test_jobs_are_known_for_every_format():
    from arenalake.reproduction.ledgers import LEDGERS
    from arenalake.sources import SOURCES

    assert JOBS_OF_FORMAT.keys() | {"arena_expert", "votes"} == SOURCES.keys() == starter._JOBS.keys()
    assert {name for name, jobs in starter._JOBS.items() if "reproduce" in jobs} == LEDGERS.keys()


@pytest.mark.parametrize("name", JOBS_OF_FORMAT)
def test_init_writes_the_jobs_of_a_published_format(folder, capsys, name):
    from arenalake.sources import SOURCES

    source = SOURCES[name]
    fields = source.fields(source.settings(format=name, path="-"))
    Path("published.jsonl").write_text(json.dumps({field.column.partition(".")[0]: None for field in fields}) + "\n")
    assert status_of("init", "published.jsonl") == 0
    assert f"looks like {source.terms.title}" in capsys.readouterr().out
    config = load_config("arenalake.yml")
    assert {key: source.format for key, source in config.sources.items()} == {name: name}
    assert set(config.pipeline.jobs) == JOBS_OF_FORMAT[name] | {"ingest", "report"}
    assert ("bootstrap:" in Path("arenalake.yml").read_text()) == ("ratings" in config.pipeline.jobs)
    assert status_of("init", "published.jsonl", "--name", "mine", "--force") == 0
    assert list(load_config("arenalake.yml").sources) == ["mine"]


@pytest.mark.parametrize(
    ("name", "record"),
    [
        (
            "oasst1",
            {
                "message_tree_id": "a",
                "tree_state": "ready_for_export",
                "prompt": {"message_id": "a", "replies": [{"message_id": "b", "replies": [{"message_id": "c"}]}]},
            },
        ),
        ("likert", {"model_a": "x", "model_b": "y", "completion_a": "", "completion_b": "", "rating": 3}),
        ("likert", {"task_id": "1", "status": "completed", "params": {}, "response": {}}),
        ("likert", {"review_id": "1", "model1": "x", "model2": "y", "score": [1, 8]}),
    ],
)
def test_init_knows_forms_of_a_format_that_lack_most_of_its_columns(folder, name, record):
    Path("form.jsonl").write_text(json.dumps(record) + "\n")
    assert status_of("init", "form.jsonl") == 0
    assert load_config("arenalake.yml").sources[name].format == name


def test_init_knows_real_nested_trees(folder, real_data):
    assert status_of("init", str(real_data / "oasst" / "en_100_tree.jsonl.gz")) == 0
    assert load_config("arenalake.yml").sources["oasst1"].format == "oasst1"
