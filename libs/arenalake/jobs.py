"""The jobs by name, where the code of each is, and what it waits for. Nothing is imported before a job runs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """A job.

    Attributes:
        module: where its function `run` is.
        after: the jobs that write what it reads.
        usual: whether it runs where nobody says which jobs are wanted.
    """

    module: str
    after: tuple[str, ...] = ()
    usual: bool = True


# The order is that of a run one after the other.
JOBS = {
    "generate": Job("arenalake.samples.job", usual=False),
    "ingest": Job("arenalake.ingest.job", ("generate",)),
    "measure": Job("arenalake.text.job", ("ingest",)),
    "corpus_stats": Job("arenalake.corpus.job", ("measure",)),
    "token_stats": Job("arenalake.tokens.job", ("measure",)),
    "moderation_stats": Job("arenalake.moderation.job", ("measure",)),
    "tree_stats": Job("arenalake.trees.job", ("ingest",)),
    "battle_stats": Job("arenalake.battles.job", ("ingest",)),
    "preference_stats": Job("arenalake.preferences.job", ("ingest",)),
    "ratings": Job("arenalake.ratings.job", ("measure", "battle_stats")),
    "judge_agreement": Job("arenalake.judges.job", ("measure",)),
    "recovery": Job("arenalake.samples.recovery", ("ratings",), usual=False),
    "reproduce": Job(
        "arenalake.reproduction.job",
        ("token_stats", "moderation_stats", "tree_stats", "judge_agreement", "preference_stats"),
    ),
    "export": Job("arenalake.trees.export", ("tree_stats",), usual=False),
    "report": Job(
        "arenalake.app.report",
        (
            "corpus_stats",
            "token_stats",
            "moderation_stats",
            "preference_stats",
            "ratings",
            "judge_agreement",
            "reproduce",
        ),
    ),
}
