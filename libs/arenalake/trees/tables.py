"""Tables of conversation trees: where each message stands, counts that add up, and what people read."""

from arenalake.entities.columns import GROUPING, SOURCE
from arenalake.entities.moderation import DETOXIFY
from arenalake.lake.table import Column, Table, interval_columns

_TREE = Column("message_tree_id", "string", "tree", required=True)
_MESSAGE = Column("message_id", "string", "message", required=True)
_LANGUAGE = Column("language", "string", "language as published, a code; null where there is none or it is about all")
_MONTH = Column("month", "string", "month as 2023-04; null where there is no time or the row is about all")
_ROLE = Column("role", "string", "prompter or assistant; null where the row is about both")
_STATE = Column("tree_state", "string", "state of the tree as published; null where there is none or it is about all")
_LABEL = Column(
    "label", "string", f"label as published; scores of the model Detoxify are `{DETOXIFY}` and their name", True
)

TREE_NODES = Table(
    name="tree_nodes",
    layer="silver",
    comment="Place of each message in its tree, without its text.",
    columns=(
        SOURCE,
        _TREE,
        _MESSAGE,
        Column("parent_id", "string", "parent message; null for the first message of a tree"),
        Column(
            "path", "array<string>", "ids of the messages from the first one of the tree to this one", required=True
        ),
        Column("depth", "int", "number of messages above it, 0 for the first one", required=True),
        Column("role", "string", "prompter or assistant", required=True),
        Column("language", "string", "language as published; null where there is none"),
        Column("month", "string", "month as 2023-04; null where there is no time"),
        Column("tree_state", "string", "state of the tree as published; null where there is none"),
        Column("user_id", "string", "author; null where the source does not say"),
        Column("rank", "int", "place among its siblings, 0 is the best; null where not ranked"),
        Column("n_replies", "int", "number of replies to it", required=True),
        Column("n_ranked", "int", "number of its ranked replies", required=True),
        Column(
            "has_gap",
            "boolean",
            "whether the ranks of its replies skip a number: they are not 0, 1, 2, …",
            required=True,
        ),
        Column("review_result", "boolean", "the reviewers accepted it; null where they did not decide"),
        Column("deleted", "boolean", "deleted; null where the source does not say"),
        Column("synthetic", "boolean", "written by a model; null where the source does not say"),
        Column("below_deleted", "boolean", "whether it or a message above it is deleted", required=True),
        Column("below_synthetic", "boolean", "whether it or a message above it is by a model", required=True),
        Column("n_chars", "int", "Unicode code points of its text", required=True),
        Column("tree_messages", "int", "number of messages of the tree, on its first message; null on others"),
        Column("tree_depth", "int", "maximum depth in the tree, on its first message; null on others"),
        Column("tree_leaves", "int", "messages without a reply, on the tree's first message; null on others"),
    ),
    key=("source", "message_id"),
    stats_columns=("source", "role", "language", "month", "tree_state"),
)

_SUMS = (
    Column("n_messages", "bigint", "messages", required=True),
    Column("n_trees", "bigint", "trees whose first message is in this group", required=True),
    Column("n_prompts_alone", "bigint", "trees among these that consist of one message", required=True),
    Column("n_deleted", "bigint", "deleted messages", required=True),
    Column("n_synthetic", "bigint", "messages by a model", required=True),
    Column("n_accepted", "bigint", "messages that reviewers accepted", required=True),
    Column("n_rejected", "bigint", "messages that reviewers did not accept", required=True),
    Column("n_undecided", "bigint", "messages without a decision by reviewers", required=True),
    Column("n_ranked", "bigint", "messages with a rank", required=True),
    Column("n_ranked_sets", "bigint", "messages with at least two ranked replies", required=True),
    Column("n_partly_ranked_sets", "bigint", "ranked sets in which some replies have no rank", required=True),
    Column("n_sets_with_gaps", "bigint", "messages whose replies' ranks skip a number", required=True),
    Column("n_chars", "bigint", "Unicode code points", required=True),
)
SUM_NAMES = tuple(column.name for column in _SUMS)
_GROUP = ("source", "language", "month", "role", "tree_state")

