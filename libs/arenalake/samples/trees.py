"""Conversation trees in the flat form of OASST1: a message per row, replies ranked, labelled and by unequal hands.

A tree is a function of the seed and its number. The better an answer, the better its rank, the higher its label
`quality` and the longer it tends to be.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from arenalake.samples.draws import Stream, hex_ids, philox
from arenalake.samples.text import compose_texts, pieces_for
from arenalake.samples.vocabulary import SCRIPT_INDEX

TREES_DDL = (
    "message_id string, parent_id string, user_id string, created_date string, text string, role string, lang string, "
    "review_count bigint, review_result boolean, deleted boolean, rank bigint, synthetic boolean, model_name string, "
    "message_tree_id string, tree_state string, labels struct<name:array<string>,value:array<double>,"
    "count:array<bigint>>"
)
CHUNK_TREES = 20
# Language by its code: the script of its texts, and its share of the trees, about as published.
_LANGUAGES = {"en": ("english", 0.5), "es": ("spanish", 0.3), "ru": ("russian", 0.1), "de": ("german", 0.1)}
# Trees of one prompt; four of five published ones are.
ALONE = 0.4
MAX_DEPTH = 5
# Mean number of replies besides the first one to a prompt, and of further prompts to an answer.
_MORE_ANSWERS, _FURTHER = 1.2, 0.55
RANKED = 0.8  # of sets of answers with at least two
DELETED = 0.03
RANK_NOISE = 0.15  # standard deviation of what ranks add to the quality, which runs from 0 to 1
_PEOPLE = 400
# Person number n * u^3 for an even u: the first tenth of people writes almost half of the messages.
_SKEW = 3
_DAYS = 90
_FIRST_DAY = datetime(2023, 1, 15, tzinfo=UTC)
_LABELS = ("spam", "quality", "toxicity", "humor", "creativity", "violence")
_LABEL_MEANS = {"spam": 0.05, "toxicity": 0.08, "humor": 0.25, "creativity": 0.45, "violence": 0.04}


@dataclass(frozen=True)
class TreesDesign:
    """What the trees are a function of."""

    seed: int
    trees: int

    @property
    def chunks(self) -> int:
        """Number of chunks, the last one perhaps smaller."""
        return -(-self.trees // CHUNK_TREES)


def tree_messages(seed: int, number: int) -> list[dict[str, Any]]:
    """The messages of a tree as records in the published form, each behind the one that it answers."""
    rng = philox(seed, Stream.TREES, number)
    names, shares = list(_LANGUAGES), [share for _, share in _LANGUAGES.values()]
    language = names[rng.choice(len(names), p=shares)]
    parents = _draw_parents(rng)
    n = len(parents)
    depths = np.zeros(n, dtype=np.int64)
    for place in range(1, n):
        depths[place] = depths[parents[place]] + 1
    is_answer = depths % 2 == 1
    quality = rng.beta(4.0, 2.0, n)
    people = (_PEOPLE * rng.random(n) ** _SKEW).astype(np.int64)
    deleted = rng.random(n) < DELETED
    labels = _draw_labels(rng, quality)
    minutes = rng.integers(1, 2 * 24 * 60, n)
    start = _FIRST_DAY + timedelta(minutes=int(rng.integers(0, _DAYS * 24 * 60)))
    texts = _draw_texts(rng, language, is_answer, quality)
    ranks = _draw_ranks(rng, parents, is_answer, quality)
    ids = hex_ids(rng, n).to_pylist()
    records: list[dict[str, Any]] = []
    times: list[datetime] = []
    for place, parent in enumerate(parents):
        above = start if parent is None else times[parent]
        times.append(above + timedelta(minutes=int(minutes[place])))
        records.append(
            {
                "message_id": ids[place],
                "parent_id": None if parent is None else ids[parent],
                "user_id": f"person_{people[place]}",
                "created_date": times[place].isoformat(),
                "text": texts[place],
                "role": "assistant" if is_answer[place] else "prompter",
                "lang": language,
                "review_count": 3,
                "review_result": not deleted[place],
                "deleted": bool(deleted[place]),
                "rank": ranks[place],
                "synthetic": False,
                "model_name": None,
                "message_tree_id": ids[0],
                "tree_state": "prompt_lottery_waiting" if n == 1 else "ready_for_export",
                "labels": labels[place],
            }
        )
    return records


def tree_chunk(design: TreesDesign, chunk: int) -> pa.RecordBatch:
    """The messages of trees `chunk * CHUNK_TREES` and on."""
    first = chunk * CHUNK_TREES
    numbers = range(first, min(first + CHUNK_TREES, design.trees))
    return pa.RecordBatch.from_pylist([row for n in numbers for row in tree_messages(design.seed, n)], _SCHEMA)


_LABEL_LISTS = pa.struct(
    [("name", pa.list_(pa.string())), ("value", pa.list_(pa.float64())), ("count", pa.list_(pa.int64()))]
)
_WHOLE = {"review_count", "rank"}
_FLAGS = {"review_result", "deleted", "synthetic"}
_SCHEMA = pa.schema(
    [
        *[
            (name, pa.int64() if name in _WHOLE else pa.bool_() if name in _FLAGS else pa.string())
            for name in (part.split(" ")[0] for part in TREES_DDL.partition(", labels ")[0].split(", "))
        ],
        ("labels", _LABEL_LISTS),
    ]
)


def _draw_parents(rng: np.random.Generator) -> list[int | None]:
    parents: list[int | None] = [None]
    if rng.random() < ALONE:
        return parents
    level = [0]
    for depth in range(1, MAX_DEPTH + 1):
        next_level: list[int] = []
        for place in level:
            # A prompt that was chosen is answered; whether an answer is followed up is open.
            n_replies = 1 + rng.poisson(_MORE_ANSWERS) if depth % 2 else rng.poisson(_FURTHER)
            next_level += range(len(parents), len(parents) + n_replies)
            parents += [place] * n_replies
        level = next_level
    return parents


def _draw_ranks(
    rng: np.random.Generator, parents: list[int | None], is_answer: np.ndarray, quality: np.ndarray
) -> list[int | None]:
    ranks: list[int | None] = [None] * len(parents)
    seen = quality + RANK_NOISE * rng.standard_normal(len(parents))
    for parent in dict.fromkeys(parents):
        replies = [place for place, above in enumerate(parents) if above == parent and is_answer[place]]
        if len(replies) > 1 and rng.random() < RANKED:
            for rank, place in enumerate(sorted(replies, key=lambda place: -seen[place])):
                ranks[place] = rank
    return ranks


def _draw_labels(rng: np.random.Generator, quality: np.ndarray) -> list[dict[str, list[Any]]]:
    n = len(quality)
    means = np.stack([quality if name == "quality" else np.full(n, _LABEL_MEANS[name]) for name in _LABELS], axis=1)
    counts = rng.integers(1, 6, means.shape)
    # Each rating is one of five steps from 0 to 1; the value is the mean of the ratings.
    values = rng.binomial(4 * counts, means) / (4 * counts)
    return [
        {"name": list(_LABELS), "value": values[place].tolist(), "count": counts[place].tolist()} for place in range(n)
    ]


def _draw_texts(rng: np.random.Generator, language: str, is_answer: np.ndarray, quality: np.ndarray) -> list[str]:
    n = len(is_answer)
    script = np.full(n, SCRIPT_INDEX[_LANGUAGES[language][0]])
    tokens = np.where(is_answer, 90.0 * np.exp(quality), 30.0) * np.exp(0.6 * rng.standard_normal(n))
    texts, _ = compose_texts(
        rng,
        script=script,
        n_pieces=pieces_for(tokens, script, is_answer),
        answer=is_answer,
        named=np.zeros(n, dtype=bool),
        popular=np.full(n, -1),
    )
    found: list[str] = texts.to_pylist()
    return found
