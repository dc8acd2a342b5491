"""Tokenizers by specification, each counting a whole column of texts at once.

A specification is `sample`, `spm:<path>`, `tiktoken:<path or name>`, `hf:<path>` or `whitespace`, with `+bos` behind it
where one beginning-of-sequence token is to be counted for every text that is not empty, as published figures do.
Other special tokens are never counted, and text that looks like one is ordinary text. Tokens that somebody added to a
vocabulary without calling them special, such as a SentencePiece model's user-defined symbols, count like all others.
"""

import hashlib
import os
import types
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from arenalake.errors import ConfigError, TokenizerError
from arenalake.hints import did_you_mean
from arenalake.text.sentencepieces import sentencepiece_counter

Counts = npt.NDArray[np.int32]
Counter = Callable[[pa.StringArray], Counts]

_BOS = "+bos"
_FILES = {"spm": "SentencePiece model", "tiktoken": "file of ranks", "hf": "tokenizer.json of Hugging Face"}
_ALLOWED = "sample, spm:<path>, tiktoken:<path or name>, hf:<path> or whitespace, each with +bos behind it if wanted"


def tokenizer_keys(specs: Sequence[str]) -> dict[str, str]:
    """The name that each specification has in tables: the specification, with a path reduced to its file name.

    Returns:
        Key to specification, in the given order.

    Raises:
        ConfigError: two specifications come to the same key.

    >>> tokenizer_keys(["sample", "spm:/models/llama/tokenizer.model+bos"])
    {'sample': 'sample', 'spm:tokenizer.model+bos': 'spm:/models/llama/tokenizer.model+bos'}
    """
    keys: dict[str, str] = {}
    for spec in specs:
        kind, colon, path = spec.partition(":")
        key = f"{kind}{colon}{path.rpartition('/')[2]}"
        if key in keys:
            raise ConfigError(
                f"tokens.tokenizers: {keys[key]!r} and {spec!r} would have the same name {key!r} in the tables; "
                "list each tokenizer once, or rename one file"
            )
        keys[key] = spec
    return keys


def file_digest(spec: str) -> str | None:
    """SHA-256 of the file of a tokenizer; None for one that is known by its name, or whose file is not there."""
    _, _, path = spec.removesuffix(_BOS).partition(":")
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() if os.path.isfile(path) else None


def require_specs(specs: Sequence[str]) -> None:
    """Check specifications without loading anything: that they are some, and that their files are there.

    Raises:
        ConfigError: as `tokenizer_keys` says.
        TokenizerError: a specification is unknown, or its file is not there.
    """
    for spec in tokenizer_keys(specs).values():
        base = spec.removesuffix(_BOS)
        kind, _, argument = base.partition(":")
        if base not in ("sample", "whitespace") and not (kind in ("spm", "tiktoken", "hf") and argument):
            raise _no_tokenizer(spec)
        is_file = kind in ("spm", "hf") or (kind == "tiktoken" and os.path.sep in argument)
        if is_file and not os.path.isfile(argument):
            raise TokenizerError(f"tokens.tokenizers: {spec!r} cannot be loaded: there is no file {argument}")
        if kind == "tiktoken" and not is_file and not os.path.exists(argument):
            _require_encoding(spec, argument)


@cache
def load_counter(spec: str) -> Counter:
    """Load a tokenizer, once per process.

    Returns:
        A function from a column of texts to the number of tokens of each.

    Raises:
        TokenizerError: the specification is unknown, or its file cannot be loaded.
    """
    base = spec.removesuffix(_BOS)
    kind, _, argument = base.partition(":")
    loaders: dict[str, Callable[[str], Counter]] = {"spm": _sentencepiece, "tiktoken": _tiktoken, "hf": _hugging_face}
    if base == "sample":
        counter = _sentencepiece(str(files("mistral_common") / "data" / "tokenizer.model.v1"))
    elif base == "whitespace":
        counter = _count_words
    elif kind in loaders and argument:
        try:
            counter = loaders[kind](argument)
        except TokenizerError:
            raise
        except Exception as error:  # the tokenizer packages raise whatever their native code does
            reason = " ".join(str(error).split()) or type(error).__name__
            told = f"{argument} is not a {_FILES[kind]} ({reason})" if os.path.isfile(argument) else reason
            raise TokenizerError(f"tokens.tokenizers: {spec!r} cannot be loaded: {told}") from error
    else:
        raise _no_tokenizer(spec)
    return _with_bos(counter) if base != spec else counter