TREE_MESSAGE_COUNTS = Table(
    name="tree_message_counts",
    layer="gold",
    kind="counts",
    comment="Messages of trees, and their marks, such as deleted. Counts of disjoint parts add up.",
    columns=(SOURCE, _LANGUAGE, _MONTH, _ROLE, _STATE, *_SUMS),
    key=_GROUP,
    sums=SUM_NAMES,
)

TREE_MESSAGES_MEASURE, TREE_DEPTH, TREE_LEAVES = "messages per tree", "depth of tree", "leaves per tree"
REPLIES, THREAD_MESSAGES, RANKED_REPLIES = "replies per message", "messages per thread", "ranked replies per message"

TREE_SHAPE_COUNTS = Table(
    name="tree_shape_counts",
    layer="gold",
    kind="counts",
    comment="Sizes of trees, threads and sets of replies, a histogram per group. Counts of disjoint parts add up.",
    columns=(
        SOURCE,
        Column(
            "measure",
            "string",
            f"what is measured: {TREE_MESSAGES_MEASURE}, {TREE_DEPTH}, {TREE_LEAVES} (by the tree's first message), "
            f"{REPLIES}, {RANKED_REPLIES} (where there are any), {THREAD_MESSAGES} (by its last message)",
            required=True,
        ),
        _LANGUAGE,
        _MONTH,
        _ROLE,
        _STATE,
        Column("n", "bigint", "trees, messages or threads", required=True),
        Column("total", "bigint", "sum of the sizes", required=True),
        Column("sizes", "array<bigint>", "sizes that occur, ascending", required=True),
        Column("counts", "array<bigint>", "number of trees, messages or threads of each of these sizes", required=True),
    ),
    key=("source", "measure", *_GROUP[1:]),
    sums=("n", "total"),
    cell="sizes",
)

CONTRIBUTOR_COUNTS = Table(
    name="contributor_counts",
    layer="gold",
    kind="counts",
    comment="Contributors by the number of their messages. A person counts in each group with a message of theirs.",
    columns=(
        SOURCE,
        GROUPING,
        _LANGUAGE,
        _MONTH,
        _ROLE,
        _STATE,
        Column("n_messages", "bigint", "messages that a person wrote", required=True),
        Column("n_contributors", "bigint", "persons who wrote this number of messages", required=True),
    ),
    key=("source", "grouping", *_GROUP[1:], "n_messages"),
)

TREE_STATS = Table(
    name="tree_stats",
    layer="gold",
    kind="statistics",
    comment="Messages and trees by language, month, both, role and state, and how unequally contributors wrote them.",
    columns=(
        SOURCE,
        GROUPING,
        _LANGUAGE,
        _MONTH,
        _ROLE,
        _STATE,
        *_SUMS,
        Column("n_contributors", "bigint", "persons who wrote messages of this group", required=True),
        Column("n_attributed", "bigint", "messages whose author is known", required=True),
        Column(
            "gini",
            "double",
            "Gini coefficient of messages per contributor; 0 if all wrote the same number; null without contributors",
        ),
        Column(
            "busiest_share",
            "double",
            "share of n_attributed by the busiest 1 % of contributors, rounded up to a whole person; null without any",
        ),
    ),
    key=("source", "grouping", *_GROUP[1:]),
)

TREE_SHAPES = Table(
    name="tree_shapes",
    layer="gold",
    kind="statistics",
    comment="Sizes of trees, threads and sets of replies; quantiles are exact (inverted_cdf).",
    columns=(
        SOURCE,
        GROUPING,
        Column("measure", "string", "as in tree_shape_counts", required=True),
        _LANGUAGE,
        _MONTH,
        _ROLE,
        _STATE,
        Column("n", "bigint", "trees, messages or threads", required=True),
        Column("total", "bigint", "sum of the sizes", required=True),
        Column("mean", "double", "mean size", required=True),
        Column("sd", "double", "sample standard deviation; null for one"),
        Column("min", "bigint", "minimum", required=True),
        Column("max", "bigint", "maximum", required=True),
        *(Column(f"p{p}", "bigint", f"exact {p} % quantile", required=True) for p in (1, 5, 25, 50, 75, 95, 99)),
    ),
    key=("source", "grouping", "measure", *_GROUP[1:]),
)

