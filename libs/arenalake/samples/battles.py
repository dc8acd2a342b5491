"""Battles in the published format of Chatbot Arena Conversations: the design of the votes, and chunks of rows."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.special import expit

from arenalake.entities.moderation import MODERATION_TYPE
from arenalake.samples.conversations import ANSWER_SD, ANSWER_TOKENS, PROMPT_SD, PROMPT_TOKENS, ROLES, draw_lengths
from arenalake.samples.draws import Bools, Floats, Ints, Stream, choose, geometric_turns, hex_ids, philox
from arenalake.samples.languages import LANGUAGE_SCRIPT, LANGUAGES, language_shares
from arenalake.samples.models import arena_models
from arenalake.samples.moderation import draw_category_sets, draw_moderation
from arenalake.samples.text import compose_texts

_CONVERSATION = "array<struct<content:string,role:string>>"
BATTLES_DDL = (
    "question_id string, model_a string, model_b string, winner string, judge string, "
    f"conversation_a {_CONVERSATION}, conversation_b {_CONVERSATION}, turn bigint, anony boolean, language string, "
    f"tstamp double, openai_moderation {MODERATION_TYPE}, toxic_chat_tag struct<"
    "`roberta-large`:struct<flagged:boolean,probability:double>,`t5-large`:struct<flagged:boolean,score:double>>"
)
CHUNK_ROWS = 250
DUPLICATE_EVERY = 500
"""Every 500th row repeats the one before, key included, as a record that was delivered twice."""

N_LANGUAGES = 96
MEAN_TURNS = 1.2
# Lengths relative to those of the conversations: 52.3 and 189.5 tokens are published for the battles.
PROMPT_LENGTH, ANSWER_LENGTH = 51.3 / 68.5, 188.5 / 213.5
NOT_ANONYMOUS = 0.03
FLAGGED = 0.05
FIRST_DAY = 1_682_294_400  # 2023-04-24, UTC
N_DAYS = 60
LANGUAGE_SD = 40.0
TIE_PARAMETER = 1.35
BOTHBAD_SHIFT = -0.1
VOTERS_PER_BATTLE = 0.72
VOTER_EXPONENT = 0.7

WINNERS = ("model_a", "model_b", "tie", "tie (bothbad)")


@dataclass(frozen=True)
class BattleDesign:
    """What the votes are a function of.

    Attributes:
        seed, rows: of the corpus.
        models: names.
        pair_shares: probability of each ordered pair (model shown first, model shown second), [M, M].
        languages: names; language_shares: their probabilities.
        strengths: rating points of each model in each language, [L, M].
        position_bias: rating points that the model shown first gets on top.
        judges: voters, numbered by falling activity.
    """

    seed: int
    rows: int
    models: tuple[str, ...]
    pair_shares: Floats
    languages: tuple[str, ...]
    language_shares: Floats
    strengths: Floats
    position_bias: float
    judges: int

    @property
    def chunks(self) -> int:
        """Number of chunks, the last one perhaps smaller."""
        return -(-self.rows // CHUNK_ROWS)


def battle_design(
    *, seed: int, rows: int, models: int, judges: int | None = None, position_bias: float = 0.0
) -> BattleDesign:
    """The design of a corpus: strengths around the published ones, shifted in each language but English."""
    drawn = arena_models(seed, models)
    weights = np.array([model.weight for model in drawn])
    pairs = np.outer(weights, weights)
    np.fill_diagonal(pairs, 0.0)
    shifts = LANGUAGE_SD * philox(seed, Stream.STRENGTHS, 1).standard_normal((N_LANGUAGES, 200))[:, :models]
    shifts[0] = 0.0
    return BattleDesign(
        seed=seed,
        rows=rows,
        models=tuple(model.name for model in drawn),
        pair_shares=pairs / pairs.sum(),
        languages=LANGUAGES[:N_LANGUAGES],
        language_shares=language_shares(N_LANGUAGES),
        strengths=np.array([model.strength for model in drawn]) + np.round(shifts, 3),
        position_bias=position_bias,
        judges=judges or max(1, round(rows * VOTERS_PER_BATTLE)),
    )


def outcome_shares(strength_a: Floats, strength_b: Floats, position_bias: float) -> Floats:
    """Probabilities of `WINNERS`, last axis 4, by Davidson's model; both-bad is a share of the ties.

    With d = (strength_a + position_bias - strength_b) ln(10) / 400, the odds of a : b : tie are
    exp(d/2) : exp(-d/2) : TIE_PARAMETER. A tie is both-bad with probability
    expit(BOTHBAD_SHIFT - (mean strength of the two - 1000) / 200): two weak models are more often both bad.

    Source: Davidson 1970, doi:10.1080/01621459.1970.10481082.
    """
    half = (strength_a + position_bias - strength_b) * np.log(10) / 400 / 2
    odds = np.stack([np.exp(half), np.exp(-half), np.full_like(half, TIE_PARAMETER)], axis=-1)
    odds /= odds.sum(axis=-1, keepdims=True)
    bothbad = expit(BOTHBAD_SHIFT - ((strength_a + strength_b) / 2 - 1000) / 200)
    tie = odds[..., 2]
    return np.stack([odds[..., 0], odds[..., 1], tie * (1 - bothbad), tie * bothbad], axis=-1)


def battle_chunk(design: BattleDesign, chunk: int) -> pa.RecordBatch:
    """Rows `chunk * CHUNK_ROWS` and on, in the columns of `BATTLES_DDL`; a row depends on design and number only."""
    rng = philox(design.seed, Stream.BATTLES, chunk)
    n_models = len(design.models)
    ids = hex_ids(rng, CHUNK_ROWS)
    pair = choose(rng, design.pair_shares.ravel(), CHUNK_ROWS)
    model_a, model_b = pair // n_models, pair % n_models
    language = choose(rng, design.language_shares, CHUNK_ROWS)
    shares = outcome_shares(
        design.strengths[language, model_a], design.strengths[language, model_b], design.position_bias
    )
    winner = (rng.random((CHUNK_ROWS, 1)) > np.cumsum(shares, axis=1)[:, :3]).sum(axis=1)
    judge = _draw_judges(rng, design.judges)
    turns = geometric_turns(rng, CHUNK_ROWS, MEAN_TURNS, long_share=0.03, long_mean=3.0)
    anony = rng.random(CHUNK_ROWS) >= NOT_ANONYMOUS
    tstamp = _draw_times(rng, design.seed)

    texts = _draw_texts(rng, LANGUAGE_SCRIPT[language], turns)
    offsets = np.append(0, np.cumsum(2 * turns)).astype(np.int32)
    flagged = rng.random(CHUNK_ROWS) < FLAGGED
    models = pa.array(design.models)
    batch = pa.RecordBatch.from_pydict(
        {
            "question_id": ids,
            "model_a": models.take(pa.array(model_a)),
            "model_b": models.take(pa.array(model_b)),
            "winner": pa.array(WINNERS).take(pa.array(winner)),
            "judge": pa.array([f"arena_user_{number}" for number in judge]),
            "conversation_a": _conversations(texts, offsets, turns, side=0),
            "conversation_b": _conversations(texts, offsets, turns, side=1),
            "turn": pa.array(turns.astype(np.int64)),
            "anony": pa.array(anony),
            "language": pa.array(design.languages).take(pa.array(language)),
            "tstamp": pa.array(tstamp),
            "openai_moderation": draw_moderation(rng, flagged, draw_category_sets(rng, CHUNK_ROWS)),
            "toxic_chat_tag": _draw_toxicity(rng, flagged),
        }
    )
    number = chunk * CHUNK_ROWS + np.arange(CHUNK_ROWS)
    repeats = (number + 1) % DUPLICATE_EVERY == 0
    if repeats.any():
        batch = batch.take(pa.array(np.arange(CHUNK_ROWS) - repeats))
    return batch.slice(0, design.rows - chunk * CHUNK_ROWS)


def count_duplicates(rows: int) -> int:
    """How many of so many records are there twice."""
    return rows // DUPLICATE_EVERY


def _draw_judges(rng: np.random.Generator, judges: int) -> Ints:
    """Voters by Zipf's law: the inverse of its integral, in closed form."""
    power = 1 - VOTER_EXPONENT
    uniform = rng.random(CHUNK_ROWS)
    numbers: Ints = np.floor((1 + uniform * ((judges + 1.0) ** power - 1)) ** (1 / power)).astype(np.int64)
    return np.minimum(numbers, judges)


