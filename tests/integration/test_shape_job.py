"""The job corpus_stats from silver to gold."""

from pyspark.sql import functions as F

from arenalake.config import parse_config
from arenalake.corpus import job as corpus_stats
from arenalake.corpus.tables import CORPUS_SHAPE, LANGUAGE_AUDIT, VOTER_STATS
from arenalake.entities.tables import BATTLES, CONVERSATIONS, MESSAGES
from arenalake.lake import Lake
from arenalake.step import Context
from arenalake.text.messages import measure_conversations

ENGLISH, FRENCH = "What would you do if you were me?", "Que feriez-vous si vous étiez à ma place ?"


def test_tables_follow_the_entities_and_a_second_run_writes_nothing(lake):
    spark = lake.spark
    texts = [("English", FRENCH), (None, FRENCH), (None, "hm"), ("French", ENGLISH)]
    rows = [
        dict.fromkeys(CONVERSATIONS.column_names)
        | {"source": "s", "file": "f", "conversation_id": f"c{number}", "model": "m", "language": language, "turn": 1}
        | {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": "No idea."}]}
        for number, (language, text) in enumerate(texts)
    ]
    lake.append(CONVERSATIONS, spark.createDataFrame(rows, CONVERSATIONS.ddl))
    asked = measure_conversations(
        lake.read(CONVERSATIONS), tokenizers=["whitespace"], detector="cld2", detect=F.lit(True)
    )
    lake.append(MESSAGES, asked)
    context = Context(parse_config({"storage": {"root": str(lake.root)}}), lake)
    result = corpus_stats.run(context)
    assert result.lines == ["corpus_stats: s: 4 conversations, 1 model, 2 languages"]
    assert not lake.exists(VOTER_STATS)  # nobody has voted yet
    shape = lake.read(CORPUS_SHAPE)
    by_language = {row.language: row.n_conversations for row in shape.where("grouping = 'language'").collect()}
    assert by_language == {"English": 1, "French": 2, "unknown": 1}
    overall = shape.where("grouping = 'all'").first()
    assert (overall.n_prompts, overall.n_distinct_prompts, overall.n_repeated_prompts) == (4, 3, 2)
    audit = lake.read(LANGUAGE_AUDIT).collect()
    assert {(row.language, row.detected_language, row.reason, row.n_confirmed) for row in audit} == {
        ("English", "French", None, 0),
        ("French", "English", None, 0),
        (None, "French", None, 0),
        (None, "unknown", "too short", 0),
    }
    vote = {"source": "s", "file": "f", "battle_id": "b", "model_a": "m", "model_b": "n", "winner": "tie"}
    vote |= {"judge": "v", "judge_kind": "human"}
    lake.append(BATTLES, spark.createDataFrame([dict.fromkeys(BATTLES.column_names) | vote], BATTLES.ddl))
    corpus_stats.run(context)
    assert [(row.n_battles, row.n_voters, row.p50) for row in lake.read(VOTER_STATS).collect()] == [(1, 1, 1)]
    again = Lake(spark, context.config.storage)
    assert corpus_stats.run(Context(context.config, again)).lines == result.lines
    assert again.versions()["written"] == {}