# Values from 0 to 1 are added up as whole numbers of these parts.
VALUE_PARTS = 100_000

LABEL_COUNTS = Table(
    name="label_counts",
    layer="gold",
    kind="counts",
    comment="Messages by the value of each label, a histogram per group. Counts of disjoint parts add up.",
    columns=(
        SOURCE,
        _LABEL,
        _ROLE,
        _LANGUAGE,
        Column("deleted", "boolean", "whether the row is about deleted messages", required=True),
        Column("n", "bigint", "messages with the label", required=True),
        Column("n_ratings", "bigint", "ratings that the values are means of; 0 for scores of a model", required=True),
        Column("total", "bigint", f"sum of the values in parts of 1/{VALUE_PARTS:,}, each rounded", required=True),
        Column("bins", "array<bigint>", "hundredths, rounded down, that occur, ascending", required=True),
        Column("counts", "array<bigint>", "messages in each of these bins", required=True),
    ),
    key=("source", "label", "role", "language", "deleted"),
    sums=("n", "n_ratings", "total"),
    cell="bins",
)

_PRODUCTS = ("sum_a", "sum_b", "sum_aa", "sum_bb", "sum_ab")

LABEL_PAIR_COUNTS = Table(
    name="label_pair_counts",
    layer="gold",
    kind="counts",
    comment="Sums of values and products over messages that have both labels. Counts of disjoint parts add up.",
    columns=(
        SOURCE,
        _ROLE,
        Column("label_a", "string", "label, the first one in the alphabet", required=True),
        Column("label_b", "string", "another label", required=True),
        Column("n", "bigint", "messages with both labels", required=True),
        *(
            Column(name, "bigint", f"sum over them, values in parts of 1/{VALUE_PARTS:,}", required=True)
            for name in _PRODUCTS
        ),
    ),
    key=("source", "role", "label_a", "label_b"),
    sums=("n", *_PRODUCTS),
)

LABEL_STATS = Table(
    name="label_stats",
    layer="gold",
    kind="statistics",
    comment="Labels of messages by role and language, and of deleted messages compared with the others.",
    columns=(
        SOURCE,
        GROUPING,
        _LABEL,
        _ROLE,
        _LANGUAGE,
        Column("n", "bigint", "messages with the label", required=True),
        Column("n_ratings", "bigint", "ratings that their values are means of; 0 for scores of a model", required=True),
        Column("mean", "double", "mean over messages of the value, 0 to 1", required=True),
        *(
            Column(f"p{p}", "double", f"{p} % quantile of the values, rounded down to hundredths", required=True)
            for p in (5, 25, 50, 75, 95)
        ),
        Column("n_deleted", "bigint", "deleted messages among these", required=True),
        Column("mean_deleted", "double", "mean over deleted messages; null without any"),
        Column("mean_kept", "double", "mean over messages that are not deleted; null without any"),
    ),
    key=("source", "grouping", "label", "role", "language"),
)

LABEL_CORRELATIONS = Table(
    name="label_correlations",
    layer="gold",
    kind="statistics",
    comment="Pearson's correlation of two labels, or of a label and a model's score, over the messages that have both.",
    columns=(
        SOURCE,
        GROUPING,
        _ROLE,
        Column("label_a", "string", "label, the first one in the alphabet", required=True),
        Column("label_b", "string", "another label", required=True),
        Column("n", "bigint", "messages with both labels", required=True),
        Column("correlation", "double", "Pearson's r; null where one of the labels has the same value on all messages"),
    ),
    key=("source", "grouping", "role", "label_a", "label_b"),
)

