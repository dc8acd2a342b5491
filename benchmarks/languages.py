"""How often language detectors are right, and what they cost: `python benchmarks/languages.py <folder>`.

The folder (such as url-nlp's mgsm) holds files `<anything>_<code>.tsv` with a text in the first column; the code is the
truth. Texts are also cut to their first characters, since prompts are short. Cost is CPU time of one core, for texts
that are all different, with everything that `measure` does to detect a language.
"""

import argparse
import csv
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import pyarrow as pa

from arenalake.entities.language_names import UNKNOWN, language_name
from arenalake.text.detect import detect_languages
from arenalake.text.detectors import DETECTORS

LENGTHS = (15, 30, 60, None)


def labelled_texts(folder: Path) -> dict[str, list[str]]:
    """Texts by the name of their language."""
    texts = {}
    for path in sorted(folder.glob("*_*.tsv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        texts[language_name(path.stem.rpartition("_")[2])] = [row[0] for row in rows]
    if not texts:
        raise SystemExit(f"{folder}: no file called <anything>_<code>.tsv")
    return texts


def shares(texts: Sequence[str], language: str, detector: str) -> tuple[float, float]:
    """Share of texts that are detected as the language, and share for which the detector says nothing."""
    found = detect_languages(pa.array(texts), detector).field("language").to_pylist()
    return found.count(language) / len(found), found.count(UNKNOWN) / len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    texts = labelled_texts(options.folder)
    detectors = list(DETECTORS)
    print("right, % of whole texts")
    print("| language | texts | " + " | ".join(detectors) + " |\n|---|---|" + "---|" * len(detectors))
    for language, own in texts.items():
        right = [f"{100 * shares(own, language, detector)[0]:.1f}" for detector in detectors]
        print(f"| {language} | {len(own)} | {' | '.join(right)} |")
    print("\nright / wrong / unknown, % of texts cut to their first characters")
    print("| characters | " + " | ".join(detectors) + " |\n|---|" + "---|" * len(detectors))
    for length in LENGTHS:
        cells = []
        for detector in detectors:
            all_shares = [shares([text[:length] for text in own], name, detector) for name, own in texts.items()]
            right, unknown = (100 * sum(share[i] for share in all_shares) / len(texts) for i in range(2))
            cells.append(f"{right:.1f} / {100 - right - unknown:.1f} / {unknown:.1f}")
        print(f"| {'all' if length is None else length} | {' | '.join(cells)} |")
    print("\ncost")
    for detector in detectors:
        # A number in front, which detectors leave out, makes the texts new to the memory of the worker.
        new = pa.array([f"{number} {text}" for number, text in enumerate(chain.from_iterable(texts.values()))])
        started = time.process_time()
        detect_languages(new, detector)
        seconds = time.process_time() - started
        print(
            f"{detector}: {len(new) / seconds:,.0f} texts a second and core, "
            f"{1e6 * seconds / len(new) / 60:.1f} core minutes for a million"
        )


if __name__ == "__main__":
    main()
