"""The ledger: every figure that is published about a data set, how it was counted, and what it is in our tables.

A figure is compared with a rounding of the published digits as tolerance; a count has to be equal. `ours` is a Spark
aggregate over the rows that one table has of a source, or the name of a sum over its raw files. `llama_2` in it is the
name of Llama-2's tokenizer with one beginning-of-sequence token per text.
"""

from dataclasses import dataclass

from arenalake.entities.tables import BATTLES, INGESTED_FILES, LIKERT_RECORDS, TREE_MESSAGES
from arenalake.judges.tables import AGREEMENT_STATS, JUDGE_WIN_RATES
from arenalake.lake.table import Table
from arenalake.moderation.tables import MODERATION_ANSWERS, MODERATION_CONVERSATIONS, MODERATION_STATS
from arenalake.preferences import published
from arenalake.preferences.tables import CASE_COUNTS, PROPERTY_STATS
from arenalake.tokens.tables import CONVERSATION_TOKEN_STATS, TOKEN_STATS
from arenalake.trees.tables import LABEL_STATS, THREADS, TREE_STATS

LLAMA_2 = "llama_2"
# SHA-256 of the file tokenizer.model of Llama and Llama-2, and so of every Vicuna.
LLAMA_2_DIGEST = "9e556afd44213b6bd1be2b850ebbbd98f5481437a8021afaf58ee7fb1818d347"

PAPER = "Zheng et al. (2023), LMSYS-Chat-1M, arXiv:2309.11998"
WILDCHAT = "Zhao et al. (2024), WildChat, arXiv:2405.01470, Table 1"
CARD = "https://huggingface.co/datasets/lmsys/lmsys-chat-1m"
MT_BENCH = "Zheng et al. (2023), Judging LLM-as-a-Judge, arXiv:2306.05685"
MT_BENCH_CARD = "https://huggingface.co/datasets/lmsys/mt_bench_human_judgments"
LIKERT = "Rajani et al. (2023), Can foundation models label data like humans?"
PREFERENCE_CARD = "https://huggingface.co/datasets/GAIR/preference-dissection"
ARENA_CARD = "https://huggingface.co/datasets/lmsys/chatbot_arena_conversations"

# Units whose figures count persons, or records that a person made.
PERSONAL_UNITS = ("conversations", "battles", "users", "messages", "trees", "pairs")


@dataclass(frozen=True)
class Figure:
    """One published figure.

    Attributes:
        unit: what is counted; with `(mean)` or `(sd)` behind it, or `%`, where it is no count.
        table, ours: where our figure is; None where the release cannot give it.
        reason: why it cannot be recomputed. Where there is something of ours all the same, it is shown, not compared.
        tolerance: greatest difference that still counts as a match.
        records: size of the part of a release that the figure is about; None for the whole.
    """

    name: str
    unit: str
    published: float
    citation: str
    definition: str
    table: Table | None = None
    ours: str = ""
    tolerance: float = 0.0
    reason: str = ""
    records: int | None = None

    @property
    def uses_llama_2(self) -> bool:
        """Whether it needs counts by Llama-2's tokenizer."""
        return LLAMA_2 in self.ours


@dataclass(frozen=True)
class Ledger:
    """The figures of one published format.

    Attributes:
        records: number of records of the release; a source with another number is a part of it, or something else.
    """

    records: int
    figures: tuple[Figure, ...]


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


