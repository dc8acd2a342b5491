"""Numbers with their nouns."""


def counted(n: int, one: str, several: str | None = None) -> str:
    """A number and its noun: `1 battle`, `2,000 battles`."""
    return f"{n:,} {one if n == 1 else several or one + 's'}"
