"""All pages of the report, in the order of the navigation."""

from arenalake.report.battles import build_battles
from arenalake.report.corpus import build_corpus
from arenalake.report.data import build_data
from arenalake.report.frames import Frames
from arenalake.report.leaderboard import build_leaderboards
from arenalake.report.moderation import build_moderation
from arenalake.report.parts import Page
from arenalake.report.reproduction import build_reproduction
from arenalake.report.tokens import build_tokens


def build_pages(frames: Frames) -> list[Page]:
    """The index with the leaderboards first; pages of slices have no place in the navigation."""
    return [
        *build_leaderboards(frames),
        build_battles(frames),
        build_corpus(frames),
        build_tokens(frames),
        build_moderation(frames),
        build_reproduction(frames),
        build_data(frames),
    ]