_LMSYS_CHAT_1M = Ledger(
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
            "bytes of the published files; files that were written anew have another size",
            INGESTED_FILES,
            "size",
        ),
        Figure(
            "data set size",
            "bytes",
            2_626_438_904,
            CARD,
            "bytes of the data set in memory, as the package `datasets` counts them",
            reason="it is the size of another package's representation in memory",
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
            "of WildChat; whether with a beginning-of-sequence token is not said, here it is counted",
            {"user": (69.83, 143.49), "assistant": (215.71, 1858.09)},
        ),
        Figure(
            "languages",
            "languages",
            65,
            WILDCHAT,
            "languages that the authors of WildChat detected themselves",
            reason="it is the number that another detection found; the tags of the release were made by CLD2",
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

_ARENA_33K = Ledger(
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

OASST_PAPER = "Köpf et al. (2023), OpenAssistant Conversations, arXiv:2304.07327"
OASST_CARD = "https://huggingface.co/datasets/OpenAssistant/oasst1"
_ALL, _READY, _TRAIN, _VALIDATION = 161_443, 88_838, 84_437, 4_401
_OASST_LANGUAGES = {
    "en": 71_956,
    "es": 43_061,
    "ru": 9_089,
    "de": 5_279,
    "zh": 4_962,
    "fr": 4_251,
    "th": 3_042,
    "pt-BR": 2_969,
    "ca": 2_260,
    "ko": 1_553,
    "uk-UA": 1_352,
    "it": 1_320,
    "ja": 1_018,
}
_NO_DEFINITION = (
    "WildChat's authors do not say how they made conversations of trees; ours are the threads as configured"
)


def _of_trees(column: str, where: str = "grouping = 'all'") -> str:
    return f"max({column}) FILTER (WHERE {where})"


def _oasst_figures() -> tuple[Figure, ...]:
    def size(name: str, n: int, citation: str, definition: str) -> Figure:
        return Figure(name, "messages", n, citation, definition, TREE_STATS, _of_trees("n_messages"), records=n)

    def of_all(name: str, unit: str, n: int, citation: str, definition: str, ours: str, reason: str = "") -> Figure:
        return Figure(name, unit, n, citation, definition, TREE_STATS, ours, reason=reason, records=_ALL)

    def in_train(name: str, n: int) -> Figure:
        definition = f"messages of the split train in which {name} is not null"
        return Figure(
            f"{name} given", "messages", n, OASST_CARD, definition, TREE_MESSAGES, f"count({name})", records=_TRAIN
        )

    n_messages = "n_messages"
    return (
        size("messages", _ALL, OASST_PAPER, "messages of all trees, in whatever state"),
        size("messages ready for export", _READY, OASST_CARD, "messages of both splits of the flat release"),
        size("messages, train", _TRAIN, OASST_CARD, "messages of the split train"),
        size("messages, validation", _VALIDATION, OASST_CARD, "messages of the split validation"),
        of_all("trees", "trees", 66_497, OASST_PAPER, "messages that answer no other", _of_trees("n_trees")),
        Figure(
            "trees ready for export",
            "trees",
            10_364,
            OASST_CARD,
            "first messages of both splits of the flat release",
            TREE_STATS,
            _of_trees("n_trees"),
            records=_READY,
        ),
        of_all("prompts alone", "trees", 52_159, OASST_CARD, "trees of one message", _of_trees("n_prompts_alone")),
        of_all(
            "complete trees",
            "trees",
            10_968,
            OASST_PAPER,
            "trees that went through all states",
            _of_trees("n_trees", "grouping = 'tree_state' AND tree_state = 'ready_for_export'"),
            reason="which states count as complete is not published; ours are those ready for export, of which the "
            "card has 10,364 and so 604 fewer",
        ),
        of_all(
            "messages of complete trees",
            "messages",
            92_365,
            OASST_PAPER,
            "messages of trees that went through all states",
            _of_trees(n_messages, "grouping = 'tree_state' AND tree_state = 'ready_for_export'"),
            reason="which states count as complete is not published; ours are those ready for export, of which the "
            "card has 88,838 messages",
        ),
        *(
            of_all(
                f"messages by {role}s" if role == "prompter" else "messages by assistants",
                "messages",
                n,
                OASST_PAPER,
                f"messages of the role {role}",
                _of_trees(n_messages, f"grouping = 'role' AND role = '{role}'"),
            )
            for role, n in (("prompter", 91_829), ("assistant", 69_614))
        ),
        of_all("synthetic messages", "messages", 8_576, OASST_PAPER, "messages by a model", _of_trees("n_synthetic")),
        of_all(
            "languages",
            "languages",
            35,
            OASST_PAPER,
            "distinct published codes of languages",
            "count(language) FILTER (WHERE grouping = 'language')",
        ),
        *(
            of_all(
                f"messages in {language}",
                "messages",
                n,
                OASST_CARD,
                "messages with this code as language",
                _of_trees(n_messages, f"grouping = 'language' AND language = '{language}'"),
            )
            for language, n in _OASST_LANGUAGES.items()
        ),
        of_all(
            "messages in the 35 languages of the card",
            "messages",
            160_519,
            OASST_CARD,
            "sum over the card's table of languages; ours is the sum over all codes",
            "sum(n_messages) FILTER (WHERE grouping = 'language' AND language IS NOT NULL)",
            reason="the card contradicts itself: its table of languages adds up to 924 fewer messages than it says "
            "that there are, and does not say which languages it leaves out",
        ),
        Figure(
            "quality ratings",
            "ratings",
            461_292,
            OASST_PAPER,
            "ratings of the label `quality`",
            LABEL_STATS,
            "max(n_ratings) FILTER (WHERE grouping = 'all' AND label = 'quality')",
            reason="the paper does not say which of the labels count as a rating of quality",
            records=_ALL,
        ),
        of_all(
            "volunteers",
            "users",
            13_500,
            OASST_PAPER,
            "people who took part; ours wrote a message",
            _of_trees("n_contributors"),
            reason="it is published as `over 13,500`, and those who only rated or ranked are in no record",
        ),
        *(
            in_train(name, n)
            for name, n in {
                "parent_id": 74_591,
                "rank": 48_730,
                "review_result": 83_732,
                "detoxify": 72_297,
                "emojis": 71_496,
                "labels": 84_199,
            }.items()
        ),
        *(
            Figure(name, unit, n, WILDCHAT, definition, THREADS, ours, reason=_NO_DEFINITION, records=_READY)
            for name, unit, n, definition, ours in (
                ("conversations", "conversations", 46_283, "conversations made of the trees", "count(*)"),
                ("turns per conversation", "turns (mean)", 2.34, "messages of the user", "avg(turns)"),
                ("languages of conversations", "languages", 11, "of conversations", "count(DISTINCT language)"),
            )
        ),
        *(
            Figure(name, "tokens (mean)", n, WILDCHAT, "in Llama-2's tokens", reason=_NO_DEFINITION)
            for name, n in (("tokens per prompt", 33.41), ("tokens per response", 211.76))
        ),
        *(
            Figure(
                f"preference study: {name}",
                "%",
                n,
                OASST_PAPER,
                "share of votes for this model's answers",
                reason="it needs the votes of the study, which are not in the release",
            )
            for name, n in (("OpenAssistant", 48.3), ("gpt-3.5-turbo", 51.7))
        ),
    )


# A source with another number of records may still be one of the parts that figures are about.
_OASST1 = Ledger(records=_ALL, figures=_oasst_figures())

_TABLE_5 = {
    # judges, turn: agreement in per cent and pairs of votes, with ties and without
    ("expert", "expert", 1): ((63, 721), (81, 479)),
    ("expert", "expert", 2): ((67, 707), (82, 474)),
    ("expert", "gpt-4", 1): ((66, 1_343), (85, 859)),
    ("expert", "gpt-4", 2): ((66, 1_325), (85, 864)),
}
_CATEGORIES = ("writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities")
_TABLE_7 = {
    "gpt-4": (61.2, 67.9, 49.3, 66.1, 56.3, 66.2, 76.6, 72.2),
    "gpt-3.5-turbo": (50.9, 60.6, 32.6, 63.8, 55.0, 48.8, 52.8, 53.8),
    "vicuna-13b-v1.2": (39.7, 39.2, 20.1, 18.0, 36.9, 29.2, 47.0, 47.5),
    "llama-13b": (15.1, 15.1, 7.8, 7.5, 2.1, 9.3, 6.8, 10.1),
}
# Consistent, biased towards the first and the second answer, in per cent.
_TABLE_2 = {"Claude-v1": (23.8, 75.0, 0.0), "GPT-3.5": (46.2, 50.0, 1.2), "GPT-4": (65.0, 30.0, 5.0)}
_GROUPED = "judges.groups must be {expert: 'expert_*', author: 'author_*', gpt-4: gpt4_pair}"
_NO_SWAPS = "the release has one verdict for both orders of a pair; what was said on each is not in it"


def _agreement_figures() -> tuple[Figure, ...]:
    figures = []
    for (judge_a, judge_b, turn), setups in _TABLE_5.items():
        for setup, (rate, pairs) in zip(("with_ties", "without_ties"), setups, strict=True):
            where = (
                f"FILTER (WHERE level = 'group' AND grouping = 'turn' AND turn = {turn} AND judge_a = '{judge_a}' AND "
                f"judge_b = '{judge_b}' AND setup = '{setup}' AND measure = 'agreement')"
            )
            name = f"{judge_a} and {judge_b}, turn {turn}, {setup.replace('_', ' ')}"
            definition = f"pairs of votes of different judges on the same question, models and turn; {_GROUPED}"
            citation = f"{MT_BENCH}, Table 5"
            figures += [
                Figure(
                    f"{name}: agreement",
                    "%",
                    rate,
                    citation,
                    definition,
                    AGREEMENT_STATS,
                    f"100 * max(value) {where}",
                    0.5,
                ),
                Figure(
                    f"{name}: pairs of votes",
                    "pairs of votes",
                    pairs,
                    citation,
                    definition,
                    AGREEMENT_STATS,
                    f"max(n) {where}",
                ),
            ]
    return tuple(figures)


def _win_rate_figures() -> tuple[Figure, ...]:
    definition = f"mean over the five opponents of wins / votes of experts on both turns; a tie is no win; {_GROUPED}"
    return tuple(
        Figure(
            f"{model}, {category}: win rate",
            "%",
            rate,
            f"{MT_BENCH}, Table 7",
            definition,
            JUDGE_WIN_RATES,
            f"100 * max(win_rate) FILTER (WHERE judge_group = 'expert' AND grouping = 'category' AND "
            f"category = '{category}' AND model = '{model}')",
            0.05,
        )
        for model, rates in _TABLE_7.items()
        for category, rate in zip(_CATEGORIES, rates, strict=True)
    )


def _swap_figures() -> tuple[Figure, ...]:
    return tuple(
        Figure(f"{judge}: {name}", "%", rate, f"{MT_BENCH}, Table 2", "share of pairs of answers", reason=_NO_SWAPS)
        for judge, rates in _TABLE_2.items()
        for name, rate in zip(("consistent", "prefers first", "prefers second"), rates, strict=True)
    )


_MT_BENCH = Ledger(
    records=5_755,
    figures=(
        Figure(
            "judgments",
            "judgments",
            5_755,
            MT_BENCH_CARD,
            "records of both splits: 3,355 by people, 2,400 by GPT-4",
            BATTLES,
            "count(*)",
        ),
        *_agreement_figures(),
        *_win_rate_figures(),
        *_swap_figures(),
    ),
)

# Median, and the ends of the interval where there are such: 5 and 95 % for people, 2.5 and 97.5 % for GPT-4.
_LIKERT_ELO: dict[str, dict[str, tuple[int, ...]]] = {
    "people, without ties": {
        "vicuna-13b": (1140, 1061, 1219),
        "koala-13b": (1073, 999, 1147),
        "oasst-12b": (986, 913, 1061),
        "dolly-12b": (802, 730, 878),
    },
    "people, with ties": {
        "vicuna-13b": (1130, 1066, 1192),
        "koala-13b": (1061, 998, 1128),
        "oasst-12b": (988, 918, 1051),
        "dolly-12b": (820, 760, 890),
    },
    "GPT-4, without ties": {
        "vicuna-13b": (1134, 1036, 1222),
        "koala-13b": (1082, 989, 1169),
        "oasst-12b": (972, 874, 1062),
        "dolly-12b": (812, 723, 909),
    },
    "GPT-4, with ties": {
        "vicuna-13b": (1114, 1033, 1194),
        "koala-13b": (1082, 995, 1172),
        "oasst-12b": (973, 885, 1054),
        "dolly-12b": (831, 742, 919),
    },
    "GPT-4 with human answers, without ties": {
        "vicuna-13b": (1148, 1049, 1239),
        "koala-13b": (1097, 1002, 1197),
        "oasst-12b": (985, 896, 1081),
        "human": (940, 840, 1034),
        "dolly-12b": (824, 730, 922),
    },
    "GPT-4 by scores, without ties": {
        "vicuna-13b": (1136,),
        "koala-13b": (1081,),
        "oasst-12b": (961,),
        "human": (958,),
        "dolly-12b": (862,),
    },
    "GPT-4 asked to be fair, without ties": {
        "koala-13b": (1105,),
        "oasst-12b": (1075,),
        "vicuna-13b": (1066,),
        "human": (916,),
        "dolly-12b": (835,),
    },
    "GPT-4 in another order, with ties": {
        "vicuna-13b": (1110,),
        "koala-13b": (1085,),
        "oasst-12b": (1075,),
        "human": (923,),
        "dolly-12b": (804,),
    },
}
_LIKERT_CORRELATIONS = {
    "brainstorm": 0.60,
    "creative generation": 0.55,
    "commonsense reasoning": 0.46,
    "question answering": 0.44,
    "summarization": 0.40,
    "natural language to code": 0.33,
}
_LIKERT_TOKENS = {"prompts": (24, 38, 3, 10, 15, 23, 381), "completions": (69, 79, 1, 18, 42, 83, 546)}
_NOT_PUBLIC = "the ratings of the study are not public"


def _likert_figures() -> tuple[Figure, ...]:
    ends = ("median", "lower end", "upper end")
    online = "online Elo with K = 32 over 1,000 rounds, each a resample in an order of its own"
    elo = [
        Figure(f"{judge}, {model}: {end}", "rating points", value, LIKERT, online, reason=_NOT_PUBLIC)
        for judge, models in _LIKERT_ELO.items()
        for model, values in models.items()
        for end, value in zip(ends, values, strict=False)
    ]
    correlations = [
        Figure(
            f"GPT-4 and people, {category}",
            "correlation",
            value,
            LIKERT,
            "correlation of both ratings of the same pair of answers; of which kind is not told",
            reason=_NOT_PUBLIC,
        )
        for category, value in _LIKERT_CORRELATIONS.items()
    ]
    measures = ("mean", "sd", "min", "25 %", "median", "75 %", "max")
    tokens = [
        Figure(f"{what}: {name}", "tokens", value, LIKERT, "by a tokenizer that is not told", reason=_NOT_PUBLIC)
        for what, values in _LIKERT_TOKENS.items()
        for name, value in zip(measures, values, strict=True)
    ]
    ties = [
        Figure(
            "koala-13b and vicuna-13b: ties", "ties", 96, LIKERT, "grades 4 and 5, of 327 by people", reason=_NOT_PUBLIC
        )
    ]
    return (*elo, *correlations, *tokens, *ties)


# Each of six pairs of models has 327 prompts.
_LIKERT = Ledger(
    records=1_962,
    figures=(
        Figure(
            "comparisons",
            "comparisons",
            1_962,
            LIKERT,
            "327 prompts for each of six pairs of models",
            LIKERT_RECORDS,
            "count(*)",
        ),
        *_likert_figures(),
    ),
)


def _preference_figures() -> tuple[Figure, ...]:
    pairs = "coalesce(sum(n_pairs) FILTER (WHERE case = '{}'), 0)"
    figures = [
        Figure(f"pairs: {case}", "pairs", n, PREFERENCE_CARD, _CASES[case], CASE_COUNTS, pairs.format(case))
        for case, n in published.CASE_PAIRS.items()
    ]
    for name, mean in published.MEANS.items():
        ours = f"max(mean) FILTER (WHERE grouping = 'all' AND error_type IS NULL AND property = '{name}')"
        definition = _SCALES.get(name, "mean grade over all responses, 0 to 3")
        figures.append(Figure(name, "(mean)", mean, PREFERENCE_CARD, definition, PROPERTY_STATS, ours, 0.005))
        if name == published.STANCES:
            shifted = "the same with labels that count 4 to 0, which is the scale that the published mean fits"
            ours = f"{published.STANCES_SHIFT} + {ours}"
            named = f"{name}, 4 to 0"
            figures.append(Figure(named, "(mean)", mean, PREFERENCE_CARD, shifted, PROPERTY_STATS, ours, 0.005))
    return tuple(figures)


_CASES = {
    "w_constraints": "pairs whose query has explicit constraints",
    "intent_unclear": "pairs whose query has no clear intent",
    "w_stances": "pairs whose query has explicit subjective stances",
    "express_feeling": "pairs whose query explicitly expresses feelings",
    "w_mistakes": "pairs whose query has explicit mistakes or biases",
}
_ERRORS = "mean number of errors of this severity over responses whose errors could be told"
_SCALES = {
    "no minor errors": _ERRORS,
    "no moderate errors": _ERRORS,
    "no severe errors": _ERRORS,
    "clarify intent": "mean grade over responses to queries without a clear intent, 0 to 3",
    "show empathetic": "mean grade over responses to queries that express feelings, 0 to 3",
    "satisfy constraints": "mean over responses of the mean grade over the constraints of the query, 0 to 3",
    "support stances": "mean over responses of the mean over the stances of the query, with labels that count 2 "
    "(strongly supported) to -2, as in the authors' code; on this scale no mean can be 2.28",
    "correct mistakes": "mean over responses of the mean over the mistakes of the query, with labels that count 3 "
    "(pointed out and corrected), 2 (corrected without), 1 (pointed out only) and 0",
    "lengthy": "mean number of words as published",
}

_PREFERENCES = Ledger(
    records=published.PAIRS,
    figures=(
        Figure(
            "pairs",
            "pairs",
            published.PAIRS,
            PREFERENCE_CARD,
            "annotated pairs in the release",
            CASE_COUNTS,
            "sum(n_pairs) FILTER (WHERE case = 'all')",
        ),
        *_preference_figures(),
    ),
)

# By the format of a source.
LEDGERS = {
    "lmsys_chat_1m": _LMSYS_CHAT_1M,
    "arena": _ARENA_33K,
    "mt_bench": _MT_BENCH,
    "preference_dissection": _PREFERENCES,
    "likert": _LIKERT,
    "oasst1": _OASST1,
}
