"""The published formats, one module each. To add a data set: write its module and list it in `SOURCES`."""

from arenalake.entities.entity import Entity
from arenalake.sources.arena import ARENA
from arenalake.sources.arena_55k import ARENA_55K
from arenalake.sources.arena_100k import ARENA_100K
from arenalake.sources.arena_140k import ARENA_140K, ARENA_EXPERT
from arenalake.sources.likert import LIKERT
from arenalake.sources.lmsys_chat_1m import LMSYS_CHAT_1M
from arenalake.sources.mt_bench import MT_BENCH
from arenalake.sources.oasst1 import OASST1
from arenalake.sources.preference_dissection import PREFERENCE_DISSECTION
from arenalake.sources.source import Source
from arenalake.sources.votes import VOTES
from arenalake.sources.wildchat import WILDCHAT

SOURCES: dict[str, Source] = {
    "lmsys_chat_1m": LMSYS_CHAT_1M,
    "arena": ARENA,
    "arena_55k": ARENA_55K,
    "arena_100k": ARENA_100K,
    "arena_140k": ARENA_140K,
    "arena_expert": ARENA_EXPERT,
    "mt_bench": MT_BENCH,
    "wildchat": WILDCHAT,
    "likert": LIKERT,
    "oasst1": OASST1,
    "preference_dissection": PREFERENCE_DISSECTION,
    "votes": VOTES,
}


def all_entities() -> list[Entity]:
    """Every entity that records of some format become, each once."""
    return list(dict.fromkeys(entity for source in SOURCES.values() for entity in source.entities))


__all__ = ["SOURCES", "Source", "all_entities"]
