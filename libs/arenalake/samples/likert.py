"""A study on a Likert scale: every pair of models on every prompt, rated by people and by a model who lean to a side.

It has the sizes of "Can foundation models label data like humans?": four models and a person's answers, 327 prompts.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.special import expit

from arenalake.samples.draws import Floats, Ints, Stream, lognormal, philox
from arenalake.samples.text import compose_texts, pieces_for
from arenalake.samples.vocabulary import SCRIPT_INDEX

LIKERT_DDL = (
    "question_id string, category string, prompt string, prompt_variant string, model_a string, model_b string, "
    "completion_a string, completion_b string, rater string, rater_kind string, rating bigint"
)
CODING = "natural language to code"
_CATEGORIES = (
    "brainstorm",
    "creative generation",
    "commonsense reasoning",
    "question answering",
    "summarization",
)
# Share of the prompts that ask for code: 25 of 327.
_CODING_SHARE = 25 / 327
# Rating points; the person is one more contestant.
MODELS = {"vicuna-13b": 1140.0, "koala-13b": 1073.0, "oasst-12b": 986.0, "human": 950.0, "dolly-12b": 802.0}
CHUNK_PROMPTS = 20
# Tokens of prompts and answers, mean and standard deviation.
_PROMPT_TOKENS, _ANSWER_TOKENS = (24.0, 38.0), (69.0, 79.0)


@dataclass(frozen=True)
class Rater:
    """Who rates: a name, a kind, and what the ratings lean to.

    Attributes:
        lean: rating points that the answer shown first gets on top.
        middle: half of the width, in log odds, of what is graded 4 or 5: the wider, the more ties.
    """

    name: str
    kind: str
    lean: float
    middle: float


RATERS = (
    Rater("rater_1", "human", 0.0, 0.4),
    Rater("rater_2", "human", 15.0, 0.6),
    Rater("gpt-4", "model", 120.0, 0.2),
)
# Beyond the middle each grade is so much wider than the one before, in log odds.
_STEP = 0.8


@dataclass(frozen=True)
class LikertDesign:
    """What the ratings are a function of."""

    seed: int
    prompts: int
    raters: tuple[Rater, ...] = RATERS

    @property
    def chunks(self) -> int:
        """Number of chunks, the last one perhaps smaller."""
        return -(-self.prompts // CHUNK_PROMPTS)

    @property
    def rows(self) -> int:
        """Ratings in all."""
        return self.prompts * _N_PAIRS * len(self.raters)


_NAMES = tuple(MODELS)
_PAIRS = np.array([(a, b) for a in range(len(_NAMES)) for b in range(a + 1, len(_NAMES))])
_N_PAIRS = len(_PAIRS)


def grade_shares(difference: Floats, rater: Rater) -> Floats:
    """Probabilities of the grades 1 to 8, last axis 8, by a proportional odds model.

    Args:
        difference: rating points of the answer shown first less those of the other.
        rater: who rates. Without ties, the first wins by Bradley and Terry's model with the lean on top.

    Source: McCullagh 1980, doi:10.1111/j.2517-6161.1980.tb01109.x.
    """
    for_first = (difference + rater.lean) * np.log(10) / 400
    ends = np.array([0.0, rater.middle, rater.middle + _STEP, rater.middle + 2 * _STEP])
    cuts = np.concatenate([-ends[:0:-1], ends])
    below = expit(cuts + np.asarray(for_first)[..., None])
    edges = np.concatenate([np.zeros((*below.shape[:-1], 1)), below, np.ones((*below.shape[:-1], 1))], axis=-1)
    shares: Floats = np.diff(edges, axis=-1)
    return shares


def likert_chunk(design: LikertDesign, chunk: int) -> pa.RecordBatch:
    """The ratings of prompts `chunk * CHUNK_PROMPTS` and on; a row depends on design and number only.

    All raters see a pair in the same order, which is drawn.
    """
    rng = philox(design.seed, Stream.LIKERT, chunk)
    numbers = chunk * CHUNK_PROMPTS + np.arange(CHUNK_PROMPTS)
    n_coding = round(design.prompts * _CODING_SHARE)
    categories = np.where(numbers < n_coding, CODING, np.array(_CATEGORIES)[numbers % len(_CATEGORIES)])
    prompts = _texts(rng, CHUNK_PROMPTS, _PROMPT_TOKENS, answer=False)
    answers = _texts(rng, CHUNK_PROMPTS * len(_NAMES), _ANSWER_TOKENS, answer=True)
    swapped = rng.random((CHUNK_PROMPTS, _N_PAIRS)) < 0.5
    first = np.where(swapped, _PAIRS[:, 1], _PAIRS[:, 0])
    second = np.where(swapped, _PAIRS[:, 0], _PAIRS[:, 1])
    strengths = np.array(list(MODELS.values()))
    difference = strengths[first] - strengths[second]
    uniform = rng.random((CHUNK_PROMPTS, _N_PAIRS, len(design.raters), 1))
    shares = np.stack([grade_shares(difference, rater) for rater in design.raters], axis=2)
    grades = 1 + (uniform > np.cumsum(shares, axis=-1)[..., :7]).sum(axis=-1)

    kept = np.flatnonzero(numbers < design.prompts)
    prompt, pair, rater = (axis.ravel() for axis in np.indices((len(kept), _N_PAIRS, len(design.raters))))
    a, b = first[prompt, pair], second[prompt, pair]
    names = np.array(_NAMES)
    return pa.RecordBatch.from_pydict(
        {
            "question_id": pa.array([f"prompt_{number}" for number in numbers[prompt]]),
            "category": pa.array(categories[prompt]),
            "prompt": prompts.take(pa.array(prompt)),
            "prompt_variant": pa.nulls(len(prompt), pa.string()),
            "model_a": pa.array(names[a]),
            "model_b": pa.array(names[b]),
            "completion_a": answers.take(pa.array(prompt * len(_NAMES) + a)),
            "completion_b": answers.take(pa.array(prompt * len(_NAMES) + b)),
            "rater": pa.array([design.raters[place].name for place in rater]),
            "rater_kind": pa.array([design.raters[place].kind for place in rater]),
            "rating": pa.array(grades[prompt, pair, rater].astype(np.int64)),
        }
    )


def _texts(rng: np.random.Generator, size: int, tokens: tuple[float, float], *, answer: bool) -> pa.Array:
    mean, sd = tokens
    script: Ints = np.full(size, SCRIPT_INDEX["latin"])
    is_answer = np.full(size, answer)
    drawn = lognormal(rng, np.full(size, mean), np.full(size, sd / mean))
    n_pieces = np.maximum(pieces_for(drawn, script, is_answer), 1)
    nobody, own = np.zeros(size, dtype=bool), np.full(size, -1)
    texts, _ = compose_texts(rng, script=script, n_pieces=n_pieces, answer=is_answer, named=nobody, popular=own)
    return texts
