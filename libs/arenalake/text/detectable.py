"""Texts made ready for detection: what is not language is taken out, and what is left is looked at before it is asked.

Code, links, addresses and the placeholders of redacted names say nothing about a language, but make detectors guess.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

# Under this many letters detectors guess; a character of Chinese, Japanese or Korean says as much as several letters.
MIN_LETTERS = 12
_CJK_WEIGHT = 4
# Detectors see this many characters of what is left; more hardly change the answer and take their time.
MAX_CHARS = 1_000

_CODE_BLOCK = r"(?s)```.*?(?:```|\z)|`[^`\n]+`"
# A mark at the end of a line alone does not make it code: Greek asks with a semicolon, a prompt may end with `{name}`
# or with `(a short one):`. So it takes a second sign, or a line without anything that could be a sentence.
_CODE_LINES = (
    r".*(?:=|::|->|[\w\]]\().*[;{}]",  # assignments and calls
    r"[ \t]*(?:[\w.*&<>\[\]]+[ \t]+){0,2}[\w.*&<>\[\]]+;",  # int x;
    r"[ \t]*[\])}]*(?:[ \t]*[\w<>.#@:,\"-]+){0,4}[ \t]*\{",  # } else {
    r"[ \t]*[\])}]+[;,]?",  # what closes blocks
    r"[ \t]*\}?[ \t]*(?:if|for|while|switch|catch|function)[ \t]*\(.*[){]",
    r"[ \t]*(?:async[ \t]+)?(?:def|class|if|elif|while|for|with|except)\b.*\((?:[^)s\n][^)\n]*|s[^)\n]+)?\)+:",
    r"[ \t]*#(?:include|define)\b.*",
    r"[ \t]*(?:import|from)[ \t]+[\w.]+(?:[ \t]+import[ \t]+[\w.,* \t]+|[ \t]+as[ \t]+\w+)?",
    r"[ \t]*</?\w[^>\n]*>",
)
_CODE_LINE = rf"(?m)^(?:{'|'.join(_CODE_LINES)})[ \t\r]*$"
_LINK = r"(?i)\b(?:https?://|www\.)\S+|\S+@\S+\.\S+"
_PLACEHOLDER = r"\bNAME_\d+"
# CLD2 does not accept control characters.
_SPACE = r"[\s\p{Cc}\p{Co}]+"
_LETTER = r"[\p{L}\p{M}]"
_CJK = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]"

_SCRIPT_NAMES = """Latin Cyrillic Greek Arabic Hebrew Han Kana Hangul Devanagari Bengali Gurmukhi Gujarati
Oriya Tamil Telugu Kannada Malayalam Sinhala Thai Lao Tibetan Myanmar Khmer Georgian Armenian Ethiopic Mongolian
Cherokee Thaana Syriac Canadian_Aboriginal"""
SCRIPTS = tuple(_SCRIPT_NAMES.split())

Ints = npt.NDArray[np.int32]


def clean_texts(texts: pa.StringArray) -> tuple[pa.StringArray, Ints, pa.StringArray]:
    """Take out what is not language.

    Returns:
        For each text: what is left, cut to `MAX_CHARS`; its number of letters with their marks; and null, or why it
        cannot be asked about: `empty`, `digits` (no letters), `symbols` (neither), `code` or `links` (more letters in
        those than elsewhere), or `too short`.
    """
    without_code = pc.replace_substring_regex(texts, _CODE_BLOCK, "\n")
    without_code = pc.replace_substring_regex(without_code, _CODE_LINE, "\n")
    words = pc.replace_substring_regex(without_code, _LINK, " ")
    cleaned = pc.utf8_trim_whitespace(
        pc.replace_substring_regex(pc.replace_substring_regex(words, _PLACEHOLDER, " "), _SPACE, " ")
    )
    letters = _count(cleaned, _LETTER)
    weight = letters + (_CJK_WEIGHT - 1) * _count(cleaned, _CJK)
    all_letters = _count(texts, _LETTER)
    in_code = all_letters - _count(without_code, _LETTER)
    in_links = all_letters - in_code - _count(words, _LETTER)
    reason = np.select(
        [
            weight >= MIN_LETTERS,
            _count(texts, r"\S") == 0,
            (all_letters == 0) & (_count(texts, r"\p{Nd}") > 0),
            all_letters == 0,
            (in_code > letters) & (in_code >= in_links),
            in_links > letters,
        ],
        ["", "empty", "digits", "symbols", "code", "links"],
        "too short",
    )
    reasons = pa.array(reason.tolist(), pa.string(), mask=reason == "")
    return pc.utf8_slice_codeunits(cleaned, 0, MAX_CHARS), letters, reasons


def main_scripts(texts: pa.StringArray) -> pa.StringArray:
    """The script that most letters of a text are in, by Unicode's names; null without letters of a known one.

    The two of Japanese count as one, Kana.
    """
    counts = np.zeros((len(SCRIPTS), len(texts)), np.int32)
    counts[0] = _count(texts, r"\p{Latin}")
    other = pc.match_substring_regex(texts, r"[^\x00-\x7f]").to_numpy(zero_copy_only=False)
    if other.any():
        subset = texts.filter(pa.array(other))
        for number, script in enumerate(SCRIPTS[1:], start=1):
            letters = r"[\p{Hiragana}\p{Katakana}]" if script == "Kana" else rf"\p{{{script}}}"
            counts[number, other] = _count(subset, letters)
    largest = np.array(SCRIPTS)[counts.argmax(axis=0)]
    return pa.array(largest.tolist(), pa.string(), mask=counts.max(axis=0, initial=0) == 0)


def _count(texts: pa.StringArray, pattern: str) -> Ints:
    counts: Ints = pc.count_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)
    return counts
