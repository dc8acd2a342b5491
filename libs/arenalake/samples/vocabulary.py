"""The pieces that generated text is put together from: words of each language in four shapes, and punctuation.

A piece brings its own leading space, so a text is a plain concatenation of pieces; languages that are written
without spaces have pieces without them.
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from arenalake.samples import words
from arenalake.samples.draws import Ints


class Shape(IntEnum):
    """How a word stands in its sentence."""

    PLAIN = 0  # " word"
    SENTENCE_START = 1  # " Word"
    LINE_START = 2  # "Word"
    BOLD = 3  # " **word**"


class Kind(IntEnum):
    """What stands at a place in a text: a word, or something that is not one."""

    WORD = 0
    BOLD = 1
    COMMA = 2
    STOP = 3
    PARAGRAPH = 4
    HEADER = 5
    LIST_ITEM = 6
    CODE = 7
    NAME = 8


@dataclass(frozen=True)
class Script:
    """How one language's text is written.

    Attributes:
        name: key of the language's words.
        forms: number of different word forms.
        spaced: words are separated by spaces.
        comma, stops: punctuation; the first stop is the most frequent.
        tokens_prompt, tokens_answer: mean tokens per piece of a prompt and of an answer, measured with the sample
            tokenizer. They turn a length in tokens into a number of pieces.
    """

    name: str
    forms: int
    tokens_prompt: float
    tokens_answer: float
    spaced: bool = True
    comma: str = ","
    stops: tuple[str, ...] = (".", ".", ".", "?", "!", ":")


SCRIPTS = (
    Script("english", 50_000, 1.62, 1.67),
    Script("portuguese", 50_000, 1.86, 1.89),
    Script("spanish", 50_000, 1.76, 1.82),
    Script("french", 50_000, 1.74, 1.78),
    Script("german", 50_000, 1.82, 1.86),
    Script("italian", 50_000, 1.83, 1.86),
    Script("russian", 50_000, 2.18, 2.20),
    Script("chinese", 50_000, 1.95, 1.98, spaced=False, comma="，", stops=("。", "。", "。", "？", "！")),
    Script("japanese", 30_000, 2.82, 2.83, spaced=False, comma="、", stops=("。", "。", "。", "？", "！")),
    Script("korean", 15_000, 3.49, 3.51),
    Script("arabic", 20_000, 4.27, 4.25, comma="،", stops=(".", ".", "؟", "!")),
    Script("hindi", 10_000, 5.42, 5.41, stops=("।", "।", "?", "!")),
    Script("thai", 8_000, 5.18, 5.18, spaced=False, comma=" ", stops=(" ", " ", "\n")),
    Script("latin", 50_000, 1.52, 1.55),
    Script("symbols", 5_000, 2.61, 2.63),
)
SCRIPT_INDEX = {script.name: index for index, script in enumerate(SCRIPTS)}

# Their new forms are compounds of whole words: cutting their words would tear letters from vowel signs.
_COMPOUNDING = ("chinese", "japanese", "korean", "hindi", "thai", "symbols")

_PARAGRAPHS = ("\n\n", "\n")
_HEADERS = ("\n\n## ", "\n\n### ", "\n\n# ")
_LIST_ITEMS = ("\n- ", "\n* ", "\n1. ", "\n2. ", "\n3. ")
_NAMES = ("NAME_1", "NAME_2", "NAME_3")
_CODE = tuple(
    f"\n\n```{fence}\n{body}\n```\n\n"
    for fence, body in (
        ("python", "for i in range(10):\n    print(i ** 2)"),
        ("python", "def add(a, b):\n    return a + b\n\nprint(add(2, 3))"),
        ("", "pip install numpy\npython main.py --size 10"),
        ("javascript", "const xs = [1, 2, 3];\nconsole.log(xs.map(x => 2 * x));"),
        ("sql", "SELECT name, COUNT(*) AS n\nFROM orders\nGROUP BY name\nORDER BY n DESC;"),
        ("html", '<div class="box">\n  <p>Hello</p>\n</div>'),
        ("c", "int main(void) {\n    return 0;\n}"),
        ("json", '{\n  "name": "box",\n  "size": [1, 2, 3]\n}'),
    )
)

# What many people ask in exactly the same words, the most frequent first.
POPULAR_PROMPTS = tuple(
    f"{ask}{about}"
    for ask in ("", "Hi! ", "Please answer briefly: ", "Explain like I am five: ", "As an expert: ")
    for about in (
        "hello",
        "Who are you?",
        "What can you do?",
        "Tell me a joke.",
        "Write a poem about the sea.",
        "What is the capital of France?",
        "How do airplanes fly?",
        "Write a python function that returns the first 10 prime numbers.",
        "What is the difference between OpenCL and CUDA?",
        "Give me a recipe for pancakes.",
        "What is the meaning of life?",
        "Summarize the theory of relativity in three sentences.",
        "Translate 'good morning' into Spanish, French and German.",
        "If I have 3 apples and eat one, how many are left?",
        "Write a short story about a dragon and a knight.",
        "What happened in 1969?",
        "How do I learn to play the guitar?",
        "List five healthy breakfast ideas.",
        "Why is the sky blue?",
        "Write an email asking for a day off.",
    )
)


@dataclass(frozen=True)
class Vocabulary:
    """All pieces in one array, and where each kind of piece of each script starts.

    Attributes:
        pieces: the texts.
        word_start, word_count: per script; the word of rank r in shape s is `word_start + s * word_count + r`.
        mark_start, mark_count: per script and `Kind`; zero for words.
        popular_start: first of the ready-made prompts.
    """

    pieces: pa.Array
    word_start: Ints
    word_count: Ints
    mark_start: Ints
    mark_count: Ints
    popular_start: int


def word_forms(name: str, count: int) -> pa.Array:
    """The forms of one language: its common words, then new ones made of their beginnings, middles and ends."""
    if name == "latin":
        lists = (words.ITALIAN, words.SPANISH, words.FRENCH, words.GERMAN, words.PORTUGUESE, words.ENGLISH)
        common = [word for group in zip(*(text.split() for text in lists), strict=False) for word in group]
    else:
        common = getattr(words, name.upper()).split()
    common = list(dict.fromkeys(common))
    if name == "english":
        heads, middles, tails = words.ENGLISH_PREFIXES.split(), common, ["", *words.ENGLISH_SUFFIXES.split()]
        heads = [""] * len(heads) + heads
    elif name in _COMPOUNDING:
        heads, tails = common, common
        middles = ["", *common] if name in ("chinese", "japanese") else [""]
    else:
        long_words = [word for word in common if len(word) >= 4] or common
        heads = list(dict.fromkeys(word[: (len(word) + 1) // 2] for word in long_words))
        middles = ["", *dict.fromkeys(word[1:3] for word in long_words)]
        tails = list(dict.fromkeys(word[(len(word) + 1) // 2 :] for word in long_words))
    # A fixed stream of its own: the language is the same for every seed of the data.
    rng = np.random.Generator(np.random.Philox(key=np.array([SCRIPT_INDEX[name], 7], dtype=np.uint64)))
    size = 3 * count
    middle = rng.integers(0, len(middles), size)
    if not middles[0]:  # most forms have no middle
        middle[rng.random(size) < 0.6] = 0
    made = pc.binary_join_element_wise(
        pa.array(heads).take(pa.array(rng.integers(0, len(heads), size))),
        pa.array(middles).take(pa.array(middle)),
        pa.array(tails).take(pa.array(rng.integers(0, len(tails), size))),
        "",
    )
    return pc.unique(pa.concat_arrays([pa.array(common), made])).slice(0, count)


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """The vocabulary, built once per process (half a second)."""
    parts: list[pa.Array] = []
    end = 0

    def add(part: pa.Array) -> int:
        nonlocal end
        parts.append(part)
        end += len(part)
        return end - len(part)

    word_start, word_count = [], []
    mark_start = np.zeros((len(SCRIPTS), len(Kind)), dtype=np.int32)
    mark_count = np.ones_like(mark_start)
    for index, script in enumerate(SCRIPTS):
        forms = word_forms(script.name, script.forms)
        capital = pc.utf8_capitalize(forms) if script.name != "symbols" else forms
        space = " " if script.spaced else ""
        word_count.append(len(forms))
        word_start.append(add(pc.binary_join_element_wise(space, forms, "")))
        add(pc.binary_join_element_wise(space, capital, ""))
        add(capital)
        add(pc.binary_join_element_wise(f"{space}**", forms, "**", ""))
        marks = {
            Kind.COMMA: (script.comma,),
            Kind.STOP: script.stops,
            Kind.PARAGRAPH: tuple(script.stops[0] + paragraph for paragraph in _PARAGRAPHS),
            Kind.HEADER: _HEADERS,
            Kind.LIST_ITEM: _LIST_ITEMS,
            Kind.CODE: _CODE,
            Kind.NAME: tuple(space + name for name in _NAMES),
        }
        for kind, texts in marks.items():
            mark_start[index, kind] = add(pa.array(texts))
            mark_count[index, kind] = len(texts)
    popular_start = add(pa.array(POPULAR_PROMPTS))
    return Vocabulary(
        pieces=pa.concat_arrays(parts),
        word_start=np.array(word_start, dtype=np.int32),
        word_count=np.array(word_count, dtype=np.int32),
        mark_start=mark_start,
        mark_count=mark_count,
        popular_start=popular_start,
    )
