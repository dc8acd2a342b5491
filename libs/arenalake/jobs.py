"""The jobs by name, where the code of each is, and what it waits for. Nothing is imported before a job runs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """A job.

    Attributes:
        module: where its function `run` is.
        after: the jobs that write what it reads.
        usual: whether it runs where nobody says which jobs are wanted.
        reads: what it reads, in words.
        writes: the tables that it writes.
        instead: what it gives where it writes no table, in words.
    """

    module: str
    after: tuple[str, ...] = ()
    usual: bool = True
    reads: str = ""
    writes: tuple[str, ...] = ()
    instead: str = ""


# The order is that of a run one after the other.
JOBS = {
    "generate": Job(
        "arenalake.samples.job",
        usual=False,
        reads="nothing",
        instead="files: sample corpora in the published formats, and the true strengths and ratings behind them",
    ),
    "ingest": Job(
        "arenalake.ingest.job",
        ("generate",),
        reads="new raw files",
        writes=(
            "conversations",
            "battles",
            "likert_records",
            "preference_pairs",
            "tree_messages",
            "quarantine",
            "ingested_files",
            "source_terms",
        ),
    ),
    "measure": Job(
        "arenalake.text.job", ("ingest",), reads="conversations not measured yet", writes=("messages", "tokenizers")
    ),
    "corpus_stats": Job(
        "arenalake.corpus.job",
        ("measure",),
        reads="conversations, battles, messages",
        writes=("corpus_shape", "language_audit", "voter_stats"),
    ),
    "token_stats": Job(
        "arenalake.tokens.job",
        ("measure",),
        reads="messages",
        writes=("length_counts", "token_stats", "conversation_token_stats"),
    ),
    "moderation_stats": Job(
        "arenalake.moderation.job",
        ("measure",),
        reads="messages, battles, tree_messages",
        writes=(
            "score_counts",
            "moderation_stats",
            "moderation_conversations",
            "moderation_turns",
            "moderation_answers",
            "moderation_patterns",
            "moderation_cooccurrence",
            "moderation_curves",
            "toxicity_agreement",
        ),
    ),
    "battle_stats": Job(
        "arenalake.battles.job",
        ("ingest",),
        reads="battles",
        writes=("battle_counts", "removed_votes", "cleaning_stats", "pair_stats", "position_stats", "volume_stats"),
    ),
    "judge_agreement": Job(
        "arenalake.judges.job",
        ("measure",),
        reads="battles; messages for lengths; likert_records for scores",
        writes=("agreement_stats", "judge_bias", "judge_win_rates", "grade_counts"),
    ),
    "preference_stats": Job(
        "arenalake.preferences.job",
        ("ingest",),
        reads="preference_pairs",
        writes=(
            "property_counts",
            "case_counts",
            "property_products",
            "judge_counts",
            "property_stats",
            "property_correlations",
            "preference_fits",
            "preference_weights",
            "judge_pairs",
            "judge_ranks",
            "judge_order",
        ),
    ),
    "tree_stats": Job(
        "arenalake.trees.job",
        ("ingest", "measure"),
        reads="tree_messages, messages",
        writes=(
            "tree_nodes",
            "tree_message_counts",
            "tree_shape_counts",
            "contributor_counts",
            "tree_stats",
            "tree_shapes",
            "tree_example",
            "label_counts",
            "label_pair_counts",
            "label_stats",
            "label_correlations",
            "threads",
            "thread_counts",
            "thread_stats",
            "tree_pairs",
            "tree_pair_counts",
            "tree_pair_author_counts",
            "tree_pair_stats",
        ),
    ),
    "ratings": Job(
        "arenalake.ratings.job",
        ("measure", "battle_stats"),
        reads="battle_counts; battles for scores, Elo and judges; messages for style and length",
        writes=(
            "ratings",
            "rating_replicates",
            "rating_pairs",
            "rating_slices",
            "rating_fits",
            "rating_calibration",
            "rating_influence",
            "style_replicates",
            "style_coefficients",
        ),
    ),
    "recovery": Job(
        "arenalake.samples.recovery",
        ("ratings",),
        usual=False,
        reads="ratings, and the true ratings of generated votes",
        instead="nothing; prints how well the ratings recover the true ones",
    ),
    "reproduce": Job(
        "arenalake.reproduction.job",
        ("token_stats", "moderation_stats", "tree_stats", "judge_agreement", "preference_stats"),
        reads="the statistics of data sets with published figures, ingested_files",
        writes=("reproduction",),
    ),
    "export": Job(
        "arenalake.trees.export",
        ("tree_stats",),
        usual=False,
        reads="tree_messages, threads, tree_pairs",
        instead="a folder of files for trainers, for each source with trees",
    ),
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
        reads="the statistics",
        instead="a folder of HTML and CSV",
    ),
}
