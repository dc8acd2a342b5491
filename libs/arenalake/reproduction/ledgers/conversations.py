"""Published figures of LMSYS-Chat-1M and Chatbot Arena."""

from arenalake.entities.tables import BATTLES, INGESTED_FILES
from arenalake.moderation.tables import MODERATION_ANSWERS, MODERATION_CONVERSATIONS, MODERATION_STATS
from arenalake.reproduction.ledger import LLAMA_2, Figure, Ledger
from arenalake.tokens.tables import CONVERSATION_TOKEN_STATS, TOKEN_STATS

PAPER = "Zheng et al. (2023), LMSYS-Chat-1M, arXiv:2309.11998"
WILDCHAT = "Zhao et al. (2024), WildChat, arXiv:2405.01470, Table 1"
CARD = "https://huggingface.co/datasets/lmsys/lmsys-chat-1m"
ARENA_CARD = "https://huggingface.co/datasets/lmsys/chatbot_arena_conversations"


def _overall(column: str, measure: str) -> str:
    # With each tokenizer there is a row, of which the first is as good as any: they all count the same turns.
    return f"min_by({column}, tokenizer) FILTER (WHERE grouping = 'all' AND measure = '{measure}')"


def _tokens(column: str, role: str) -> str:
    return f"max({column}) FILTER (WHERE grouping = 'all' AND role = '{role}' AND tokenizer = {LLAMA_2})"


def _token_figures(citation: str, definition: str, values: dict[str, tuple[float, float]]) -> tuple[Figure, ...]:
    """Mean, or mean and standard deviation where the second is not 0, of prompts and responses by role."""
    figures = []
    for role, (mean, sd) in values.items():
        what = {"user": "tokens per prompt", "assistant": "tokens per response"}[role]
        rounding = 0.005 if sd else 0.05
        figures.append(
            Figure(what, "tokens (mean)", mean, citation, definition, TOKEN_STATS, _tokens("mean", role), rounding)
        )
        if sd:
            figures.append(
                Figure(f"{what}, sd", "tokens (sd)", sd, citation, definition, TOKEN_STATS, _tokens("sd", role), 0.005)
            )
    return tuple(figures)


_FASTCHAT_TOKENS = (
    "mean over messages of the length in Llama-2's tokens with one beginning-of-sequence token per text and 0 for an "
    "empty response (FastChat, lmsys_chat_1m/compute_stats.py)"
)
_NO_USERS = "the release has no user ids: they were dropped before it was published"
_NO_TIMES = "the release has no times: they were dropped before it was published"

# Conversations with a flagged message, by category; 54,427 of them have any flag.
_FLAGGED = {"sexual": 33_968, "harassment": 21_167, "violence": 9_499, "hate": 3_591, "self-harm": 863}
# Conversations, those with a flagged message of the user, and those with a flagged answer, by model.
_ATTEMPTS = {
    "vicuna-13b": (490_712, 15_925, 13_463),
    "gpt-4": (7_304, 368, 109),
    "claude-2": (2_241, 78, 18),
}


def _flagged_figures() -> tuple[Figure, ...]:
    folded = "conversations with a message flagged in the category or in one of its sub-categories, each counted once"
    rows = [("conversations flagged", "any", 54_427, "conversations with a flagged message")]
    rows += [(f"conversations flagged: {category}", category, n, folded) for category, n in _FLAGGED.items()]
    return tuple(
        Figure(
            name,
            "conversations",
            n,
            PAPER,
            definition,
            MODERATION_CONVERSATIONS,
            f"max(n_flagged) FILTER (WHERE grouping = 'all' AND unit = 'conversation' AND category = '{category}')",
        )
        for name, category, n, definition in rows
    )


def _attempt_figures() -> tuple[Figure, ...]:
    citation = f"{PAPER}, Table 4"
    figures = []
    for model, (conversations, attempts, successes) in _ATTEMPTS.items():
        of_model = f"FILTER (WHERE grouping = 'model' AND model = '{model}' AND category = 'any')"
        of_turns = f"FILTER (WHERE grouping = 'model' AND model = '{model}' AND measure = 'turns')"
        rows = (
            ("conversations", conversations, "conversations with the model", CONVERSATION_TOKEN_STATS, of_turns),
            ("attempts", attempts, "conversations with a flagged message of the user", MODERATION_ANSWERS, of_model),
            ("flagged answers", successes, "conversations with a flagged answer", MODERATION_ANSWERS, of_model),
            (
                "flagged answers to attempts",
                successes,
                "conversations with a flagged answer right after a flagged message of the user; the table does not say "
                "whether it counts these or all flagged answers",
                MODERATION_ANSWERS,
                of_model,
            ),
        )
        columns = ("n_conversations", "n_user_flagged", "n_answer_flagged", "n_answered")
        for column, (name, n, definition, table, where) in zip(columns, rows, strict=True):
            ours = f"{f'min_by({column}, tokenizer)' if where == of_turns else f'max({column})'} {where}"
            figures.append(Figure(f"{model}: {name}", "conversations", n, citation, definition, table, ours))
    return tuple(figures)


