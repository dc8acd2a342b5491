"""Gold tables: counts that add up, and the statistics that people read. No text and no ids of persons or records."""

from arenalake.tables.table import Column, Table, interval_columns

_SOURCE = Column("source", "string", "name of the source in the configuration", required=True)
_MODEL = Column("model", "string", "model; null where the row is not about one model")
_LANGUAGE = Column(
    "language", "string", "language as published, else as detected; null where there is neither or it is about all"
)
_ROLE = Column("role", "string", "user or assistant; battle where a tag is about a battle as a whole", required=True)
_GROUPING = Column(
    "grouping", "string", "what the row is about: all, or the columns that are set, joined by commas", required=True
)
_CATEGORY = Column("category", "string", "moderation category as published, or any", required=True)
_WINNER = Column("winner", "string", "model_a, model_b, tie or tie (bothbad)", required=True)
_JUDGE_KIND = Column("judge_kind", "string", "human or model", required=True)

SOURCE_TERMS = Table(
    name="source_terms",
    layer="gold",
    kind="statistics",
    comment="Licence and citation of each source that was ever configured.",
    columns=(
        _SOURCE,
        Column("format", "string", "published format of the source", required=True),
        Column("title", "string", "name of the data set", required=True),
        Column("licence", "string", "terms under which the data may be used", required=True),
        Column("text_may_be_shared", "boolean", "whether the licence lets the text be passed on", required=True),
        Column("citation", "string", "what to cite"),
        Column("url", "string", "where the data set is published"),
    ),
    key=("source",),
)

TOKEN_COUNTS = Table(
    name="token_counts",
    layer="gold",
    kind="counts",
    comment="Number of messages by length in tokens. Counts of two halves add up to the counts of the whole.",
    columns=(
        _SOURCE,
        Column("model", "string", "model of the conversation", required=True),
        _LANGUAGE,
        _ROLE,
        Column("turn", "int", "turn the message belongs to, from 1", required=True),
        Column("month", "string", "month as 2023-04; null where the source has no time"),
        Column("tokenizer", "string", "tokenizer that counted", required=True),
        Column("n_tokens", "int", "length in tokens", required=True),
        Column("n_messages", "bigint", "messages of that length", required=True),
        Column("n_chars", "bigint", "Unicode code points in these messages", required=True),
    ),
    key=("source", "model", "language", "role", "turn", "month", "tokenizer", "n_tokens"),
    stats_columns=("source",),
    checks={"positive": "n_messages > 0 AND n_tokens >= 0"},
    sums=("n_messages", "n_chars"),
)

TOKEN_STATS = Table(
    name="token_stats",
    layer="gold",
    kind="statistics",
    comment="Message length in tokens by model, language, role, turn and month; quantiles are exact (inverted_cdf).",
    columns=(
        _SOURCE,
        _GROUPING,
        _MODEL,
        _LANGUAGE,
        Column("turn", "int", "turn of the messages, from 1; null where the row is about all turns"),
        Column("month", "string", "month as 2023-04; null where there is no time or the row is about all months"),
        _ROLE,
        Column("tokenizer", "string", "tokenizer that counted", required=True),
        Column("n_conversations", "bigint", "conversations with at least one such message", required=True),
        Column("n_messages", "bigint", "messages", required=True),
        Column("total", "bigint", "tokens in all messages", required=True),
        Column("mean", "double", "tokens per message", required=True),
        Column("sd", "double", "sample standard deviation; null for one message"),
        Column("min", "int", "fewest tokens", required=True),
        Column("max", "int", "most tokens", required=True),
        *(Column(f"p{p}", "int", f"exact {p} % quantile", required=True) for p in (1, 5, 25, 50, 75, 95, 99)),
    ),
    key=("source", "grouping", "model", "language", "turn", "month", "role", "tokenizer"),
)

