"""Published figures of the study "Can foundation models label data like humans?"."""

from arenalake.entities.tables import LIKERT_RECORDS
from arenalake.reproduction.ledger import Figure, Ledger

LIKERT = "Rajani et al. (2023), Can foundation models label data like humans?"

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
            "correlation of both ratings of the same pair of answers; the kind of correlation is not stated",
            reason=_NOT_PUBLIC,
        )
        for category, value in _LIKERT_CORRELATIONS.items()
    ]
    measures = ("mean", "sd", "min", "25 %", "median", "75 %", "max")
    tokens = [
        Figure(f"{what}: {name}", "tokens", value, LIKERT, "by a tokenizer that is not stated", reason=_NOT_PUBLIC)
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
LIKERT_LEDGER = Ledger(
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
