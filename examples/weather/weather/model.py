"""A model of the seasons: the temperature of a day as a sum of waves over the year, fitted by least squares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

DAYS_PER_YEAR = 365.25
DECIMALS = 6  # Coefficients are rounded: the last digits of a fit differ from machine to machine.


def waves(day_of_year: NDArray[np.float64], harmonics: int) -> NDArray[np.float64]:
    """One row a day: a constant, then cosine and sine of 1, 2, ... *harmonics* turns a year."""
    turn = 2 * np.pi * np.asarray(day_of_year, dtype=float) / DAYS_PER_YEAR
    columns = [np.ones_like(turn)]
    for n in range(1, harmonics + 1):
        columns += [np.cos(n * turn), np.sin(n * turn)]
    return np.column_stack(columns)


def fit(days: pd.DataFrame, harmonics: int) -> list[float]:
    """The coefficients that bring the waves nearest to the days' highest temperatures."""
    matrix = waves(days["day_of_year"].to_numpy(), harmonics)
    coefficients = np.linalg.lstsq(matrix, days["temp_max"].to_numpy(), rcond=None)[0]
    return [round(float(c), DECIMALS) for c in coefficients]


def predict(coefficients: Sequence[float], day_of_year: NDArray[np.float64]) -> NDArray[np.float64]:
    """The model's highest temperature for each day."""
    harmonics = len(coefficients) // 2
    return np.asarray(waves(day_of_year, harmonics) @ np.asarray(coefficients))


def typical_error(coefficients: Sequence[float], days: pd.DataFrame) -> float:
    """By how many degrees the model is off on these days (root of the mean square)."""
    off = predict(coefficients, days["day_of_year"].to_numpy()) - days["temp_max"].to_numpy()
    return round(float(np.sqrt(np.mean(off**2))), DECIMALS)