MODERATION_COUNTS = Table(
    name="moderation_counts",
    layer="gold",
    kind="counts",
    comment="Messages by moderation score; logarithmic bins, 100 per decade from 1e-9 to 1.",
    columns=(
        _SOURCE,
        _MODEL,
        _LANGUAGE,
        _ROLE,
        _CATEGORY,
        Column("score_bin", "int", "floor(100 log10 score), -901 below 1e-9; null where there is no score"),
        Column("n", "bigint", "messages", required=True),
        Column("n_labelled", "bigint", "messages that have the flag (true or false)", required=True),
        Column("n_flagged", "bigint", "messages whose flag is true", required=True),
        Column("sum_score", "decimal(38,18)", "sum of the scores; null where there is no score"),
    ),
    key=("source", "model", "language", "role", "category", "score_bin"),
    stats_columns=("source",),
    sums=("n", "n_labelled", "n_flagged", "sum_score"),
)

MODERATION_PATTERNS = Table(
    name="moderation_patterns",
    layer="gold",
    kind="counts",
    comment="Conversations by the flags of their messages, in order. Counts of two halves add up.",
    columns=(
        _SOURCE,
        _MODEL,
        _LANGUAGE,
        Column(
            "pattern",
            "array<int>",
            "one number per message: role (0 user, 1 assistant, 2 battle as a whole) times 2^24, plus a bit from 2^12 "
            "up for each category that has a flag, plus a bit from 2^0 up for each that is flagged; any is the first "
            "category, the others follow as published",
            required=True,
        ),
        Column("n", "bigint", "conversations (battles, where the tag is about a battle)", required=True),
    ),
    key=("source", "model", "language", "pattern"),
    checks={"positive": "n > 0"},
    sums=("n",),
)

MODERATION_TOTALS = Table(
    name="moderation_totals",
    layer="gold",
    kind="statistics",
    comment="Flags summed by conversation first: what intervals need that allow for clustering by conversation.",
    columns=(
        _SOURCE,
        _MODEL,
        _LANGUAGE,
        _ROLE,
        _CATEGORY,
        Column("n_conversations", "bigint", "conversations with at least one labelled message", required=True),
        Column("n_conversations_flagged", "bigint", "conversations with at least one flagged message", required=True),
        Column("n_messages", "bigint", "labelled messages", required=True),
        Column("n_flagged", "bigint", "flagged messages", required=True),
        Column("sum_messages_squared", "bigint", "sum over conversations of labelled messages squared", required=True),
        Column("sum_flagged_squared", "bigint", "sum over conversations of flagged messages squared", required=True),
        Column("sum_flagged_messages", "bigint", "sum over conversations of flagged times labelled", required=True),
    ),
    key=("source", "model", "language", "role", "category"),
)

MODERATION_STATS = Table(
    name="moderation_stats",
    layer="gold",
    kind="statistics",
    comment="Flag rates with 95 % intervals and score quantiles; a quantile's relative error is at most 1.2 %.",
    columns=(
        _SOURCE,
        _GROUPING,
        _MODEL,
        _LANGUAGE,
        _ROLE,
        _CATEGORY,
        Column("unit", "string", "message or conversation", required=True),
        Column("n", "bigint", "units with a flag, true or false", required=True),
        Column("n_missing", "bigint", "messages without the flag; null for conversations"),
        Column("n_flagged", "bigint", "units flagged", required=True),
        Column("rate", "double", "n_flagged / n; null where n is 0"),
        *interval_columns("Wilson's; for messages at the size that allows for messages of a conversation being alike"),
        Column("n_scored", "bigint", "messages with a score; null for conversations"),
        Column("mean_score", "double", "mean score; null where there is none"),
        *(
            Column(name, "double", f"{text} % quantile of the score, middle of its bin; null where there is none")
            for name, text in (("p50", "50"), ("p90", "90"), ("p99", "99"), ("p99_9", "99.9"))
        ),
    ),
    key=("source", "grouping", "model", "language", "role", "category", "unit"),
)

MODERATION_CURVES = Table(
    name="moderation_curves",
    layer="gold",
    kind="statistics",
    comment="Share of messages whose score is at or above a threshold; thresholds are edges of bins: exact shares.",
    columns=(
        _SOURCE,
        _GROUPING,
        _MODEL,
        _ROLE,
        _CATEGORY,
        Column("threshold", "double", "score", required=True),
        Column("n", "bigint", "messages with a score", required=True),
        Column("n_above", "bigint", "messages at or above the threshold", required=True),
        Column("share", "double", "n_above / n", required=True),
    ),
    key=("source", "grouping", "model", "role", "category", "threshold"),
)

