"""Tables of ratings: rounds of the bootstrap, and the statistics that people read."""

from arenalake.entities.columns import SOURCE
from arenalake.lake.table import Column, Table, interval_columns

_SLICE = Column("slice", "string", "all, or column=value pairs joined by commas", required=True)
_METHOD = Column("method", "string", "rating method", required=True)
_UNIT = Column("unit", "string", "what the bootstrap draws: battle or judge", required=True)

RATINGS = Table(
    name="ratings",
    layer="gold",
    kind="statistics",
    comment="Ratings with 95 % intervals, comparable within a component.",
    columns=(
        SOURCE,
        _SLICE,
        _METHOD,
        _UNIT,
        Column("interval", "string", "percentile, sandwich, or sandwich_judge (clustered by judge)", required=True),
        Column("model", "string", "model", required=True),
        Column("rating", "double", "estimate from all battles; null where none exists"),
        Column("se", "double", "standard error of the rating; null where none exists"),
        *interval_columns("percentile: 2.5 and 97.5 % quantiles of the rounds; sandwich: rating -/+ 1.96 se"),
        *[
            Column(f"p{p}", "double", f"{p} % quantile of the rounds; null where unbounded, and for the sandwich")
            for p in (5, 50, 95)
        ],
        Column("rank", "int", "1 + number of models of the component with a higher rating"),
        Column("rank_ub", "int", "1 + number of models of the component whose ci_lower is above this ci_upper"),
        Column("rank_lower", "int", "2.5 % quantile of the rank over the rounds; null for the sandwich"),
        Column("rank_upper", "int", "97.5 % quantile of the rank over the rounds; null for the sandwich"),
        Column(
            "component",
            "int",
            "component of comparable models, by the win graph (for elo and win_rate, by battles alone); 1 is the main "
            "component, with the most battles",
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
            "warning for readers: unbounded or too narrow intervals, separate components; null if there is none",
        ),
    ),
    key=("source", "slice", "method", "unit", "interval", "model"),
)

