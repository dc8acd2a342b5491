"""Tables of records: what came in, and what was measured of it.

`conversations`, `tree_messages` and `preference_pairs` alone hold what people wrote, but for the first words of an
example in `tree_example`.
"""

from arenalake.entities import properties
from arenalake.entities.columns import ASSISTANT, JUDGE_KIND, PROMPTER, SOURCE, WINNER
from arenalake.entities.entity import RECORD_KEY, Entity
from arenalake.entities.moderation import CATEGORIES, FLAG_COLUMNS, MODERATION_TYPE, SCORE_COLUMNS
from arenalake.lake.table import Column, Table

_FILE = Column("file", "string", "file the row came from, relative to the source's path", required=True)
_TSTAMP = Column("tstamp", "timestamp", "time (UTC); null where the source does not say")
_WINNERS = "winner IN ('model_a', 'model_b', 'tie', 'tie (bothbad)')"

# What is said of the messages of conversation trees.
LABELS_TYPE = "array<struct<name:string,value:double,count:int>>"
EMOJIS_TYPE = "array<struct<name:string,count:int>>"
DETOXIFY_TYPE = "array<struct<name:string,value:double>>"

DETECTION_TYPE = "struct<language:string,confidence:double,script:string,n_letters:int,reason:string>"

CONVERSATIONS = Table(
    name="conversations",
    layer="silver",
    comment="One row per conversation with one model; a battle gives two.",
    columns=(
        SOURCE,
        _FILE,
        RECORD_KEY,
        Column("conversation_id", "string", "published id; <battle_id>/a and /b for the sides of a battle", True),
        Column("model", "string", "model that answered", required=True),
        Column("language", "string", "language as published; null where the source has none"),
        Column("turn", "int", "number of user messages"),
        Column("redacted", "boolean", "whether names of persons were replaced; null where the source does not say"),
        Column("battle_id", "string", "battle this is a side of; null outside battles"),
        Column("side", "string", "a or b; null outside battles"),
        _TSTAMP,
        Column("messages", "array<struct<role:string,content:string>>", "messages, in order", required=True),
        Column("moderation", f"array<{MODERATION_TYPE}>", "one per message, null where the source has none"),
    ),
    key=("source", "conversation_id"),
    stats_columns=("source", "file", "model", "language", "turn", "side", "tstamp"),
)

BATTLES = Table(
    name="battles",
    layer="silver",
    comment="One row per vote of one judge on a pair of answers. No text.",
    columns=(
        SOURCE,
        _FILE,
        RECORD_KEY,
        Column(
            "battle_id", "string", "published id, else a hash of the vote's key, else of file and row", required=True
        ),
        Column("question_id", "string", "question the two answers belong to; null where the source has none"),
        Column("model_a", "string", "model shown first (left)", required=True),
        Column("model_b", "string", "model shown second (right)", required=True),
        WINNER,
        Column(
            "winner_label",
            "string",
            "published outcome where it says more than winner: tie (inconsistent), where a judge's verdicts on the two "
            "orders of the answers contradict each other; else null",
        ),
        Column("judge", "string", "who voted; null where the source does not say"),
        JUDGE_KIND,
        Column("turn", "int", "number of turns the vote is about; null where the source does not say"),
        Column(
            "anony", "boolean", "whether model names were hidden until the vote; null where the source does not say"
        ),
        Column("language", "string", "language as published; null where the source has none"),
        Column("category", "string", "category of the question; null where the source has none"),
        Column(
            "category_tags",
            "array<string>",
            "further categories of the question, by name and each once; null where the source has no tags",
        ),
        Column("likert", "int", "grade on a Likert scale; null where the source has none"),
        Column("score", "double", "score of model_a, from 0 (loss) to 1 (win); null where the source has winners only"),
        Column("prompt_hash", "string", "SHA-256 of the user's first message; null without text"),
        Column("leaked", "boolean", "whether an answer reveals its model; null without identity_phrases"),
        _TSTAMP,
        Column(
            "sequence", "bigint", "order for online Elo: microseconds of tstamp, a mapped column, or row in its file"
        ),
        Column("moderation", MODERATION_TYPE, "moderation of the battle as a whole; null where the source has none"),
        Column(
            "toxicity",
            "struct<roberta_large:struct<flagged:boolean,probability:double>,t5_large:struct<flagged:boolean,score:double>>",
            "toxicity tags as published; null where the source has none",
        ),
    ),
    key=("source", "battle_id"),
    stats_columns=("source", "file", "model_a", "model_b", "winner", "judge_kind", "turn", "language", "tstamp"),
    checks={
        "known_winner": _WINNERS,
        "two_models": "model_a <> model_b",
        "score_is_a_share": "score IS NULL OR score BETWEEN 0 AND 1",
    },
    has_changes=True,
)