BATTLE_COUNTS = Table(
    name="battle_counts",
    layer="gold",
    kind="counts",
    comment="Number of battles by outcome; everything that needs no judge, order or text is a function of it.",
    columns=(
        _SOURCE,
        _JUDGE_KIND,
        Column("language", "string", "language as published; null where the source has none"),
        Column("category", "string", "category of the question; null where the source has none"),
        Column(
            "category_tags", "array<string>", "further categories of the question; null where the source has no tags"
        ),
        Column("turn", "int", "number of turns; null where the source does not say"),
        Column("anony", "boolean", "model names were hidden; null where the source does not say"),
        Column("month", "string", "month as 2023-04; null where the source has no time"),
        Column("removed_by", "string", "rule by which the battles are not rated; null for those that are"),
        Column("model_a", "string", "model shown first", required=True),
        Column("model_b", "string", "model shown second", required=True),
        _WINNER,
        Column("n", "bigint", "battles", required=True),
    ),
    key=(
        "source",
        "judge_kind",
        "language",
        "category",
        "category_tags",
        "turn",
        "anony",
        "month",
        "removed_by",
        "model_a",
        "model_b",
        "winner",
    ),
    checks={"positive": "n > 0"},
)

CLEANING_STATS = Table(
    name="cleaning_stats",
    layer="gold",
    kind="statistics",
    comment="What each rule removes from the battles before they are rated, in the order the rules apply.",
    columns=(
        _SOURCE,
        Column("step", "int", "place of the rule in the order, from 1", required=True),
        Column("rule", "string", "the rule's key in the configuration", required=True),
        Column("n_before", "bigint", "battles that the rules before it left", required=True),
        Column("n_removed", "bigint", "battles that it removes", required=True),
        Column("n_after", "bigint", "battles that it leaves", required=True),
        Column("parameters", "string", "its settings", required=True),
    ),
    key=("source", "step"),
)

PAIR_STATS = Table(
    name="pair_stats",
    layer="gold",
    kind="statistics",
    comment="Each pair of models, model_a before model_b by code point, whichever was shown first. All battles.",
    columns=(
        _SOURCE,
        _JUDGE_KIND,
        Column("model_a", "string", "first model by code point", required=True),
        Column("model_b", "string", "second model by code point", required=True),
        Column("wins_a", "bigint", "battles that model_a won", required=True),
        Column("wins_b", "bigint", "battles that model_b won", required=True),
        Column("ties", "bigint", "ties, without tie (bothbad)", required=True),
        Column("bothbad", "bigint", "tie (bothbad)", required=True),
        Column("n", "bigint", "all battles of the pair", required=True),
        Column("win_rate_a", "double", "(wins_a + half of all ties) / n", required=True),
        *interval_columns("Tango's score interval for wins, ties and losses"),
    ),
    key=("source", "judge_kind", "model_a", "model_b"),
)

POSITION_STATS = Table(
    name="position_stats",
    layer="gold",
    kind="statistics",
    comment="How often the side shown first wins. All battles.",
    columns=(
        _SOURCE,
        _JUDGE_KIND,
        Column("model", "string", "model; null for all battles"),
        Column("side", "string", "side the model was shown on: a or b; a for all battles", required=True),
        Column("n", "bigint", "battles", required=True),
        Column("ties", "bigint", "ties of both kinds", required=True),
        Column("wins", "bigint", "battles that this side won", required=True),
        Column("win_rate", "double", "wins / battles that were not a tie; null where all were ties"),
        *interval_columns("Wilson's"),
    ),
    key=("source", "judge_kind", "model", "side"),
)

VOLUME_STATS = Table(
    name="volume_stats",
    layer="gold",
    kind="statistics",
    comment="Battles per day (UTC).",
    columns=(
        _SOURCE,
        Column("day", "date", "day; null where the source has no time"),
        Column("n_battles", "bigint", "battles", required=True),
    ),
    key=("source", "day"),
)

_SLICE = Column("slice", "string", "all, or column=value pairs joined by commas", required=True)
_METHOD = Column("method", "string", "rating method", required=True)
_UNIT = Column("unit", "string", "what the bootstrap draws: battle or judge", required=True)

