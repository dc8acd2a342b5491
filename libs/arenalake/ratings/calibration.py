"""Whether predicted win rates come true."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from arenalake.ratings.tables import RATING_CALIBRATION

_STEPS_TO_ONE = 20


def summarise_calibration(rating_pairs: DataFrame) -> DataFrame:
    """Compare prediction and outcome of the favourite, over pairs of about equal predictions.

    Args:
        rating_pairs: columns of the table `rating_pairs`. Pairs that never met or have no prediction are left out.

    Returns:
        Columns of the table `rating_calibration`. The favourite is who is predicted to win at least half, so a row says
        nothing twice.
    """
    met = rating_pairs.where("n_battles > 0 AND predicted_win_rate IS NOT NULL AND observed_win_rate IS NOT NULL")
    is_favourite = F.col("predicted_win_rate") >= 0.5
    sides = met.select(
        *("source", "slice", "method", "unit", "n_battles"),
        *[
            F.when(is_favourite, F.col(rate)).otherwise(1 - F.col(rate)).alias(rate)
            for rate in ("predicted_win_rate", "observed_win_rate")
        ],
    )
    step = F.least(F.floor(F.col("predicted_win_rate") * _STEPS_TO_ONE), F.lit(_STEPS_TO_ONE - 1))
    # Sums of decimals do not depend on their order.
    sums = sides.groupBy("source", "slice", "method", "unit", step.alias("step")).agg(
        F.count("*").alias("n_pairs"),
        F.sum("n_battles").alias("n_battles"),
        *[
            F.sum(F.col(rate).cast("decimal(18,17)") * F.col("n_battles").cast("decimal(12,0)")).alias(rate)
            for rate in ("predicted_win_rate", "observed_win_rate")
        ],
    )
    means = [
        (F.col(rate).cast("double") / F.col("n_battles")).alias(rate)
        for rate in ("predicted_win_rate", "observed_win_rate")
    ]
    return sums.select(
        *("source", "slice", "method", "unit"),
        (F.col("step") / _STEPS_TO_ONE).alias("predicted_from"),
        "n_pairs",
        "n_battles",
        *means,
    ).select(*RATING_CALIBRATION.column_names)
