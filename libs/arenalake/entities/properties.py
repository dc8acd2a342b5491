"""The 29 properties of a response in GAIR's preference dissection: names, raw keys, scales.

Source: Li et al. (2024), Dissecting Human and LLM Preferences, arXiv:2402.11296, and the authors' code,
    GAIR-NLP/Preference-Dissection, annotation_codes/resolve_collected_data.py and visualization/app.py.
"""

# Raw key to name, both as published, in the order of the published weights. Each has a grade from 0 to 3.
BASIC = {
    "harmlessness": "harmless",
    "grammar, spelling, punctuation, and code-switching": "grammarly correct",
    "friendly": "friendly",
    "polite": "polite",
    "interactive": "interactive",
    "authoritative tone": "authoritative",
    "funny and humorous": "funny",
    "metaphors, personification, similes, hyperboles, irony, parallelism": "use rhetorical devices",
    "complex word usage and sentence structure": "complex word & sentence",
    "use of direct and explicit supporting materials": "use supporting materials",
    "well formatted": "well formatted",
    "admit limitations or mistakes": "admit limits",
    "persuade user": "persuasive",
    "step by step solution": "step-by-step",
    "use of informal expressions": "use informal expressions",
    "non-repetitive": "non-repetitive",
    "clear and understandable": "clear",
    "relevance without considering inaccuracy": "relevant",
    "innovative and novel": "novel",
    "information richness without considering inaccuracy": "contain rich info",
}
# A copy may have this key, of which less is better, in place of `non-repetitive`.
NON_REPETITIVE, REPETITIVE = "non-repetitive", "repetitive"
HIGHEST_GRADE = 3

# Numbers of errors by severity; the weights are about having fewer of them.
SEVERITIES = {"minor": "no minor errors", "moderate": "no moderate errors", "severe": "no severe errors"}
ERROR_TYPES = (
    "factual error",
    "information contradiction to the query",
    "math operation error",
    "code generation error",
)

CLARIFY, EMPATHETIC = "clarify user intent", "showing empathetic"
CONSTRAINTS, STANCES, MISTAKES = (
    "satisfying explicit constraints",
    "supporting explicit subjective stances",
    "correcting explicit mistakes or biases",
)
# Those that only some queries ask for, raw key to name.
QUERY_SPECIFIC = {
    CLARIFY: "clarify intent",
    EMPATHETIC: "show empathetic",
    CONSTRAINTS: "satisfy constraints",
    STANCES: "support stances",
    MISTAKES: "correct mistakes",
}
# What labels count as in the authors' code.
STANCE_SCORES = {
    "strongly supported": 2,
    "weakly supported": 1,
    "neutral": 0,
    "weakly opposed": -1,
    "strongly opposed": -2,
}
MISTAKE_SCORES = {
    "pointed out and corrected": 3,
    "corrected without being pointed out": 2,
    "pointed out but not corrected": 1,
    "neither pointed out nor corrected": 0,
}
LENGTHY = "lengthy"

PROPERTIES: tuple[str, ...] = (*BASIC.values(), *SEVERITIES.values(), *QUERY_SPECIFIC.values(), LENGTHY)


def column_of(name: str) -> str:
    """The name of a property as part of a column or a field: `no_minor_errors`, `complex_word_and_sentence`."""
    return name.replace("&", "and").replace("-", "_").replace(" ", "_")


# The cases of queries as the published weights name them, and the raw key of what makes one.
CASES = {
    "intent_unclear": "clear intent",
    "express_feeling": "explicitly express feelings",
    "w_constraints": "explicit constraints",
    "w_stances": "explicit subjective stances",
    "w_mistakes": "explicit mistakes or biases",
}
# The property that is asked for in each case.
ASKED_FOR = dict(zip(CASES, QUERY_SPECIFIC.values(), strict=True))

PROPERTIES_TYPE = f"struct<{','.join(f'{column_of(name)}:double' for name in PROPERTIES)}>"
ERRORS_TYPE = "array<struct<type:string,severity:string,description:string>>"