RATINGS = Table(
    name="ratings",
    layer="gold",
    kind="statistics",
    comment="Ratings with 95 % intervals, comparable within a component.",
    columns=(
        _SOURCE,
        _SLICE,
        _METHOD,
        _UNIT,
        Column("interval", "string", "percentile, sandwich, or sandwich_judge (clustered by judge)", required=True),
        Column("model", "string", "model", required=True),
        Column("rating", "double", "estimate from all battles; null where none exists"),
        Column("se", "double", "standard error of the rating; null where none exists"),
        *interval_columns("percentile: 2.5 and 97.5 % points of the rounds; sandwich: rating -/+ 1.96 se"),
        Column("rank", "int", "1 + models of the component with a higher rating"),
        Column("rank_ub", "int", "1 + models of the component whose ci_lower is above this ci_upper"),
        Column("rank_lower", "int", "2.5 % point of the rank over the rounds; null for the sandwich"),
        Column("rank_upper", "int", "97.5 % point of the rank over the rounds; null for the sandwich"),
        Column(
            "component",
            "int",
            "number of the models that are comparable, by the win graph, for elo and win_rate by battles alone; "
            "1 is the main component, with most battles",
            required=True,
        ),
        Column(
            "n_battles",
            "bigint",
            "battles of the model in the slice; for style_control those with both texts measured",
            required=True,
        ),
        Column("n_rounds", "int", "bootstrap rounds; null for the sandwich"),
        Column(
            "note",
            "string",
            "what a reader must know: unbounded or too narrow intervals, separate components; null if nothing",
        ),
    ),
    key=("source", "slice", "method", "unit", "interval", "model"),
)

RATING_REPLICATES = Table(
    name="rating_replicates",
    layer="gold",
    comment="One rating per bootstrap round. Infinite where the model only won or only lost in the round.",
    columns=(
        _SOURCE,
        _SLICE,
        _METHOD,
        _UNIT,
        Column("round", "int", "round, from 0", required=True),
        Column("model", "string", "model", required=True),
        Column("rating", "double", "rating; null where the round has no comparison of the model with the others"),
    ),
    key=("source", "slice", "method", "unit", "round", "model"),
    cluster_by=("source", "slice"),
)

STYLE_REPLICATES = Table(
    name="style_replicates",
    layer="gold",
    comment="Style control in each bootstrap round: ratings at equal style, and what each covariate is worth.",
    columns=(
        _SOURCE,
        _SLICE,
        _UNIT,
        Column("round", "int", "bootstrap round, from 0", required=True),
        Column("parameter", "string", "model or covariate", required=True),
        Column("name", "string", "name of the model or covariate", required=True),
        Column("value", "double", "rating, or change of the log odds per standard deviation; null where undefined"),
    ),
    key=("source", "slice", "unit", "round", "parameter", "name"),
)

STYLE_COEFFICIENTS = Table(
    name="style_coefficients",
    layer="gold",
    kind="statistics",
    comment="What style is worth: change of the log odds that an answer wins, per standard deviation of a covariate.",
    columns=(
        _SOURCE,
        _SLICE,
        _UNIT,
        Column("covariate", "string", "the answers' (a - b) / (a + b + 1) of tokens, headers and so on", required=True),
        Column("coefficient", "double", "estimate from all battles", required=True),
        Column("se", "double", "standard deviation over the rounds; null where a round is undefined"),
        *interval_columns("percentile: 2.5 and 97.5 % points of the rounds"),
        Column("mean", "double", "mean of the covariate before it was standardised", required=True),
        Column("sd", "double", "standard deviation of the covariate before it was standardised", required=True),
        Column("n_battles", "bigint", "battles that were fitted", required=True),
        Column("n_unmeasured", "bigint", "battles left out because an answer has no text or measure", required=True),
        Column("n_rounds", "int", "bootstrap rounds", required=True),
    ),
    key=("source", "slice", "unit", "covariate"),
)

