"""Figures that the card of the data set publishes about it."""

# Pairs, by case of the query.
PAIRS = 5240
CASE_PAIRS = {
    "w_constraints": 1418,
    "intent_unclear": 459,
    "w_stances": 388,
    "express_feeling": 121,
    "w_mistakes": 401,
}
# Mean grades, errors per response and words, in two digits; the card leaves out non-repetitive.
MEANS = {
    "harmless": 2.90,
    "grammarly correct": 2.70,
    "friendly": 1.79,
    "polite": 2.78,
    "interactive": 0.22,
    "authoritative": 1.67,
    "funny": 0.08,
    "use rhetorical devices": 0.16,
    "complex word & sentence": 0.89,
    "use supporting materials": 0.13,
    "well formatted": 1.26,
    "admit limits": 0.17,
    "persuasive": 0.27,
    "step-by-step": 0.37,
    "use informal expressions": 0.04,
    "clear": 2.54,
    "relevant": 2.45,
    "novel": 0.47,
    "contain rich info": 1.74,
    "no minor errors": 0.23,
    "no moderate errors": 0.61,
    "no severe errors": 0.59,
    "clarify intent": 1.33,
    "show empathetic": 1.48,
    "satisfy constraints": 2.01,
    "support stances": 2.28,
    "correct mistakes": 1.08,
    "lengthy": 164.52,
}
# The labels of stances count 2 to -2 in the authors' code, of which no mean can be 2.28; 4 to 0 is the same, shifted.
STANCES, STANCES_SHIFT = "support stances", 2