THREADS = Table(
    name="threads",
    layer="silver",
    comment="Threads from the first message of a tree to a last answer, as the configuration chooses them; no text.",
    columns=(
        SOURCE,
        Column("thread_id", "string", "last message of the thread, an answer", required=True),
        _TREE,
        Column("language", "string", "language of the first message; null where there is none"),
        Column("path", "array<string>", "ids of its messages, in order", required=True),
        Column("turns", "int", "messages of the prompter", required=True),
    ),
    key=("source", "thread_id"),
    stats_columns=("source", "language", "turns"),
)

THREAD_TURNS, THREAD_TOKENS, THREAD_MESSAGE_TOKENS = "turns per thread", "tokens per thread", "tokens per message"

_OF_THREADS = (
    Column(
        "measure",
        "string",
        f"what is measured: {THREAD_TURNS} (messages of the prompter), {THREAD_TOKENS}, or {THREAD_MESSAGE_TOKENS}, "
        "where a message counts once in each of its threads",
        required=True,
    ),
    Column("language", "string", "language of the thread, a code; null where there is none or it is about all"),
    Column("month", "string", "month of the messages as 2023-04; null without a time, about all, and for threads"),
    Column("role", "string", "user or assistant; null for threads"),
    Column("turn", "int", "turn the messages belong to, from 1; null where it is about all turns, and for threads"),
    Column("tokenizer", "string", f"tokenizer that counted; null for {THREAD_TURNS}"),
)

THREAD_COUNTS = Table(
    name="thread_counts",
    layer="gold",
    kind="counts",
    comment="Threads, and messages in threads, by length, a histogram per group.",
    columns=(
        SOURCE,
        *_OF_THREADS,
        Column("n", "bigint", "threads, or messages in threads", required=True),
        Column("total", "bigint", "sum of the lengths", required=True),
        Column("lengths", "array<bigint>", "lengths that occur, ascending", required=True),
        Column("counts", "array<bigint>", "number of threads or messages of each of these lengths", required=True),
    ),
    key=("source", *(column.name for column in _OF_THREADS)),
    sums=("n", "total"),
    cell="lengths",
)

THREAD_STATS = Table(
    name="thread_stats",
    layer="gold",
    kind="statistics",
    comment="Lengths of threads and their messages, like those of conversations. Quantiles are exact (inverted_cdf).",
    columns=(
        SOURCE,
        GROUPING,
        *_OF_THREADS,
        Column("n", "bigint", "threads, or messages in threads", required=True),
        Column("total", "bigint", "sum of the lengths", required=True),
        Column("mean", "double", "mean length", required=True),
        Column("sd", "double", "sample standard deviation; null for one"),
        Column("min", "bigint", "minimum", required=True),
        Column("max", "bigint", "maximum", required=True),
        *(Column(f"p{p}", "bigint", f"exact {p} % quantile", required=True) for p in (1, 5, 25, 50, 75, 95, 99)),
    ),
    key=("source", "grouping", *(column.name for column in _OF_THREADS)),
)

MOST_IN_EXAMPLE = 40
FIRST_WORDS = 120

TREE_EXAMPLE = Table(
    name="tree_example",
    layer="gold",
    kind="statistics",
    comment=f"An example tree of each source: the largest one of at most {MOST_IN_EXAMPLE} messages. No id.",
    columns=(
        SOURCE,
        Column(
            "place",
            "int",
            "place of the message; 0 is the first message, and replies follow their parent by rank",
            required=True,
        ),
        Column("parent", "int", "place of its parent message; null for the first one"),
        Column("role", "string", "prompter or assistant", required=True),
        Column("rank", "int", "place among its siblings, 0 is the best; null where not ranked"),
        Column("deleted", "boolean", "deleted; null where the source does not say"),
        Column("synthetic", "boolean", "written by a model; null where the source does not say"),
        Column("labels", "string", "labels by name with their values, such as `quality 0.58`; null without any"),
        Column(
            "text",
            "string",
            f"first words of the message, {FIRST_WORDS} characters at most; null if it is deleted, or if the licence "
            "of the source forbids redistribution of its text",
        ),
    ),
    key=("source", "place"),
    stats_columns=("source", "place"),
)