RATING_REPLICATES = Table(
    name="rating_replicates",
    layer="gold",
    comment="One rating per bootstrap round. Infinite where the model won all its battles of the round, or lost all.",
    columns=(
        SOURCE,
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
    comment="Style control in each bootstrap round: ratings at equal style, and coefficients of the covariates.",
    columns=(
        SOURCE,
        _SLICE,
        _UNIT,
        Column("round", "int", "bootstrap round, from 0", required=True),
        Column("parameter", "string", "model or covariate", required=True),
        Column("name", "string", "name of the model or covariate", required=True),
        Column("value", "double", "rating, or change in the log odds per standard deviation; null where undefined"),
    ),
    key=("source", "slice", "unit", "round", "parameter", "name"),
)

STYLE_COEFFICIENTS = Table(
    name="style_coefficients",
    layer="gold",
    kind="statistics",
    comment="Effect of style: change in the log odds that an answer wins, per standard deviation of a covariate.",
    columns=(
        SOURCE,
        _SLICE,
        _UNIT,
        Column(
            "covariate",
            "string",
            "name; the covariate is (a - b) / (a + b + 1) of the answers' tokens, headers and so on",
            required=True,
        ),
        Column("coefficient", "double", "estimate from all battles", required=True),
        Column("se", "double", "standard deviation over the rounds; null where a round is undefined"),
        *interval_columns("percentile: 2.5 and 97.5 % quantiles of the rounds"),
        Column("mean", "double", "mean of the covariate before it was standardised", required=True),
        Column("sd", "double", "standard deviation of the covariate before it was standardised", required=True),
        Column("n_battles", "bigint", "fitted battles", required=True),
        Column(
            "n_unmeasured",
            "bigint",
            "battles left out because an answer has no text or was not measured",
            required=True,
        ),
        Column("n_rounds", "int", "bootstrap rounds", required=True),
    ),
    key=("source", "slice", "unit", "covariate"),
)

RATING_PAIRS = Table(
    name="rating_pairs",
    layer="gold",
    comment="For each pair of models of a component: how often one is above the other in the bootstrap.",
    columns=(
        SOURCE,
        _SLICE,
        _METHOD,
        _UNIT,
        Column("model_a", "string", "first model by code point", required=True),
        Column("model_b", "string", "second model by code point", required=True),
        Column("n_above", "int", "rounds in which model_a is above model_b", required=True),
        Column("n_below", "int", "rounds in which model_a is below model_b", required=True),
        Column(
            "n_rounds", "int", "all rounds; rounds that are in neither n_above nor n_below give no order", required=True
        ),
        Column("probability_above", "double", "n_above / (n_above + n_below); null where no round gives an order"),
        Column(
            "predicted_win_rate",
            "double",
            "win rate of model_a predicted by the fit; a tie is half a win; null without a likelihood",
        ),
        Column(
            "n_battles",
            "bigint",
            "votes between the two models that the method uses; 0 for style_control",
            required=True,
        ),
        Column(
            "observed_win_rate", "double", "win rate of model_a in these votes; a tie is half a win; null without votes"
        ),
        Column(
            "residual",
            "double",
            "observed minus predicted, in standard errors of the observed rate: far from 0 where ratings do not "
            "explain the pair; null without votes, without a prediction, or where the standard error is 0",
        ),
    ),
    key=("source", "slice", "method", "unit", "model_a", "model_b"),
)

RATING_SLICES = Table(
    name="rating_slices",
    layer="gold",
    kind="statistics",
    comment="Slices of the battles, including those with too few battles to be rated.",
    columns=(
        SOURCE,
        _SLICE,
        Column("n_battles", "bigint", "battles that could be rated", required=True),
        Column("min_battles", "int", "a slice with fewer battles is not rated, except all", required=True),
        Column("rated", "boolean", "whether the slice has ratings", required=True),
    ),
    key=("source", "slice"),
)

RATING_INFLUENCE = Table(
    name="rating_influence",
    layer="gold",
    kind="statistics",
    comment="How ratings change when a language, a month or a judge is left out. Single judges have no rows.",
    columns=(
        SOURCE,
        _SLICE,
        _METHOD,
        Column("left_out", "string", "language, month or judge", required=True),
        Column(
            "value",
            "string",
            "the language or month; for judges, a quantile of the changes over all judges, each left out once: lowest, "
            "5 %, median, 95 %, highest",
            required=True,
        ),
        Column("model", "string", "model", required=True),
        Column(
            "rating", "double", "rating without it; null for judges, and where the remaining votes do not determine it"
        ),
        Column("change", "double", "rating without it minus rating; null where there is no rating without it"),
        Column("n_battles", "bigint", "remaining battles of the model; null for judges"),
        Column("n_left_out", "bigint", "battles left out; null for judges"),
        Column("n_values", "bigint", "number of judges left out, one at a time; null for languages and months"),
        Column(
            "min_left_out", "bigint", "languages, months and judges with fewer battles are not left out", required=True
        ),
        Column("note", "string", "why there is no rating without it; null if there is one"),
    ),
    key=("source", "slice", "method", "left_out", "value", "model"),
)

RATING_CALIBRATION = Table(
    name="rating_calibration",
    layer="gold",
    kind="statistics",
    comment="Predicted and observed win rates of the favourite, in bins of the prediction of width 0.05.",
    columns=(
        SOURCE,
        _SLICE,
        _METHOD,
        _UNIT,
        Column("predicted_from", "double", "lower end of the bin; the last bin includes 1", required=True),
        Column("n_pairs", "bigint", "pairs of models with votes", required=True),
        Column("n_battles", "bigint", "votes of these pairs", required=True),
        Column("predicted_win_rate", "double", "mean over the votes; a tie is half a win", required=True),
        Column("observed_win_rate", "double", "mean over the votes; a tie is half a win", required=True),
    ),
    key=("source", "slice", "method", "unit", "predicted_from"),
)

RATING_FITS = Table(
    name="rating_fits",
    layer="gold",
    kind="statistics",
    comment="How well each likelihood fits, per component. Methods that treat ties differently cannot be compared.",
    columns=(
        SOURCE,
        _SLICE,
        _METHOD,
        Column("component", "int", "component of the win graph; 1 has the most battles", required=True),
        Column("n_models", "int", "models of the component", required=True),
        Column("n_battles", "bigint", "battles that the method uses", required=True),
        Column("n_parameters", "int", "free parameters", required=True),
        Column("tie_parameter", "double", "logarithm of the tie parameter; null without one or without ties"),
        Column("nll", "double", "mean negative log-likelihood per battle, natural logarithm", required=True),
        Column(
            "aic",
            "double",
            "Akaike's information criterion; null where the method has no likelihood of the observed outcomes: "
            "half-win ties, weighted pairs, style control",
        ),
    ),
    key=("source", "slice", "method", "component"),
)
