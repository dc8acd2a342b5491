"""All pages of the report, in the order of the navigation."""

from dataclasses import replace

from arenalake.battles.page import build_battles, side_sections
from arenalake.corpus.page import build_corpus
from arenalake.ingest.page import build_data
from arenalake.judges.page import build_judges
from arenalake.moderation.page import build_moderation, flag_sections
from arenalake.preferences.page import build_preferences
from arenalake.ratings.page import build_leaderboards
from arenalake.ratings.page_of_models import build_comparison, model_sections, opponents
from arenalake.report.boards import model_pages
from arenalake.report.facts import fact_section
from arenalake.report.frames import Frames
from arenalake.report.parts import Page, Section
from arenalake.reproduction.page import build_reproduction
from arenalake.tokens.page import build_tokens, length_sections
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


# Tables with rows about a model, for its page.
_OF_MODELS = ("ratings", "position_stats", "token_stats", "moderation_stats")


def build_pages(frames: Frames) -> list[Page]:
    """The index with the leaderboards first; pages of slices and models have no place in the navigation."""
    pages = build_leaderboards(frames)
    if len(frames.ratings):
        pages.append(build_comparison(frames, model_pages(frames)))
    pages += [
        build(frames) for build, tables in _IF_THERE_ARE_ROWS if any(len(getattr(frames, name)) for name in tables)
    ]
    return [*pages, build_data(frames), *_build_models(frames)]


def _build_models(frames: Frames) -> list[Page]:
    """A page for each rated model, with what all sources know of it."""
    files = model_pages(frames)
    tables = {name: getattr(frames, name) for name in _OF_MODELS} | {"rating_pairs": opponents(frames)}
    rows = {name: dict(iter(table.groupby("model"))) for name, table in tables.items()}
    pages = []
    for model, file in files.items():
        own = replace(frames, **{name: rows[name].get(model, table.head(0)) for name, table in tables.items()})
        sections = fact_section(frames.model_facts, model)
        for source in sorted(set().union(*(set(getattr(own, name)["source"]) for name in tables))):
            parts = model_sections(source, model, own, files)
            parts += [part for build in (side_sections, length_sections, flag_sections) for part in build(source, own)]
            sections.append(Section(source, sections=parts))
        pages.append(Page(file, model, "Results for one model from all sources of this report.", sections, nav=""))
    return pages
