"""Published figures of OASST1."""

from arenalake.entities.tables import TREE_MESSAGES
from arenalake.reproduction.ledger import LLAMA_2, Figure, Ledger
from arenalake.trees.tables import LABEL_STATS, THREAD_STATS, THREADS, TREE_STATS

WILDCHAT = "Zhao et al. (2024), WildChat, arXiv:2405.01470, Table 1"

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
        size("messages", _ALL, OASST_PAPER, "messages of all trees, in any state"),
        size("messages ready for export", _READY, OASST_CARD, "messages of both splits of the flat release"),
        size("messages, train", _TRAIN, OASST_CARD, "messages of the split train"),
        size("messages, validation", _VALIDATION, OASST_CARD, "messages of the split validation"),
        of_all("trees", "trees", 66_497, OASST_PAPER, "messages without a parent", _of_trees("n_trees")),
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
        Figure(
            "trees, train",
            "trees",
            9_846,
            OASST_CARD,
            "messages of the split train that answer no other: 84,437 less the 74,591 with a parent_id",
            TREE_STATS,
            _of_trees("n_trees"),
            records=_TRAIN,
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
            Figure(name, unit, n, WILDCHAT, definition, THREADS, ours, reason=why + _NO_DEFINITION, records=_READY)
            for name, unit, n, definition, ours, why in (
                ("conversations", "conversations", 46_283, "conversations made of the trees", "count(*)", ""),
                ("turns per conversation", "turns (mean)", 2.34, "messages of the user", "avg(turns)", ""),
                (
                    "languages of conversations",
                    "languages",
                    11,
                    "of conversations",
                    "count(DISTINCT language)",
                    "the paper says 35, of messages of all trees; ",
                ),
            )
        ),
        *(
            Figure(
                name,
                "tokens (mean)",
                n,
                WILDCHAT,
                f"Llama-2's tokens per message of the {role}, in each conversation that it is in",
                THREAD_STATS,
                "max(mean) FILTER (WHERE grouping = 'all' AND measure = 'tokens per message' "
                f"AND role = '{role}' AND tokenizer = {LLAMA_2})",
                reason=_NO_DEFINITION,
                records=_READY,
            )
            for name, n, role in (("tokens per prompt", 33.41, "user"), ("tokens per response", 211.76, "assistant"))
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
OASST1 = Ledger(records=_ALL, figures=_oasst_figures())
