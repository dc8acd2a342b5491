"""The moderation categories of the published data sets, and how their names become columns."""

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

ANY = "any"

_FLAGS = ",".join(f"`{category}`:boolean" for category in CATEGORIES)
_SCORES = ",".join(f"`{category}`:double" for category in CATEGORIES)

MODERATION_TYPE = f"struct<categories:struct<{_FLAGS}>,category_scores:struct<{_SCORES}>,flagged:boolean>"


def column_suffix(category: str) -> str:
    """`self-harm/intent` as part of a flat column name: `self_harm_intent`."""
    return category.replace("/", "_").replace("-", "_")
