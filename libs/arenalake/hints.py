"""What a misspelt name may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` where a known name is close, else nothing."""
    by_small = {candidate.lower(): candidate for candidate in known}
    close = get_close_matches(name.lower(), list(by_small), n=1)
    return f"; did you mean {by_small[close[0]]!r}?" if close else ""
