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
        *_agreement_figures(),
        *_win_rate_figures(),
        *_swap_figures(),
    ),
)