TREE_PAIRS = Table(
    name="tree_pairs",
    layer="silver",
    comment="Two ranked answers to the same message, the better one first; no text.",
    columns=(
        SOURCE,
        _TREE,
        Column("parent_id", "string", "message that both answer", required=True),
        Column("chosen_id", "string", "answer with the better rank", required=True),
        Column("rejected_id", "string", "the worse answer", required=True),
        Column(
            "rank_distance", "int", "rank of the worse answer minus rank of the better one, 1 or more", required=True
        ),
        Column("language", "string", "language of the better answer; null where there is none"),
        Column("chosen_chars", "int", "Unicode code points of the better answer", required=True),
        Column("rejected_chars", "int", "Unicode code points of the worse answer", required=True),
        Column(
            "chosen_synthetic", "boolean", "whether a model wrote the better answer; null where the source does not say"
        ),
        Column(
            "rejected_synthetic",
            "boolean",
            "whether a model wrote the worse answer; null where the source does not say",
        ),
        Column("same_author", "boolean", "whether one person wrote both; null where this is not known"),
        Column("chosen_author", "string", "author of the better answer; null where the source does not say"),
    ),
    key=("source", "chosen_id", "rejected_id"),
    stats_columns=("source", "language", "rank_distance"),
)

_PAIR_SUMS = (
    Column("n_pairs", "bigint", "pairs", required=True),
    Column("n_longer", "bigint", "pairs whose better answer is longer", required=True),
    Column("n_shorter", "bigint", "pairs whose better answer is shorter", required=True),
    Column("n_model_wins", "bigint", "pairs in which a model's answer beats a person's", required=True),
    Column("n_person_wins", "bigint", "pairs in which a person's answer beats a model's", required=True),
    Column("n_same_author", "bigint", "pairs whose answers are by the same person", required=True),
)

TREE_PAIR_COUNTS = Table(
    name="tree_pair_counts",
    layer="gold",
    kind="counts",
    comment="Pairs of ranked answers by language. Counts of disjoint parts add up.",
    columns=(SOURCE, _LANGUAGE, *_PAIR_SUMS),
    key=("source", "language"),
    sums=tuple(column.name for column in _PAIR_SUMS),
)

TREE_PAIR_AUTHOR_COUNTS = Table(
    name="tree_pair_author_counts",
    layer="gold",
    kind="counts",
    comment="Authors of better answers by the number of their pairs. A person counts in each language of theirs.",
    columns=(
        SOURCE,
        GROUPING,
        _LANGUAGE,
        Column("n_pairs", "bigint", "pairs whose better answer a person wrote", required=True),
        Column("n_authors", "bigint", "persons who wrote the better answer of this number of pairs", required=True),
    ),
    key=("source", "grouping", "language", "n_pairs"),
)

TREE_PAIR_STATS = Table(
    name="tree_pair_stats",
    layer="gold",
    kind="statistics",
    comment="Pairs of ranked answers: how often the better answer is longer or by a model, and how few wrote these.",
    columns=(
        SOURCE,
        GROUPING,
        _LANGUAGE,
        *_PAIR_SUMS,
        Column("longer_rate", "double", "n_longer / (n_longer + n_shorter); null where all are of equal length"),
        Column("model_win_rate", "double", "n_model_wins / (n_model_wins + n_person_wins); null without such pairs"),
        *interval_columns("Wilson's, for longer_rate; assumes that pairs of one prompt are independent"),
        Column("n_authors", "bigint", "persons who wrote better answers", required=True),
        Column(
            "busiest_share",
            "double",
            "share of the pairs with a known author of the better answer whose better answer is by the busiest 1 % of "
            "these authors, rounded up to a whole person; null without any",
        ),
    ),
    key=("source", "grouping", "language"),
)
