"""The language of a column of texts; equal texts are detected once."""

import hashlib

import numpy as np
import pyarrow as pa

from arenalake.entities.language_names import UNKNOWN, language_name
from arenalake.text.detectable import clean_texts, main_scripts
from arenalake.text.detectors import load_detector

# One detection, as the table `messages` declares it.
DETECTION = pa.struct(
    [
        ("language", pa.string()),
        ("confidence", pa.float64()),
        ("script", pa.string()),
        ("n_letters", pa.int32()),
        ("reason", pa.string()),
    ]
)
UNRELIABLE = "unreliable"

# Prompts come back, as in battles and benchmarks, so a worker remembers. Emptying a full memory keeps it small with no
# bookkeeping; texts are known by a hash.
MAX_REMEMBERED = 100_000
_Answer = tuple[str, float] | None
remembered: dict[tuple[str, bytes], _Answer] = {}


def detect_languages(texts: pa.StringArray, detector: str) -> pa.StructArray:
    """Detect the language of each text.

    Args:
        texts: what the user wrote, one text per conversation; no nulls.
        detector: name of the detector.

    Returns:
        language (name as in published tags, or `unknown`), confidence from 0 to 1 (null where unknown), script that
        most letters are in, n_letters that were left to go by, reason (null where the language is known; as
        `clean_texts` gives it, or `unreliable` where the detector does not say).
    """
    distinct = texts.dictionary_encode()
    cleaned, letters, reasons = clean_texts(distinct.dictionary)
    can_ask = reasons.is_null()
    answers = [
        _answer(detector, text) if ask else None
        for text, ask in zip(cleaned.to_pylist(), can_ask.to_pylist(), strict=True)
    ]
    told = np.array([answer is not None for answer in answers], bool)
    fields = [
        pa.array([UNKNOWN if answer is None else language_name(answer[0]) for answer in answers], pa.string()),
        pa.array([None if answer is None else answer[1] for answer in answers], pa.float64()),
        main_scripts(cleaned),
        pa.array(letters, pa.int32()),
        pa.array(
            [
                UNRELIABLE if reason is None and not known else reason
                for reason, known in zip(reasons.to_pylist(), told, strict=True)
            ],
            pa.string(),
        ),
    ]
    return pa.StructArray.from_arrays(fields, fields=list(DETECTION)).take(distinct.indices)


def _answer(detector: str, text: str) -> _Answer:
    key = (detector, hashlib.blake2b(text.encode(), digest_size=16).digest())
    if key not in remembered:
        if len(remembered) >= MAX_REMEMBERED:
            remembered.clear()
        remembered[key] = load_detector(detector).detect(text)
    return remembered[key]