RATING_PAIRS = Table(
    name="rating_pairs",
    layer="gold",
    comment="For each pair of models of a component: how often one is above the other in the bootstrap.",
    columns=(
        _SOURCE,
        _SLICE,
        _METHOD,
        _UNIT,
        Column("model_a", "string", "first model by code point", required=True),
        Column("model_b", "string", "second model by code point", required=True),
        Column("n_above", "int", "rounds in which model_a is above model_b", required=True),
        Column("n_below", "int", "rounds in which model_a is below model_b", required=True),
        Column("n_rounds", "int", "all rounds; those missing from n_above and n_below give no order", required=True),
        Column("probability_above", "double", "n_above / (n_above + n_below); null where no round gives an order"),
        Column(
            "predicted_win_rate", "double", "model_a against model_b by the fit, ties half; null without a likelihood"
        ),
        Column("n_battles", "bigint", "votes between the two that the method uses; 0 for style_control", required=True),
        Column("observed_win_rate", "double", "of model_a in these votes, ties half; null without votes"),
        Column(
            "residual",
            "double",
            "observed less predicted, in standard errors of the observed rate: far from 0 where ratings do not explain "
            "the pair; null without votes, prediction or any error of it",
        ),
    ),
    key=("source", "slice", "method", "unit", "model_a", "model_b"),
)

RATING_SLICES = Table(
    name="rating_slices",
    layer="gold",
    kind="statistics",
    comment="Slices of the battles, also those with too few to be rated.",
    columns=(
        _SOURCE,
        _SLICE,
        Column("n_battles", "bigint", "battles that could be rated", required=True),
        Column("min_battles", "int", "a slice with fewer is not rated; all always is", required=True),
        Column("rated", "boolean", "whether it has ratings", required=True),
    ),
    key=("source", "slice"),
)

RATING_INFLUENCE = Table(
    name="rating_influence",
    layer="gold",
    kind="statistics",
    comment="How ratings move when a language, a month or a judge is left out. Judges have no rows of their own.",
    columns=(
        _SOURCE,
        _SLICE,
        _METHOD,
        Column("left_out", "string", "language, month or judge", required=True),
        Column(
            "value",
            "string",
            "the language or month; for judges a quantile of the changes over all who were left out in turn: lowest, "
            "5 %, median, 95 %, highest",
            required=True,
        ),
        Column("model", "string", "model", required=True),
        Column("rating", "double", "rating without it; null for judges and where the votes that are left do not say"),
        Column("change", "double", "rating without it less rating; null where there is none"),
        Column("n_battles", "bigint", "battles of the model that are left; null for judges"),
        Column("n_left_out", "bigint", "battles left out; null for judges"),
        Column("n_values", "bigint", "judges that were left out in turn; null for languages and months"),
        Column("min_left_out", "bigint", "what has fewer battles was not left out", required=True),
        Column("note", "string", "why there is no rating without it; null if there is"),
    ),
    key=("source", "slice", "method", "left_out", "value", "model"),
)

RATING_CALIBRATION = Table(
    name="rating_calibration",
    layer="gold",
    kind="statistics",
    comment="Predicted and observed win rates of the favourite, by the prediction in steps of 0.05.",
    columns=(
        _SOURCE,
        _SLICE,
        _METHOD,
        _UNIT,
        Column("predicted_from", "double", "lower end of the step; the last step includes 1", required=True),
        Column("n_pairs", "bigint", "pairs of models that met", required=True),
        Column("n_battles", "bigint", "their votes", required=True),
        Column("predicted_win_rate", "double", "mean over the votes, ties half", required=True),
        Column("observed_win_rate", "double", "mean over the votes, ties half", required=True),
    ),
    key=("source", "slice", "method", "unit", "predicted_from"),
)

RATING_FITS = Table(
    name="rating_fits",
    layer="gold",
    kind="statistics",
    comment="How well each likelihood fits, per component. Methods that treat ties differently do not compare.",
    columns=(
        _SOURCE,
        _SLICE,
        _METHOD,
        Column("component", "int", "component of the win graph, 1 has most battles", required=True),
        Column("n_models", "int", "models of the component", required=True),
        Column("n_battles", "bigint", "battles that the method uses", required=True),
        Column("n_parameters", "int", "free parameters", required=True),
        Column("tie_parameter", "double", "logarithm of the tie parameter; null without one or without ties"),
        Column("nll", "double", "mean negative log-likelihood per battle, natural logarithm", required=True),
        Column(
            "aic",
            "double",
            "Akaike's criterion; null where the method is no likelihood of what was observed: half-win ties, weighted "
            "pairs, style control",
        ),
    ),
    key=("source", "slice", "method", "component"),
)
