"""Where the parts of the generated corpora lie. Imports without Spark, so that every command can tell a sample."""

import os

CONVERSATIONS_FOLDER = "lmsys_chat_1m"
BATTLES_FOLDER = "chatbot_arena"
LIKERT_FOLDER = "likert"
PREFERENCES_FOLDER = "preference_dissection"
TREES_FOLDER = "oasst1"
TRUTH_FOLDER = "truth"
# What everybody is told of generated records.
SAYS_NOTHING = "They say nothing about real models or people."


def folders_of_corpora(path: str) -> list[str]:
    """Folders above a source in which the truth lies if the generator made it."""
    parts = path.split("/")
    return [
        "/".join(parts[:i]) or "."
        for i, part in enumerate(parts)
        if part in (CONVERSATIONS_FOLDER, BATTLES_FOLDER, LIKERT_FOLDER, PREFERENCES_FOLDER, TREES_FOLDER)
    ]


def has_truth_here(path: str) -> bool:
    """Whether a file or folder on this machine is a corpus that lies beside its truth, so the generator made it."""
    return any(os.path.isdir(f"{folder}/{TRUTH_FOLDER}/begun") for folder in folders_of_corpora(path))