def _no_tokenizer(spec: str) -> TokenizerError:
    kinds = ("sample", "whitespace", "spm", "tiktoken", "hf")
    hint = did_you_mean(spec.removesuffix(_BOS).partition(":")[0], kinds)
    return TokenizerError(f"tokens.tokenizers: {spec!r} is not a tokenizer; allowed are {_ALLOWED}{hint}")


def _with_bos(counter: Counter) -> Counter:
    def count(texts: pa.StringArray) -> Counts:
        not_empty = pc.greater(pc.binary_length(texts), 0).to_numpy(zero_copy_only=False)
        counts: Counts = counter(texts) + not_empty.astype(np.int32)
        return counts

    return count


def _sentencepiece(path: str) -> Counter:
    return sentencepiece_counter(Path(path).read_bytes())


def _tiktoken(name: str) -> Counter:
    import tiktoken
    from tiktoken_ext.openai_public import ENCODING_CONSTRUCTORS  # type: ignore[import-untyped]

    if os.path.sep in name or os.path.exists(name):
        content = Path(name).read_bytes()
        # A rank file has no split pattern: that of the encoding it is named after, else cl100k_base's, goes with it.
        constructor = ENCODING_CONSTRUCTORS.get(Path(name).stem, ENCODING_CONSTRUCTORS["cl100k_base"])
        encoding = tiktoken.Encoding(**_tiktoken_parts(constructor, content))
    else:
        _require_encoding(f"tiktoken:{name}", name)
        encoding = tiktoken.get_encoding(name)
    return _one_by_one(lambda text: len(encoding.encode_ordinary(text)))


def _require_encoding(spec: str, name: str) -> None:
    import tiktoken

    known = sorted(tiktoken.list_encoding_names())
    if name not in known:
        raise TokenizerError(
            f"tokens.tokenizers: {spec!r} is neither a file nor one of {', '.join(known)}{did_you_mean(name, known)}"
        )


def _tiktoken_parts(constructor: Any, content: bytes) -> dict[str, Any]:
    """What tiktoken's own constructor gives, with the ranks out of a file at hand in place of a download."""
    import base64

    def read_ranks(*_: Any, **__: Any) -> dict[bytes, int]:
        pairs = (line.split() for line in content.splitlines() if line)
        return {base64.b64decode(token): int(rank) for token, rank in pairs}

    offline = types.FunctionType(constructor.__code__, {**constructor.__globals__, "load_tiktoken_bpe": read_ranks})
    parts: dict[str, Any] = offline()
    # The counts of ordinary text need no special tokens, whose numbers may clash with those of another rank file.
    return {"name": parts["name"], "pat_str": parts["pat_str"], "mergeable_ranks": read_ranks(), "special_tokens": {}}


def _hugging_face(path: str) -> Counter:
    # Workers of one machine already share its cores.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(Path(path).read_text(encoding="utf-8"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    # The name of a special token in a text is ordinary text; other tokens that were added to the vocabulary stay.
    tokenizer.encode_special_tokens = True
    return _one_by_one(lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids))


def _one_by_one(count: Callable[[str], int]) -> Counter:
    def count_all(texts: pa.StringArray) -> Counts:
        return np.fromiter((count(text) for text in texts.to_pylist()), np.int32, len(texts))

    return count_all


_count_words = _one_by_one(lambda text: len(text.split()))
