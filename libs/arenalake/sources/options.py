"""Options of the configuration: a source, with the settings of its format."""

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Discriminator, Tag

from arenalake.sources import SOURCES
from arenalake.sources.settings import SourceSettings


def _format_of(source: Any) -> Any:
    if isinstance(source, dict):
        return source.get("format")
    return source.format if isinstance(source, SourceSettings) else None


if TYPE_CHECKING:
    SourceConfig = SourceSettings
else:
    _formats = [Annotated[source.settings, Tag(name)] for name, source in SOURCES.items()]
    SourceConfig = Annotated[reduce(or_, _formats), Discriminator(_format_of)]
