"""`generate`: corpora in the published formats, with the truth beside them. Never part of a scheduled workflow."""

from arenalake.samples.corpora import generate_corpora
from arenalake.samples.folders import (
    BATTLES_FOLDER,
    CONVERSATIONS_FOLDER,
    LIKERT_FOLDER,
    PREFERENCES_FOLDER,
    TREES_FOLDER,
    TRUTH_FOLDER,
)
from arenalake.step import Context, StepResult


def run(context: Context) -> StepResult:
    """Write the sample corpora, unless they are there."""
    config = context.config.generate
    corpora = generate_corpora(context.lake, config)
    path = config.path.rstrip("/")
    state = "written" if corpora.written else "exists already, nothing written"
    lines = [f"generate: seed {config.seed}, {state}"]
    for folder, rows, note in (
        (CONVERSATIONS_FOLDER, corpora.conversations, "conversations"),
        (BATTLES_FOLDER, corpora.battles, f"battles ({corpora.duplicates:,} of them repeated records)"),
        (LIKERT_FOLDER, corpora.ratings, "ratings from 1 to 8"),
        (PREFERENCES_FOLDER, corpora.preferences, "annotated pairs"),
        (TREES_FOLDER, corpora.trees, "conversation trees"),
    ):
        if rows:
            lines.append(f"  {path}/{folder}: {rows:,} {note} in {corpora.files[folder]} files")
    lines.append(f"  {path}/{TRUTH_FOLDER}: the parameters of the votes, and the true ratings of each method")
    counts = {
        name: float(getattr(corpora, name)) for name in ("conversations", "battles", "ratings", "preferences", "trees")
    }
    metrics = {name: n for name, n in counts.items() if n}
    return StepResult(lines=lines, metrics=metrics)
