"""Statistics of annotated pairs: toy cases by hand, generated pairs against NumPy, and weights that come back."""

import numpy as np
import polars as pl
import pytest
from test_judge_statistics import items_of, pairs_of, vote

from arenalake.entities.properties import CASES, PROPERTIES, QUERY_SPECIFIC, column_of
from arenalake.judges.statistics import AgreementRules, summarise_pairs
from arenalake.preferences import counts
from arenalake.preferences.options import PreferencesConfig
from arenalake.preferences.spread import each_choice, fit_choices
from arenalake.preferences.statistics import (
    compare_judges,
    correlate_properties,
    explain_pair,
    list_weights,
    order_judges,
    rank_judges,
    summarise_properties,
)
from arenalake.preferences.tables import (
    JUDGE_COUNTS,
    JUDGE_ORDER,
    JUDGE_PAIRS,
    JUDGE_RANKS,
    PREFERENCE_FITS,
    PREFERENCE_WEIGHTS,
    PROPERTY_CORRELATIONS,
    PROPERTY_COUNTS,
    PROPERTY_PRODUCTS,
    PROPERTY_STATS,
)
from arenalake.samples.preferences import JUDGES, preference_design, preference_records
from frames import frame_of, rows_of
from preference_records import error, pair_of, record, with_all_cases

_PROPERTIES = pl.Struct({column_of(name): pl.Float64 for name in PROPERTIES})
_ERRORS = pl.List(pl.Struct({"type": pl.String, "severity": pl.String, "description": pl.String}))
_SCHEMA = {
    **dict.fromkeys(("source", "pair_id", "scenario_group", "model_a", "model_b"), pl.String),
    **dict.fromkeys(CASES, pl.Boolean),
    "properties_a": _PROPERTIES,
    "properties_b": _PROPERTIES,
    "errors_a": _ERRORS,
    "errors_b": _ERRORS,
    "labels": pl.List(pl.Struct({"judge": pl.String, "winner": pl.String})),
}


def frame_of_pairs(records):
    pairs = [pair_of(one, f"p{i:05}") for i, one in enumerate(records)]
    return pl.DataFrame([{name: pair[name] for name in _SCHEMA} for pair in pairs], _SCHEMA)


@pytest.fixture(scope="module")
def generated():
    """262 pairs with what made them."""
    design = preference_design(seed=3, pairs=262)
    return frame_of_pairs(preference_records(design, 0))