LMSYS_CHAT_1M = Ledger(
    records=1_000_000,
    figures=(
        Figure(
            "conversations",
            "conversations",
            1_000_000,
            f"{PAPER}, Table 1",
            "conversations in the release",
            CONVERSATION_TOKEN_STATS,
            _overall("n_conversations", "turns"),
        ),
        Figure(
            "models",
            "models",
            25,
            f"{PAPER}, Table 1",
            "distinct models",
            CONVERSATION_TOKEN_STATS,
            "size(collect_set(model) FILTER (WHERE grouping = 'model'))",
        ),
        Figure(
            "users",
            "users",
            210_479,
            f"{PAPER}, Table 1",
            "distinct IP addresses",
            reason=_NO_USERS,
        ),
        Figure(
            "languages",
            "languages",
            154,
            f"{PAPER}, Table 1",
            "distinct language tags of conversations, as published; `unknown` is one of them",
            CONVERSATION_TOKEN_STATS,
            "size(collect_set(language) FILTER (WHERE grouping = 'language'))",
        ),
        Figure(
            "turns per conversation",
            "turns (mean)",
            2.0,
            f"{PAPER}, Table 1",
            "mean number of user messages per conversation",
            CONVERSATION_TOKEN_STATS,
            _overall("mean", "turns"),
            tolerance=0.05,
        ),
        *_token_figures(f"{PAPER}, Table 1", _FASTCHAT_TOKENS, {"user": (69.5, 0), "assistant": (214.5, 0)}),
        Figure(
            "months",
            "months",
            5,
            f"{PAPER}, abstract",
            "April to August 2023",
            reason=_NO_TIMES,
        ),
        *_flagged_figures(),
        *_attempt_figures(),
        Figure(
            "download size",
            "bytes",
            1_488_850_250,
            CARD,
            "bytes of the published files; files that were rewritten have another size",
            INGESTED_FILES,
            "size",
        ),
        Figure(
            "data set size",
            "bytes",
            2_626_438_904,
            CARD,
            "bytes of the data set in memory, as the package `datasets` counts them",
            reason="the figure is the size in the memory of another package",
        ),
        Figure(
            "turns per conversation",
            "turns (mean)",
            2.02,
            WILDCHAT,
            "mean number of user messages per conversation, counted again by the authors of WildChat",
            CONVERSATION_TOKEN_STATS,
            _overall("mean", "turns"),
            tolerance=0.005,
        ),
        *_token_figures(
            WILDCHAT,
            "mean and standard deviation over messages of the length in Llama-2's tokens, counted again by the authors "
            "of WildChat; they do not state whether a beginning-of-sequence token is counted, and ours counts it",
            {"user": (69.83, 143.49), "assistant": (215.71, 1858.09)},
        ),
        Figure(
            "languages",
            "languages",
            65,
            WILDCHAT,
            "languages that the authors of WildChat detected themselves",
            reason="the figure is from another language detection; the tags of the release are from CLD2",
        ),
        Figure(
            "flagged user messages",
            "%",
            3.08,
            WILDCHAT,
            "share of the user's messages that are flagged, out of those that have a flag",
            MODERATION_STATS,
            "max(100 * rate) FILTER (WHERE grouping = 'all' AND role = 'user' AND category = 'any' "
            "AND unit = 'message')",
            tolerance=0.005,
        ),
    ),
)

ARENA_33K = Ledger(
    records=33_000,
    figures=(
        Figure("battles", "battles", 33_000, ARENA_CARD, "votes in the release", BATTLES, "count(*)"),
        Figure(
            "models",
            "models",
            20,
            ARENA_CARD,
            "distinct models on either side",
            BATTLES,
            "size(array_union(collect_set(model_a), collect_set(model_b)))",
        ),
        Figure("users", "users", 13_383, ARENA_CARD, "distinct voters", BATTLES, "count(DISTINCT judge)"),
        Figure(
            "languages",
            "languages",
            96,
            ARENA_CARD,
            "distinct language tags of battles, as published; `unknown` is one of them",
            BATTLES,
            "size(collect_set(language))",
        ),
        Figure(
            "turns per battle",
            "turns (mean)",
            1.2,
            ARENA_CARD,
            "mean number of turns of a battle",
            BATTLES,
            "sum(turn) / count(turn)",
            tolerance=0.05,
        ),
        *_token_figures(
            ARENA_CARD,
            f"{_FASTCHAT_TOKENS}; over the conversations of both sides",
            {"user": (52.3, 0), "assistant": (189.5, 0)},
        ),
        Figure(
            "months",
            "months",
            3,
            ARENA_CARD,
            "months with a vote, April to June 2023 (UTC)",
            BATTLES,
            "size(collect_set(date_format(tstamp, 'yyyy-MM')))",
        ),
    ),
)
