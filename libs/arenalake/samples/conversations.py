"""Conversations in the published format of LMSYS-Chat-1M, one chunk of rows at a time."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from arenalake.entities.moderation import MODERATION_TYPE
from arenalake.samples.draws import Bools, Floats, Ints, Stream, choose, geometric_turns, hex_ids, lognormal, philox
from arenalake.samples.languages import LANGUAGE_SCRIPT, LANGUAGES, language_shares
from arenalake.samples.models import CHAT_MODELS, chat_shares
from arenalake.samples.moderation import draw_category_sets, draw_moderation
from arenalake.samples.text import compose_texts, pieces_for
from arenalake.samples.vocabulary import POPULAR_PROMPTS, SCRIPT_INDEX

CONVERSATIONS_DDL = (
    "conversation_id string, model string, conversation array<struct<content:string,role:string>>, turn bigint, "
    f"language string, openai_moderation array<{MODERATION_TYPE}>, redacted boolean"
)
CHUNK_ROWS = 250

# The published means (69.5 and 214.5) count one BOS per text, so a text itself is one token shorter. Other prompts are
# a little longer, because the ready-made ones are short. The spread of prompts is the published one (143.5); that of
# answers is smaller (1,858 is published), because a few answers of a million characters would help nobody.
PROMPT_TOKENS, PROMPT_SD = 68.5 + 1.4, 146.0
ANSWER_TOKENS, ANSWER_SD = 213.5 + 0.4, 340.0
MEAN_TURNS = 2.0
EMPTY_ANSWERS = 0.002
NAMED_CONVERSATIONS = 0.12
POPULAR_FIRST_PROMPTS = 0.06
REPEATED_FLAG = 0.15

_ENGLISH = SCRIPT_INDEX["english"]
_SYMBOLS = SCRIPT_INDEX["symbols"]
ROLES = pa.array(["user", "assistant"])


@dataclass(frozen=True)
class ConversationPlan:
    """What the conversations are a function of."""

    seed: int
    rows: int
    uniform_models: bool = False

    @property
    def chunks(self) -> int:
        """Number of chunks, the last one perhaps smaller."""
        return -(-self.rows // CHUNK_ROWS)


def conversation_chunk(plan: ConversationPlan, chunk: int) -> pa.RecordBatch:
    """Rows `chunk * CHUNK_ROWS` and on, in the columns of `CONVERSATIONS_DDL`.

    A row depends on the seed and its own number only: a larger corpus of the same seed starts with a smaller one.
    """
    rng = philox(plan.seed, Stream.CONVERSATIONS, chunk)
    ids = hex_ids(rng, CHUNK_ROWS)
    model = choose(rng, chat_shares(uniform=plan.uniform_models), CHUNK_ROWS)
    language = choose(rng, language_shares(len(LANGUAGES)), CHUNK_ROWS)
    turns = geometric_turns(rng, CHUNK_ROWS, MEAN_TURNS, long_share=0.12, long_mean=5.0)
    named = rng.random(CHUNK_ROWS) < NAMED_CONVERSATIONS

    row = np.repeat(np.arange(CHUNK_ROWS), 2 * turns)
    ends = np.cumsum(2 * turns)
    position = np.arange(ends[-1]) - np.repeat(ends - 2 * turns, 2 * turns)
    answer = position % 2 == 1
    verbosity = _verbosity(plan)[model]
    script, n_pieces, popular = draw_lengths(
        rng,
        script=LANGUAGE_SCRIPT[language][row],
        answer=answer,
        mean=np.where(answer, ANSWER_TOKENS * verbosity[row], PROMPT_TOKENS),
        sd_over_mean=np.where(answer, ANSWER_SD / ANSWER_TOKENS, PROMPT_SD / PROMPT_TOKENS),
        first=position == 0,
    )
    texts, has_name = compose_texts(
        rng, script=script, n_pieces=n_pieces, answer=answer, named=named[row], popular=popular
    )
    flagged = _draw_flags(rng, model, turns, row, position)
    moderation = draw_moderation(rng, flagged, draw_category_sets(rng, CHUNK_ROWS)[row])

    offsets = pa.array(np.append(0, ends).astype(np.int32))
    messages = pa.StructArray.from_arrays([texts, ROLES.take(pa.array(answer.astype(np.int8)))], ["content", "role"])
    redacted = np.zeros(CHUNK_ROWS, dtype=bool)
    redacted[row[has_name]] = True
    batch = pa.RecordBatch.from_pydict(
        {
            "conversation_id": ids,
            "model": pa.array([chat.name for chat in CHAT_MODELS]).take(pa.array(model)),
            "conversation": pa.ListArray.from_arrays(offsets, messages),
            "turn": pa.array(turns.astype(np.int64)),
            "language": pa.array(LANGUAGES).take(pa.array(language)),
            "openai_moderation": pa.ListArray.from_arrays(offsets, moderation),
            "redacted": pa.array(redacted),
        }
    )
    return batch.slice(0, plan.rows - chunk * CHUNK_ROWS)


def draw_lengths(
    rng: np.random.Generator, *, script: Ints, answer: Bools, mean: Floats, sd_over_mean: Floats, first: Bools
) -> tuple[Ints, Ints, Ints]:
    """Script, length in pieces and ready-made prompt (or -1) of each message.

    The answer to what is in no language is English; some English conversations open with a ready-made prompt.
    """
    script = np.where(answer & (script == _SYMBOLS), _ENGLISH, script)
    n_pieces = pieces_for(lognormal(rng, mean, sd_over_mean), script, answer)
    n_pieces[answer & (rng.random(len(answer)) < EMPTY_ANSWERS)] = 0
    asked = first & (script == _ENGLISH) & (rng.random(len(answer)) < POPULAR_FIRST_PROMPTS)
    rank = np.floor((len(POPULAR_PROMPTS) + 1.0) ** rng.random(len(answer))).astype(np.int64) - 1
    return script, n_pieces, np.where(asked, rank, -1)


def _verbosity(plan: ConversationPlan) -> Floats:
    verbosity = np.array([chat.verbosity for chat in CHAT_MODELS])
    mean: Floats = verbosity @ chat_shares(uniform=plan.uniform_models)
    return verbosity / mean


def _draw_flags(rng: np.random.Generator, model: Ints, turns: Ints, row: Ints, position: Ints) -> Bools:
    """Which messages are flagged: by conversation the user's, the answer, both or none, all in one turn or more."""
    attempt, yields, unprovoked = np.array([(chat.attempt, chat.yields, chat.unprovoked) for chat in CHAT_MODELS]).T[
        :, model
    ]
    user = rng.random(CHUNK_ROWS) < attempt
    model_too = rng.random(CHUNK_ROWS) < np.where(user, yields, unprovoked)
    turn = np.floor(rng.random(CHUNK_ROWS) * turns).astype(np.int64)
    again = rng.random(len(row)) < REPEATED_FLAG
    here = (position // 2 == turn[row]) | again
    flagged: Bools = here & np.where(position % 2 == 1, model_too[row], user[row])
    return flagged