def added(count, table, pairs):
    """What two tasks count, added up."""
    halves = [count(pairs[: len(pairs) // 3]), count(pairs[len(pairs) // 3 :])]
    return table.add_rows(halves)


def fits_of(pairs, **options):
    keys = ["source", "grouping", "scope", "judge"]
    found = []
    for key, choices in each_choice(pairs).group_by(keys):
        fitted = fit_choices(choices, preferences=PreferencesConfig(**options))
        found.append(fitted.with_columns(**{name: pl.lit(value) for name, value in zip(keys, key, strict=True)}))
    return pl.concat(found).select(PREFERENCE_FITS.column_names)


def test_means_are_over_responses_that_have_a_value():
    pairs = frame_of_pairs([record(), with_all_cases()])
    stats = summarise_properties(added(counts.count_values, PROPERTY_COUNTS, pairs))
    rows = {(row.grouping, row.response, row.property, row.error_type): row for row in rows_of(PROPERTY_STATS, stats)}
    of_all = {
        property_: (row.n, row.mean)
        for (grouping, _, property_, kind), row in rows.items()
        if (grouping, kind) == ("all", None)
    }
    assert of_all["polite"] == (4, 2.0)
    assert of_all["lengthy"] == (4, 80.0)
    # Of 3, 0, 2.5 and 1; and of 1 and -1.5.
    assert of_all["satisfy constraints"] == (4, 1.625)
    assert of_all["support stances"] == (2, -0.25)
    # Not applicable is no zero.
    assert of_all["no severe errors"] == (2, 1.0)
    assert rows["response", "response_1", "polite", None].mean == 3.0
    assert rows["response", "response_1", "polite", None].sd == 0.0
    assert rows["all", None, "no severe errors", "factual error"].mean == 1.0
    assert rows["all", None, "no severe errors", "math operation error"].mean == 0.0
    with pytest.raises(KeyError):
        rows["response", "response_2", "no severe errors", None]


def test_means_of_generated_pairs_are_those_of_numpy(generated):
    stats = summarise_properties(added(counts.count_values, PROPERTY_COUNTS, generated))
    both = pl.concat([generated.select(pl.col(f"properties_{side}").struct.unnest()) for side in "ab"])
    for name in PROPERTIES:
        row = stats.filter(
            (pl.col("grouping") == "all") & (pl.col("property") == name) & pl.col("error_type").is_null()
        )
        values = both[column_of(name)].drop_nulls().to_numpy()
        assert row["n"].to_list() == [len(values)], name
        assert row["mean"][0] == pytest.approx(values.mean(), abs=1e-9), name
        assert row["sd"][0] == pytest.approx(values.std(ddof=1), abs=1e-9), name


def test_correlations_are_those_of_numpy_and_symmetric(generated):
    found = correlate_properties(added(counts.sum_products, PROPERTY_PRODUCTS, generated))
    PROPERTY_CORRELATIONS.conform_frame(found)
    of_all = {
        (row["property_a"], row["property_b"]): row
        for row in found.filter(pl.col("grouping") == "all").iter_rows(named=True)
    }
    a, b = [generated.select(pl.col(f"properties_{side}").struct.unnest()).to_numpy() for side in "ab"]
    difference = a - b
    for i, j in [(0, 1), (3, 28), (5, 25), (21, 22), (25, 25), (10, 22)]:
        known = ~np.isnan(difference[:, i]) & ~np.isnan(difference[:, j])
        sign = np.array([-1 if name.endswith("errors") else 1 for name in (PROPERTIES[i], PROPERTIES[j])])
        wanted = np.corrcoef(sign[0] * difference[known, i], sign[1] * difference[known, j])[0, 1]
        row, turned = of_all[PROPERTIES[i], PROPERTIES[j]], of_all[PROPERTIES[j], PROPERTIES[i]]
        assert row["n_pairs"] == known.sum()
        assert row["difference_r"] == pytest.approx(wanted, abs=1e-9)
        assert (turned["difference_r"], turned["sign_r"]) == (row["difference_r"], row["sign_r"])
    assert of_all["polite", "polite"]["sign_r"] == pytest.approx(1)


def test_what_does_not_vary_has_no_correlation():
    found = correlate_properties(counts.sum_products(frame_of_pairs([record(), record(2)])))
    row = found.filter(
        (pl.col("property_a") == "polite") & (pl.col("property_b") == "lengthy") & (pl.col("grouping") == "all")
    )
    assert row.select("n_pairs", "difference_r", "sign_r").rows() == [(2, None, None)]


def labelled(*labels):
    """Pairs whose judges a, b and human prefer what the letters say: 1, 2, or - for no preference."""
    response = {"1": "response_1", "2": "response_2", "-": None}
    judges = ("a", "b", "human")
    return frame_of_pairs(
        [
            record(i, preference_labels=dict(zip(judges, map(response.get, of_pair), strict=True)))
            for i, of_pair in enumerate(labels)
        ]
    )


def test_agreement_is_over_pairs_that_both_judged():
    pairs = labelled("111", "112", "121", "22-", "2-2", "---")
    found = compare_judges(added(counts.count_agreement, JUDGE_COUNTS, pairs), PREFERENCE_FITS.no_rows)
    rows = {(row.judge_a, row.judge_b): row for row in rows_of(JUDGE_PAIRS, found) if row.grouping == "all"}
    of_two = rows["a", "b"]
    assert (of_two.n_pairs, of_two.n_agree, of_two.agreement) == (4, 3, 0.75)
    # a prefers the first in 3 of 4, b in 2 of 4: by chance they agree on (6 + 2) / 16.
    assert of_two.kappa == pytest.approx((0.75 - 0.5) / 0.5)
    assert of_two.ci_lower < 0.75 < of_two.ci_upper
    assert of_two.similarity is None
    ranks = rank_judges(found)
    of_all = {row.judge: row for row in rows_of(JUDGE_RANKS, ranks) if row.grouping == "all"}
    assert (of_all["a"].rank, of_all["a"].agreement) == (1, 0.75)
    assert (of_all["b"].rank, of_all["b"].n_pairs) == (2, 3)
    assert "human" not in of_all


def test_agreement_and_kappa_are_those_of_the_table_of_single_judges(generated):
    judges = JUDGES[:: len(JUDGES) // 12][:12]
    assert len(judges) == 12
    # Each judge misses other pairs, one of them nearly all, and two never judge the same pair.
    random = np.random.default_rng(3)
    judged = random.random((len(generated), len(judges))) < np.linspace(0.02, 1, len(judges))
    judged[:, 4] &= ~judged[:, 5]
    few = generated.with_columns(
        pl.Series(
            "labels",
            [
                [label for label in labels if label["judge"] in judges and has_vote[judges.index(label["judge"])]]
                for labels, has_vote in zip(generated["labels"].to_list(), judged, strict=True)
            ],
            generated.schema["labels"],
        )
    )
    votes = [
        vote(
            label["judge"],
            0 if (label["winner"] == "model_a") == (pair["model_a"] < pair["model_b"]) else 2,
            question=pair["pair_id"],
            models=tuple(sorted((pair["model_a"], pair["model_b"]))),
            category=pair["scenario_group"],
        )
        for pair in few.iter_rows(named=True)
        for label in pair["labels"]
    ]
    rules = AgreementRules(groupings=("all", "category"), rounds=2)
    stats = summarise_pairs(pairs_of(items_of(votes)), rules=rules).filter(pl.col("setup") == "with_ties")
    wanted = {
        (row["category"] or "all", row["judge_a"], row["judge_b"], row["measure"]): row
        for row in stats.filter(pl.col("judge_a") < pl.col("judge_b")).iter_rows(named=True)
    }
    found = compare_judges(added(counts.count_agreement, JUDGE_COUNTS, few), PREFERENCE_FITS.no_rows)
    shared = {key[:3] for key, row in wanted.items() if key[3] == "agreement" and row["n"] > 0}
    assert {(row["scope"], row["judge_a"], row["judge_b"]) for row in found.iter_rows(named=True)} == shared
    assert len(found) < 66 * 12
    assert tuple(sorted((judges[4], judges[5]))) not in {key[1:] for key in shared}
    for row in found.iter_rows(named=True):
        key = row["scope"], row["judge_a"], row["judge_b"]
        agreement, kappa = wanted[*key, "agreement"], wanted[*key, "cohen_kappa"]
        assert (row["n_pairs"], row["n_agree"]) == (agreement["n"], agreement["n_agree"])
        assert row["agreement"] == agreement["value"]
        assert row["kappa"] == pytest.approx(kappa["value"], abs=1e-12)


def test_a_fit_does_not_depend_on_the_order_of_pairs_and_leaves_out_what_could_not_be_told(generated):
    few = generated[:100].with_columns(
        pl.col("labels").list.eval(pl.element().filter(pl.element().struct.field("judge").is_in(["human", "yi-6b"])))
    )
    fits, again = fits_of(few), fits_of(few.sample(fraction=1, shuffle=True, seed=1))
    assert fits.sort(PREFERENCE_FITS.key).equals(again.sort(PREFERENCE_FITS.key))
    PREFERENCE_FITS.conform_frame(fits)
    of_all = fits.filter((pl.col("grouping") == "all") & (pl.col("judge") == "human")).row(0, named=True)
    not_told = generated[:100].filter(pl.col("errors_a").is_null() | pl.col("errors_b").is_null())
    assert len(not_told) > 0
    assert (of_all["n_pairs"], of_all["n_left_out"]) == (100 - len(not_told), len(not_told))
    in_cases = fits.filter((pl.col("grouping") == "case") & (pl.col("judge") == "human"))
    assert set(in_cases["scope"]) <= set(CASES)


def test_scopes_with_fewer_pairs_than_folds_have_weights_and_no_accuracy():
    records = [
        record(i, **{"errors_response_2": {"applicable or not": "applicable", "errors": [error()]}}) for i in range(4)
    ]
    fits = fits_of(frame_of_pairs(records))
    row = fits.filter((pl.col("grouping") == "all") & (pl.col("judge") == "human")).row(0, named=True)
    assert (row["n_pairs"], row["accuracy"], row["fold_weights"]) == (4, None, None)
    weights = rows_of(PREFERENCE_WEIGHTS, list_weights(fits))
    polite = next(w for w in weights if (w.grouping, w.judge, w.property) == ("all", "human", "polite"))
    # The politer response was preferred each time.
    assert 0 < polite.weight < 0.2
    assert polite.probability == pytest.approx(1 / (1 + np.exp(-polite.weight)))
    assert polite.fold_weight is None
    assert compare_judges(JUDGE_COUNTS.no_rows, fits).is_empty()
    assert len(rows_of(JUDGE_ORDER, order_judges(fits))) == 3


def test_similarity_in_all_pairs_is_the_mean_over_scenario_groups():
    base = dict.fromkeys(PREFERENCE_FITS.column_names) | {"source": "s", "grouping": "scenario_group"}
    of_judge = {"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0], "c": [3.0, 2.0, 1.0]}
    turned = of_judge | {"b": [3.0, 2.0, 1.0]}
    fits = frame_of(
        PREFERENCE_FITS,
        [
            base | {"scope": scope, "judge": judge, "fold_weights": w + [2.0] * (len(PROPERTIES) - 3)}
            for scope, weights in (("x", of_judge), ("y", turned))
            for judge, w in weights.items()
        ],
    )
    keys = [(g, a, b) for g in ("x", "y") for a, b in (("a", "b"), ("a", "c"), ("b", "c"))]
    shared = frame_of(
        JUDGE_COUNTS,
        [
            {
                "source": "s",
                "scenario_group": g,
                "judge_a": a,
                "judge_b": b,
                "n_pairs": 2,
                "n_agree": 1,
                "n_first_by_a": 1,
                "n_first_by_b": 1,
            }
            for g, a, b in keys
        ],
    )
    found = {
        (row.scope, row.judge_a, row.judge_b): row.similarity
        for row in rows_of(JUDGE_PAIRS, compare_judges(shared, fits))
    }
    assert found["x", "a", "b"] == pytest.approx(1)
    assert found["y", "a", "b"] == pytest.approx(-1)
    assert found["all", "a", "b"] == pytest.approx(0)
    assert found["all", "a", "c"] == pytest.approx(-1)
    assert [row.judge for row in sorted(rows_of(JUDGE_ORDER, order_judges(fits)), key=lambda row: row.place)][1] == "b"


def test_similarities_of_the_published_weights_are_the_means_of_numpys_correlations(real_data):
    weights = pl.read_csv(real_data / "preference_dissection" / "published_weights.csv")
    scope, judge, *properties = weights.columns
    assert properties == list(PROPERTIES)
    of_groups = weights.filter(~pl.col(scope).is_in(list(CASES)))
    judges, groups = of_groups[judge].unique().sort().to_list(), of_groups[scope].unique().sort().to_list()
    assert (len(judges), len(groups)) == (33, 11)
    base = dict.fromkeys(PREFERENCE_FITS.column_names) | {"source": "s", "grouping": "scenario_group"}
    rows = [base | {"scope": row[0], "judge": row[1], "fold_weights": list(row[2:])} for row in of_groups.rows()]
    shared = dict.fromkeys(("n_pairs", "n_agree", "n_first_by_a", "n_first_by_b"), 1) | {"source": "s"}
    pairs = [
        shared | {"scenario_group": group, "judge_a": a, "judge_b": b}
        for group in groups
        for i, a in enumerate(judges)
        for b in judges[i + 1 :]
    ]
    found = compare_judges(frame_of(JUDGE_COUNTS, pairs), frame_of(PREFERENCE_FITS, rows))
    matrices = {
        group: np.corrcoef(of_groups.filter(pl.col(scope) == group).sort(judge).select(properties).to_numpy())
        for group in groups
    }
    wanted = matrices | {"all": np.mean(list(matrices.values()), axis=0)}
    assert len(found) == 12 * 33 * 32 / 2
    for row in found.iter_rows(named=True):
        i, j = judges.index(row["judge_a"]), judges.index(row["judge_b"])
        assert row["similarity"] == pytest.approx(wanted[row["scope"]][i, j], abs=1e-12)


def test_generated_pairs_have_the_published_sizes_and_are_a_function_of_the_seed():
    design = preference_design(seed=0, pairs=5240)
    assert (design.chunks, design.weights.shape, len(JUDGES)) == (20, (33, 29), 33)
    one, again = preference_records(design, 7), preference_records(design, 7)
    assert one == again
    assert one != preference_records(preference_design(seed=1, pairs=5240), 7)
    groups = [each["scenario_group"] for each in one]
    assert (groups.count("Others") * 20, groups.count("Code") * 20) == (820, 400)


def coverage(seed, judges):
    """Which intervals hold the true weights, for some judges of generated pairs, [judges, properties]."""
    design = preference_design(seed=seed, pairs=786)
    pairs = frame_of_pairs([one for chunk in range(design.chunks) for one in preference_records(design, chunk)])
    choices = each_choice(pairs).filter((pl.col("grouping") == "all") & pl.col("judge").is_in(judges))
    held, deviations = [], []
    for judge in judges:
        fitted = fit_choices(choices.filter(pl.col("judge") == judge), preferences=PreferencesConfig(folds=2))
        true = design.weights[JUDGES.index(judge)]
        row = fitted.row(0, named=True)
        held.append((np.array(row["lower_ends"]) <= true) & (true <= np.array(row["upper_ends"])))
        deviations.append(np.array(row["weights"]) - true)
    return np.array(held), np.array(deviations)


def test_fits_of_generated_pairs_recover_the_weights():
    held, deviations = coverage(0, JUDGES[:6])
    assert held.mean() > 0.88
    assert abs(deviations.mean()) < 0.03
    assert np.sqrt((deviations**2).mean()) < 0.12


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_intervals_of_generated_pairs_hold_the_true_weights_in_95_of_100_cases_over_seeds():
    held = [coverage(seed, JUDGES[:11])[0] for seed in range(12)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.03)


def test_properties_that_only_some_queries_ask_for_are_counted_in_parts():
    assert {counts.scale_of(name) for name in QUERY_SPECIFIC.values()} == {27720}
    # Means over three items of 1, 2 and 2 are no whole number and come out exactly.
    graded = {"satisfying explicit constraints": ["a | 1", "b | 2", "c | 2"]}
    one = with_all_cases()
    one["query-specific_response_1"] |= graded
    one["query-specific_response_2"] |= graded
    stats = summarise_properties(counts.count_values(frame_of_pairs([one])))
    row = stats.filter((pl.col("grouping") == "all") & (pl.col("property") == "satisfy constraints"))
    assert row["mean"].to_list() == [5 / 3]


def test_contributions_of_a_pair_add_up_to_its_log_odds_and_unknown_names_are_told():
    pairs = frame_of_pairs([record()])
    weights = frame_of(
        PREFERENCE_WEIGHTS,
        [
            {"source": "s", "judge": "human", "scope": "all", "place": i, "property": name, "weight": 0.1 * (i + 1)}
            for i, name in enumerate(PROPERTIES)
        ],
    )
    found = explain_pair(pairs, weights, pair_id="p00000", judge="human")
    by_name = {row["property"]: row for row in found.iter_rows(named=True)}
    # Response 1 is politer, longer, and keeps the constraint; its errors cannot be compared with those of response 2.
    differing = {name: row["sign"] for name, row in by_name.items() if row["sign"]}
    assert differing == {"polite": 1, "lengthy": 1, "satisfy constraints": 1}
    assert found["property"][0] == "lengthy"
    assert found["contribution"].sum() == pytest.approx(0.4 + 2.9 + 2.6)
    with pytest.raises(ValueError, match="no pair 'x'"):
        explain_pair(pairs, weights, pair_id="x", judge="human")
    with pytest.raises(ValueError, match="judge 'nobody' in the scope 'all'; judges: human"):
        explain_pair(pairs, weights, pair_id="p00000", judge="nobody")


def test_without_pairs_every_statistic_has_no_rows():
    no_fits, no_pairs = PREFERENCE_FITS.no_rows, JUDGE_PAIRS.no_rows
    found = {
        PROPERTY_STATS: summarise_properties(PROPERTY_COUNTS.no_rows),
        PROPERTY_CORRELATIONS: correlate_properties(PROPERTY_PRODUCTS.no_rows),
        PREFERENCE_WEIGHTS: list_weights(no_fits),
        JUDGE_PAIRS: compare_judges(JUDGE_COUNTS.no_rows, no_fits),
        JUDGE_RANKS: rank_judges(no_pairs),
        JUDGE_ORDER: order_judges(no_fits),
    }
    for table, rows in found.items():
        assert rows_of(table, rows) == []
