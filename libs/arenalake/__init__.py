"""arenalake: conversation and preference corpora for language models, counted once on Spark, kept in Delta tables."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arenalake.api import Ratings, rate

__version__ = "0.1.0"
__all__ = ["Ratings", "__version__", "rate"]


def __getattr__(name: str) -> Any:
    """The public API, imported at first use: `import arenalake` itself loads no package."""
    if name in ("Ratings", "rate"):
        from arenalake import api

        return getattr(api, name)
    raise AttributeError(f"module 'arenalake' has no attribute {name!r}")
