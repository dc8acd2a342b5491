"""Language detectors by name. One more is a class with the method of `Detector` and a line in `DETECTORS`."""

import importlib.util
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from arenalake.errors import DetectorError


class Detector(Protocol):
    """A pure function of the text: the same text gives the same answer in any process."""

    def detect(self, text: str) -> tuple[str, float] | None:
        """The code of the language and a confidence from 0 to 1, or None where the detector does not say."""


class LangDetect:
    """Character n-grams, 55 languages. It samples n-grams at random, so every text starts from the same seed.

    The confidence is a probability; a language that is not likelier than all others together is not told.
    """

    package = "langdetect"

    def __init__(self) -> None:
        import langdetect
        from langdetect.detector_factory import DetectorFactory
        from langdetect.lang_detect_exception import LangDetectException

        # The package reads its profiles in the order of the directory, in which it then adds up floats and breaks ties.
        profiles = sorted((Path(langdetect.__file__).parent / "profiles").iterdir())
        self._factory = DetectorFactory()
        self._factory.load_json_profile([profile.read_text(encoding="utf-8") for profile in profiles])
        self._factory.seed = 0
        self._error = LangDetectException

    def detect(self, text: str) -> tuple[str, float] | None:
        """Language and confidence from 0 to 1; None where the package does not say."""
        detector = self._factory.create()
        detector.append(text)
        try:
            languages = detector.get_probabilities()
        except self._error:  # not one n-gram that the package knows
            return None
        if not languages or languages[0].prob <= 0.5:
            return None
        return languages[0].lang, min(1.0, languages[0].prob)


class Cld2:
    """Google's Compact Language Detector 2, asked as Polyglot asks it, for published tags came from there.

    Where it finds nothing reliable it is asked once more for its best effort. The confidence is the share of the text
    that it takes for the language.

    Source:
        aboSamoor/polyglot polyglot/detect/base.py. Texts are taken as plain here, not as HTML.
    """

    package = "pycld2"

    def __init__(self) -> None:
        import pycld2

        self._detect: Callable[..., Any] = pycld2.detect
        self._error = pycld2.error

    def detect(self, text: str) -> tuple[str, float] | None:
        """Language and confidence from 0 to 1; None where the package does not say."""
        for best_effort in (False, True):
            try:
                reliable, _, languages = self._detect(text, isPlainText=True, bestEffort=best_effort)
            except self._error:  # characters that it does not accept
                return None
            if reliable:
                _, code, percent, _ = languages[0]
                return None if code == "un" else (code, percent / 100)
        return None


DETECTORS: dict[str, type[LangDetect] | type[Cld2]] = {"langdetect": LangDetect, "cld2": Cld2}


def require_detector(name: str) -> None:
    """Check that a detector can be loaded, without the cost of loading it.

    Raises:
        DetectorError: its package is not installed.
    """
    package = DETECTORS[name].package
    if importlib.util.find_spec(package) is None:
        raise DetectorError(f"language.detector: {name} needs the package {package}, which is not installed")


@cache
def load_detector(name: str) -> Detector:
    """Load a detector, once per process."""
    return DETECTORS[name]()