TREE_MESSAGES = Table(
    name="tree_messages",
    layer="silver",
    comment="One row per message of a conversation tree, from any published form.",
    columns=(
        SOURCE,
        _FILE,
        RECORD_KEY,
        Column("message_id", "string", "published id", required=True),
        Column("parent_id", "string", "message that this one answers; null for the first one of a tree"),
        Column("message_tree_id", "string", "tree that the message belongs to", required=True),
        Column("tree_state", "string", "state of the tree as published, such as ready_for_export; null without one"),
        Column("role", "string", "prompter or assistant", required=True),
        Column("language", "string", "language as published, a code such as en or pt-BR; null without one"),
        Column("text", "string", "text of the message; may be empty", required=True),
        Column("rank", "int", "place among the replies to the same message, 0 is the best; null where not ranked"),
        Column("review_count", "int", "number of reviews; null where the source does not say"),
        Column(
            "review_result", "boolean", "whether the reviewers accepted the message; null where they did not decide"
        ),
        Column("deleted", "boolean", "deleted; null where the source does not say"),
        Column("synthetic", "boolean", "written by a model; null where the source does not say"),
        Column("model", "string", "model that wrote a synthetic message; null where there is none or it is not known"),
        Column("user_id", "string", "published pseudonym of the author; null where the source does not say"),
        Column("tstamp", "timestamp", "time of writing (UTC); null where the source does not say"),
        Column(
            "labels",
            LABELS_TYPE,
            "labels by name: mean of the ratings from 0 to 1 and their number; null without labels",
        ),
        Column("emojis", EMOJIS_TYPE, "reactions by name; names that begin with _ are not emojis; null without any"),
        Column("detoxify", DETOXIFY_TYPE, "scores of the model Detoxify by name, from 0 to 1; null without them"),
    ),
    key=("source", "message_id"),
    stats_columns=("source", "file", "tree_state", "role", "language", "tstamp"),
    checks={"known_role": f"role IN ('{PROMPTER}', '{ASSISTANT}')", "rank_is_a_place": "rank IS NULL OR rank >= 0"},
    has_changes=True,
)

MESSAGES = Table(
    name="messages",
    layer="silver",
    comment="One row per message, measured; no text.",
    columns=(
        SOURCE,
        _FILE,
        Column("conversation_id", "string", "conversation the message belongs to", required=True),
        Column("position", "int", "place in the conversation, from 0", required=True),
        Column("role", "string", "user or assistant", required=True),
        Column("model", "string", "model of the conversation", required=True),
        Column("language", "string", "language of the conversation as published; null where the source has none"),
        Column(
            "detected_language",
            "string",
            "language of the conversation by the configured detector; unknown where the detector gives none; null "
            "where detection was not run",
        ),
        Column("turn", "int", "turn the message belongs to, from 1", required=True),
        Column("month", "string", "month as 2023-04; null where the source has no time"),
        Column("n_tokens", "map<string,int>", "tokenizer to number of tokens", required=True),
        Column("n_chars", "int", "number of Unicode code points", required=True),
        Column("n_headers", "int", "Markdown headers", required=True),
        Column("n_list_items", "int", "Markdown list items", required=True),
        Column("n_bold", "int", "Markdown bold spans", required=True),
        Column(
            "prompt_hash",
            "string",
            "SHA-256 of the user's first message, on that message; null on others, and on side b of a battle, which "
            "has the same first message",
        ),
        Column(
            "detections",
            f"map<string,{DETECTION_TYPE}>",
            "on a conversation's first message: detector to its result for all text of the user: confidence from 0 to "
            "1, script of most letters, n_letters that it had, reason where the language is unknown",
        ),
        Column("turns", "int", "turns of the conversation, on its first message; null on others"),
        Column(
            "n_tokens_in_all",
            "map<string,bigint>",
            "tokenizer to tokens of all messages of the conversation, on its first one; null on others",
        ),
        Column(
            "pattern",
            "array<int>",
            "flags of all messages of the conversation, as in moderation_patterns, on its first one; null on others",
        ),
        Column("flagged", "boolean", "moderation flagged the message; null where the flag is missing"),
        *(
            Column(name, "boolean", f"moderation flag {category}; null where missing")
            for name, category in zip(FLAG_COLUMNS[1:], CATEGORIES, strict=True)
        ),
        *(
            Column(name, "double", f"moderation score {category}; null where missing")
            for name, category in zip(SCORE_COLUMNS, CATEGORIES, strict=True)
        ),
    ),
    key=("source", "conversation_id", "position"),
    stats_columns=("source", "file", "month"),
    checks={"counted": "n_chars >= 0 AND position >= 0"},
    has_changes=True,
)

LIKERT_RECORDS = Table(
    name="likert_records",
    layer="silver",
    comment="One row per comparison on a Likert scale, as published; its votes are in battles. No text.",
    columns=(
        SOURCE,
        _FILE,
        RECORD_KEY,
        Column("question_id", "string", "published id of the question, else a hash of the prompt", required=True),
        Column("category", "string", "category of the question; null where the source has none"),
        Column("prompt_variant", "string", "variant of the prompt for the judge; null where the source does not say"),
        Column("model_a", "string", "model shown first", required=True),
        Column("model_b", "string", "model shown second", required=True),
        Column("rating", "int", "rating of the record as a whole, low for model_a; null where there is none"),
        Column("score_a", "double", "score of the first answer; null where answers were not scored"),
        Column("score_b", "double", "score of the second answer; null where answers were not scored"),
        Column("ratings", "array<int>", "ratings of single raters in order; null where the record has none"),
    ),
    key=("source", "record_key"),
    stats_columns=("source", "file", "model_a", "model_b", "category", "prompt_variant"),
)

