"""Logistic regression of few covariates on counted observations."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_STEPS = 50
# Beyond this a coefficient is on its way to infinity: the covariates separate the outcomes.
_LARGEST_LOGIT = 30.0


def fit_logistic(covariates: Floats, wins: Floats, n: Floats) -> tuple[Floats, Floats] | None:
    """The likeliest coefficients and their standard errors.

    Args:
        covariates: [rows, coefficients], one column of ones for the intercept.
        wins: observations of each row that are a win, [rows].
        n: observations of each row, [rows].

    Returns:
        Coefficients and standard errors, [coefficients] each; None where there is no finite maximum, since the
        covariates separate wins from losses or say the same as each other.

    Source: Newton's method, McCullagh and Nelder 1989, Generalized Linear Models, section 4.4.
    """
    coefficients = np.zeros(covariates.shape[1])
    for _ in range(_STEPS):
        logits = covariates @ coefficients
        if np.abs(logits).max(initial=0.0) > _LARGEST_LOGIT:
            return None
        chance = 1 / (1 + np.exp(-logits))
        information = covariates.T @ (covariates * (n * chance * (1 - chance))[:, None])
        if np.linalg.matrix_rank(information) < len(coefficients):
            return None
        step = np.linalg.solve(information, covariates.T @ (wins - n * chance))
        coefficients = coefficients + step
        if np.abs(step).max() < 1e-10:
            return coefficients, np.sqrt(np.diag(np.linalg.inv(information)))
    return None
