"""Published figures of MT-bench's judgments."""

from arenalake.entities.tables import BATTLES
from arenalake.judges.tables import AGREEMENT_STATS, JUDGE_WIN_RATES
from arenalake.reproduction.ledger import Figure, Ledger

MT_BENCH = "Zheng et al. (2023), Judging LLM-as-a-Judge, arXiv:2306.05685"
MT_BENCH_CARD = "https://huggingface.co/datasets/lmsys/mt_bench_human_judgments"

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
# By judges, turn and setup as above: what needs GPT-4's grades of single answers.
_TABLE_5_SINGLE = {
    ("gpt-4", "gpt-4 by single answers", 1): ((70, 1_138), (97, 662)),
    ("gpt-4", "gpt-4 by single answers", 2): ((70, 1_161), (95, 727)),
    ("expert", "gpt-4 by single answers", 1): ((60, 1_280), (85, 739)),
    ("expert", "gpt-4 by single answers", 2): ((59, 1_285), (84, 776)),
}
# Consistent, biased towards the first and the second answer, in per cent: by judge, category and pair of models.
_POSITION_BIAS = {
    "Table 2": {
        "Claude-v1": (23.8, 75.0, 0.0),
        "Claude-v1, assistants renamed": (56.2, 11.2, 28.7),
        "GPT-3.5": (46.2, 50.0, 1.2),
        "GPT-3.5, assistants renamed": (51.2, 38.8, 6.2),
        "GPT-4": (65.0, 30.0, 5.0),
        "GPT-4, assistants renamed": (66.2, 28.7, 5.0),
    },
    "appendix D": {
        "GPT-4, writing": (42.0, 46.0, 12.0),
        "GPT-4, roleplay": (68.0, 30.0, 2.0),
        "GPT-4, reasoning": (76.0, 20.0, 4.0),
        "GPT-4, math": (86.0, 4.0, 10.0),
        "GPT-4, coding": (86.0, 14.0, 0.0),
        "GPT-4, extraction": (78.0, 12.0, 10.0),
        "GPT-4, stem": (44.0, 54.0, 2.0),
        "GPT-4, humanities": (36.0, 60.0, 4.0),
        "GPT-4, gpt-3.5-turbo and claude-v1": (67.5, 23.8, 8.8),
        "GPT-4, gpt-3.5-turbo and vicuna-13b": (73.8, 23.8, 2.5),
        "GPT-4, gpt-3.5-turbo and llama-13b": (98.8, 1.2, 0.0),
    },
}
# Shares of wrong verdicts in per cent, where answers were made to mislead.
_FAILURES: dict[str, dict[str, float]] = {
    "Table 3": {"Claude-v1": 91.3, "GPT-3.5": 91.3, "GPT-4": 8.7},
    "Table 4": {"GPT-4, default prompt": 70, "GPT-4, chain of thought": 30, "GPT-4, with a reference": 15},
}
_GROUPED = "judges.groups must be {expert: 'expert_*', author: 'author_*', gpt-4: gpt4_pair}"
_NO_SWAPS = "the release has one verdict for both orders of a pair, not the verdict on each order"
_NO_GRADES = "GPT-4's grades of single answers are not in the release"
_NO_ATTACKS = "the answers that were made to mislead judges, and the verdicts on them, are not in the release"


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
    definition = (
        f"mean over the five opponents of wins / votes of experts on both turns; a tie is not a win; {_GROUPED}"
    )
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


def _absent_figures() -> tuple[Figure, ...]:
    """Figures that the release cannot give."""
    singles = [
        Figure(
            f"{judges[0]} and {judges[1]}, turn {judges[2]}, {setup}: {name}",
            unit,
            value,
            citation,
            definition,
            reason=_NO_GRADES,
        )
        for judges, setups in _TABLE_5_SINGLE.items()
        for setup, values in zip(("with ties", "without ties"), setups, strict=True)
        for name, unit, value in zip(("agreement", "pairs of votes"), ("%", "pairs of votes"), values, strict=True)
        for citation, definition in [(f"{MT_BENCH}, Table 5", "single answers are compared by their grades")]
    ]
    swaps = [
        Figure(f"{of}: {name}", "%", rate, f"{MT_BENCH}, {where}", "share of pairs of answers", reason=_NO_SWAPS)
        for where, rows in _POSITION_BIAS.items()
        for of, rates in rows.items()
        for name, rate in zip(("consistent", "prefers first", "prefers second"), rates, strict=True)
    ]
    failures = [
        Figure(f"{judge}: wrong", "%", rate, f"{MT_BENCH}, {where}", "share of wrong verdicts", reason=_NO_ATTACKS)
        for where, rates in _FAILURES.items()
        for judge, rate in rates.items()
    ]
    return (*singles, *swaps, *failures)


_RATE = "max(win_rate) FILTER (WHERE judge_group = '{}' AND grouping = 'all' AND model = 'gpt-4')"


MT_BENCH_LEDGER = Ledger(
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
        *[
            Figure(f"judgments by {who}", "judgments", n, MT_BENCH_CARD, "records of the split", BATTLES, ours)
            for who, n, ours in (
                ("people", 3_355, "count_if(judge_kind = 'human')"),
                ("GPT-4", 2_400, "count_if(judge_kind = 'model')"),
            )
        ],
        Figure("questions", "questions", 80, MT_BENCH_CARD, "questions judged", BATTLES, "count(DISTINCT question_id)"),
        Figure("models", "models", 6, MT_BENCH_CARD, "models judged", JUDGE_WIN_RATES, "count(DISTINCT model)"),
        Figure(
            "experts",
            "judges",
            58,
            f"{MT_BENCH}, section 4.1",
            "judges whose name begins with expert_; the authors are others",
            BATTLES,
            "count(DISTINCT CASE WHEN judge LIKE 'expert%' THEN judge END)",
        ),
        *_agreement_figures(),
        *_win_rate_figures(),
        Figure(
            "gpt-4's favour for itself",
            "percentage points",
            10,
            f"{MT_BENCH}, section 3.3",
            f"win rate of gpt-4 by its own votes minus its win rate by experts' votes; {_GROUPED}",
            JUDGE_WIN_RATES,
            f"100 * ({_RATE.format('gpt-4')} - {_RATE.format('expert')})",
            reason="the published figure is rounded, and its turns are not stated; ours is over both turns",
        ),
        *_absent_figures(),
    ),
)