_GRADES = (
    "grades 0 to 3; numbers of errors by severity, null where they were not applicable; clarify_intent to "
    "correct_mistakes are null where the query does not ask for it or nobody graded it, else means over what it asks "
    "for (constraints 0 to 3, stances -2 to 2, mistakes 0 to 3); lengthy is the number of words"
)

PREFERENCE_PAIRS = Table(
    name="preference_pairs",
    layer="silver",
    comment="One row per pair of annotated responses, with the preference of every judge. Holds text.",
    columns=(
        SOURCE,
        _FILE,
        RECORD_KEY,
        Column("pair_id", "string", "hash of query, models and responses", required=True),
        Column("scenario", "string", "scenario by Auto-J's classifier; null where the record has none"),
        Column("scenario_group", "string", "group of scenarios", required=True),
        Column("model_a", "string", "model of response 1", required=True),
        Column("model_b", "string", "model of response 2", required=True),
        *(
            Column(case, "boolean", f"whether the query belongs to this case, by {raw!r}", True)
            for case, raw in properties.CASES.items()
        ),
        Column("constraints", "array<string>", "explicit constraints in the query", required=True),
        Column("stances", "array<string>", "explicit subjective stances in the query", required=True),
        Column("mistakes", "array<string>", "explicit mistakes or biases in the query", required=True),
        Column("reference", "string", "reference response by GPT-4-Turbo; null where the record has none"),
        Column("properties_a", properties.PROPERTIES_TYPE, f"properties of response 1: {_GRADES}", required=True),
        Column("properties_b", properties.PROPERTIES_TYPE, f"properties of response 2: {_GRADES}", required=True),
        Column("errors_a", properties.ERRORS_TYPE, "errors in response 1; null where not applicable"),
        Column("errors_b", properties.ERRORS_TYPE, "errors in response 2; null where not applicable"),
        Column(
            "labels",
            "array<struct<judge:string,winner:string>>",
            "the response that each judge prefers, model_a or model_b; a judge without a preference is not listed",
            required=True,
        ),
    ),
    key=("source", "pair_id"),
    stats_columns=("source", "file", "scenario_group", "model_a", "model_b"),
    checks={"two_models": "model_a <> model_b"},
    has_changes=True,
)

QUARANTINE = Table(
    name="quarantine",
    layer="silver",
    comment="Records that break a rule, each whole and with all its reasons. No record is dropped without a row here.",
    columns=(
        SOURCE,
        _FILE,
        Column("record_id", "string", "hash of file, record and its number among equal records", required=True),
        Column("record_key", "string", "id of the battle or conversation; null where the record has none"),
        Column("record", "string", "the record as JSON, or the line as it is in the file", required=True),
        Column("reasons", "array<string>", "every rule the record breaks", required=True),
    ),
    key=("source", "record_id"),
    stats_columns=("source", "file"),
)

INGESTED_FILES = Table(
    name="ingested_files",
    layer="silver",
    kind="statistics",
    comment="Raw files that were ingested completely; a file is recorded after its rows.",
    columns=(
        SOURCE,
        Column("path", "string", "full path of the file", required=True),
        _FILE,
        Column("size", "bigint", "bytes", required=True),
        Column("modified", "timestamp", "modification time of the file", required=True),
        Column("digest", "string", "SHA-256 of the content; null for a file outside local or mounted storage"),
        Column("rows", "bigint", "records in the file", required=True),
        Column("kept", "bigint", "records that became entities", required=True),
        Column("quarantined", "bigint", "records in quarantine", required=True),
        Column("duplicates", "bigint", "records whose key and content were already in the tables", required=True),
        Column(
            "outcome", "string", "kept, partly quarantined, quarantined (with nothing kept), or empty", required=True
        ),
    ),
    key=("source", "path", "size", "modified"),
)

SOURCE_TERMS = Table(
    name="source_terms",
    layer="gold",
    kind="statistics",
    comment="Licence and citation of every source that ingest has read, now or earlier.",
    columns=(
        SOURCE,
        Column("format", "string", "published format of the source", required=True),
        Column("title", "string", "name of the data set", required=True),
        Column("licence", "string", "terms under which the data may be used", required=True),
        Column("text_may_be_shared", "boolean", "whether the licence allows redistribution of the text", required=True),
        Column("citation", "string", "what to cite"),
        Column("url", "string", "where the data set is published"),
    ),
    key=("source",),
)

# Two battles without a time are in the order of their files, and what counts as a leak follows the configuration.
BATTLE = Entity(BATTLES, incidental=("sequence", "leaked"))
LIKERT_RECORD = Entity(LIKERT_RECORDS)
CONVERSATION = Entity(CONVERSATIONS, as_conversations=lambda conversations: conversations)
PREFERENCE_PAIR = Entity(PREFERENCE_PAIRS)
