"""All pages of the report, in the order of the navigation."""

from arenalake.battles.page import build_battles
from arenalake.corpus.page import build_corpus
from arenalake.ingest.page import build_data
from arenalake.judges.page import build_judges
from arenalake.moderation.page import build_moderation
from arenalake.preferences.page import build_preferences
from arenalake.ratings.page import build_leaderboards
from arenalake.report.frames import Frames
from arenalake.report.parts import Page
from arenalake.reproduction.page import build_reproduction
from arenalake.tokens.page import build_tokens
from arenalake.trees.page import build_trees

# What not every source is about: without rows in this table there is no such page.
_IF_THERE_ARE_ROWS = (
    (build_judges, "judge_bias"),
    (build_preferences, "property_stats"),
    (build_trees, "tree_stats"),
)


def build_pages(frames: Frames) -> list[Page]:
    """The index with the leaderboards first; pages of slices have no place in the navigation."""
    return [
        *build_leaderboards(frames),
        build_battles(frames),
        build_corpus(frames),
        build_tokens(frames),
        build_moderation(frames),
        *[build(frames) for build, table in _IF_THERE_ARE_ROWS if len(getattr(frames, table))],
        build_reproduction(frames),
        build_data(frames),
    ]
