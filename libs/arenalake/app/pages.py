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

# Without a row in these tables there is no such page: no source is about it, or its job did not run, and then the page
# would speak of data that nobody has looked at.
_IF_THERE_ARE_ROWS = (
    (build_battles, ("pair_stats", "position_stats", "volume_stats", "cleaning_stats")),
    (build_corpus, ("corpus_shape", "voter_stats", "language_audit")),
    (build_tokens, ("token_stats",)),
    (build_moderation, ("moderation_stats",)),
    (build_judges, ("agreement_stats", "judge_bias", "judge_win_rates")),
    (build_preferences, ("property_stats",)),
    (build_trees, ("tree_stats",)),
    (build_reproduction, ("reproduction",)),
)


def build_pages(frames: Frames) -> list[Page]:
    """The index with the leaderboards first; pages of slices have no place in the navigation."""
    return [
        *build_leaderboards(frames),
        *[build(frames) for build, tables in _IF_THERE_ARE_ROWS if any(len(getattr(frames, name)) for name in tables)],
        build_data(frames),
    ]