def _draw_times(rng: np.random.Generator, seed: int) -> Floats:
    """Seconds since 1970, with busy and quiet days and hours."""
    days = philox(seed, Stream.DAYS)
    launch = 1 + 2 * np.exp(-np.arange(N_DAYS) / 7)
    weekend = np.where(np.arange(N_DAYS) % 7 >= 5, 0.75, 1.0)
    day = choose(rng, launch * weekend * np.exp(0.25 * days.standard_normal(N_DAYS)), CHUNK_ROWS)
    hour = choose(rng, 1 + 0.6 * np.sin(2 * np.pi * (np.arange(24) - 9) / 24), CHUNK_ROWS)
    return np.round(FIRST_DAY + 86_400 * day + 3_600 * (hour + rng.random(CHUNK_ROWS)), 4)


def _draw_texts(rng: np.random.Generator, script: Ints, turns: Ints) -> pa.Array:
    """All prompts, then the answers of side a, then those of side b; both sides answer the same prompts."""
    row = np.repeat(np.arange(CHUNK_ROWS), turns)
    answer = np.repeat([False, True, True], len(row))
    starts = np.cumsum(turns) - turns
    first = np.zeros(len(answer), dtype=bool)
    first[starts] = True
    script, n_pieces, popular = draw_lengths(
        rng,
        script=np.tile(script[row], 3),
        answer=answer,
        mean=np.where(answer, ANSWER_LENGTH * ANSWER_TOKENS, PROMPT_LENGTH * PROMPT_TOKENS),
        sd_over_mean=np.where(answer, ANSWER_SD / ANSWER_TOKENS, PROMPT_SD / PROMPT_TOKENS),
        first=first,
    )
    nobody = np.zeros(len(answer), dtype=bool)
    texts, _ = compose_texts(rng, script=script, n_pieces=n_pieces, answer=answer, named=nobody, popular=popular)
    return texts


def _conversations(texts: pa.Array, offsets: Ints, turns: Ints, *, side: int) -> pa.ListArray:
    n_turns = int(turns.sum())
    exchange = np.repeat(np.arange(n_turns), 2)
    answer = np.tile([0, 1], n_turns)
    content = texts.take(pa.array(exchange + answer * (1 + side) * n_turns))
    messages = pa.StructArray.from_arrays([content, ROLES.take(pa.array(answer))], ["content", "role"])
    return pa.ListArray.from_arrays(pa.array(offsets), messages)


def _draw_toxicity(rng: np.random.Generator, flagged: Bools) -> pa.StructArray:
    """The two classifiers' tags: they mostly agree with the moderation flag and with each other."""
    tags = []
    toxic = np.where(rng.random(CHUNK_ROWS) < np.where(flagged, 0.7, 0.02), 3.0, -4.5)
    for value in ("probability", "score"):
        probability = expit(toxic + 1.5 * rng.standard_normal(CHUNK_ROWS))
        tags.append(
            pa.StructArray.from_arrays([pa.array(probability > 0.5), pa.array(probability)], ["flagged", value])
        )
    return pa.StructArray.from_arrays(tags, ["roberta-large", "t5-large"])
