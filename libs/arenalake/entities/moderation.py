"""The moderation categories of the published data sets, how their names become columns, and flags as one number."""

# As published in LMSYS-Chat-1M and Chatbot Arena Conversations (OpenAI's moderation endpoint of 2023).
CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)

# Names of scores of the model Detoxify, which has other categories, begin so.
DETOXIFY = "detoxify:"

ANY = "any"
ALL_CATEGORIES = (ANY, *CATEGORIES)

# A message's flags as one number, as the table `moderation_patterns` describes it: the bit of each category that is
# flagged, and where the bits of those that have a flag and the number of the role begin.
ROLES = ("user", "assistant", "battle")
MASKS = {category: 1 << bit for bit, category in enumerate(ALL_CATEGORIES)}
LABELLED_BIT, ROLE_BIT = 12, 24

_FLAGS = ",".join(f"`{category}`:boolean" for category in CATEGORIES)
_SCORES = ",".join(f"`{category}`:double" for category in CATEGORIES)

MODERATION_TYPE = f"struct<categories:struct<{_FLAGS}>,category_scores:struct<{_SCORES}>,flagged:boolean>"


def spellings_of(category: str) -> list[str]:
    """The keys under which files give a category: as published, and as clients write it that allow names alone."""
    with_dashes = {category, category.replace("/", "_")}
    return sorted(with_dashes | {key.replace("-", "_") for key in with_dashes})


def column_suffix(category: str) -> str:
    """`self-harm/intent` as part of a flat column name: `self_harm_intent`."""
    return category.replace("/", "_").replace("-", "_")


FLAG_COLUMNS = ("flagged", *(f"flag_{column_suffix(category)}" for category in CATEGORIES))
SCORE_COLUMNS = tuple(f"score_{column_suffix(category)}" for category in CATEGORIES)
