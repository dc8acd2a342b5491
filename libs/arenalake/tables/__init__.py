"""Every Delta table of the lake, declared once: schema, grain, constraints and a comment per column."""

from arenalake.tables.gold import (
    BATTLE_COUNTS,
    MODERATION_COUNTS,
    MODERATION_CURVES,
    MODERATION_STATS,
    MODERATION_TOTALS,
    PAIR_STATS,
    POSITION_STATS,
    RATING_REPLICATES,
    RATINGS,
    SOURCE_TERMS,
    TOKEN_COUNTS,
    TOKEN_STATS,
    VOLUME_STATS,
)
from arenalake.tables.silver import BATTLES, CONVERSATIONS, INGESTED_FILES, MESSAGES, QUARANTINE
from arenalake.tables.table import Column, Table

ALL_TABLES: tuple[Table, ...] = (
    CONVERSATIONS,
    BATTLES,
    MESSAGES,
    QUARANTINE,
    INGESTED_FILES,
    SOURCE_TERMS,
    TOKEN_COUNTS,
    TOKEN_STATS,
    MODERATION_COUNTS,
    MODERATION_TOTALS,
    MODERATION_STATS,
    MODERATION_CURVES,
    BATTLE_COUNTS,
    PAIR_STATS,
    POSITION_STATS,
    VOLUME_STATS,
    RATINGS,
    RATING_REPLICATES,
)

__all__ = [
    "ALL_TABLES",
    "BATTLES",
    "BATTLE_COUNTS",
    "CONVERSATIONS",
    "INGESTED_FILES",
    "MESSAGES",
    "MODERATION_COUNTS",
    "MODERATION_CURVES",
    "MODERATION_STATS",
    "MODERATION_TOTALS",
    "PAIR_STATS",
    "POSITION_STATS",
    "QUARANTINE",
    "RATINGS",
    "RATING_REPLICATES",
    "SOURCE_TERMS",
    "TOKEN_COUNTS",
    "TOKEN_STATS",
    "VOLUME_STATS",
    "Column",
    "Table",
]
