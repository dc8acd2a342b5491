"""Published figures of the preference dissection."""

from arenalake.preferences import published
from arenalake.preferences.tables import CASE_COUNTS, PROPERTY_STATS
from arenalake.reproduction.ledger import Figure, Ledger

PREFERENCE_CARD = "https://huggingface.co/datasets/GAIR/preference-dissection"


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

PREFERENCE_DISSECTION = Ledger(
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
