"""Lists of messages that were printed by NumPy instead of being written as lists, as in the expert release."""

from pyspark.sql import Column
from pyspark.sql import functions as F

_PRINTED_TYPE = "array<struct<role:string,content:array<struct<type:string,text:string>>>>"
# From what Python prints to JSON; Spark takes single quotes. Python escapes line breaks and, where both kinds of quotes
# occur, single quotes inside of texts: so these patterns are found outside of them.
_TO_JSON = (
    (r"'content': array\(\[\], dtype=object\)", "'content': []"),
    (r"'content': array\(\[", "'content': ["),
    (r"\}\],\s*dtype=object\)(?=[,}])", "}]"),
    (r"\}\s*\n\s*\{", "}, {"),
    (r"'(type|text|image|mimeType)': None(?=[,}])", "'$1': null"),
    (r"(?<!\\)((?:\\\\)*)\\x([0-9a-f]{2})", r"$1\\u00$2"),
    # Beyond U+FFFF: what Python escapes there are no characters that can be seen.
    (r"(?<!\\)((?:\\\\)*)\\U[0-9a-f]{8}", r"$1\\ufffd"),
)


def messages_of_printed(text: Column) -> Column:
    """The messages (array<struct<content:string,role:string>>), the text parts of each joined by a line break.

    The text is an array of dictionaries as NumPy prints it, without commas between messages, such as
    `[{'role': 'user', 'content': array([{'type': 'text', 'text': 'Hi', 'image': None}], dtype=object)}]`. JSON will do
    too. Null where it is neither.
    """
    for pattern, replacement in _TO_JSON:
        text = F.regexp_replace(text, pattern, replacement)
    messages = F.from_json(text, _PRINTED_TYPE)
    return F.transform(
        messages,
        lambda message: F.struct(
            F.array_join(message["content"]["text"], "\n").alias("content"), message["role"].alias("role")
        ),
    )
