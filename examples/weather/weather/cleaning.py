"""What the pipeline does to tables. Plain functions: they know nothing of tasks or files."""

from __future__ import annotations

import pandas as pd


def clean(days: pd.DataFrame) -> pd.DataFrame:
    """The daily records without repeated days, in order, with the calendar as columns."""
    days = days.drop_duplicates("date")
    date = pd.to_datetime(days["date"], format="%Y/%m/%d")
    days = days.assign(year=date.dt.year, month=date.dt.month, day_of_year=date.dt.dayofyear)
    return days.sort_values("date").reset_index(drop=True)


def only_year(days: pd.DataFrame, year: int) -> pd.DataFrame:
    """The rows of one year."""
    return days[days["year"] == year].reset_index(drop=True)


def summarise_months(days: pd.DataFrame) -> pd.DataFrame:
    """One row a month: warmest and coldest as a typical day has them, rain in mm, number of wet days."""
    months = days.groupby(["year", "month"]).agg(
        temp_max=("temp_max", "mean"),
        temp_min=("temp_min", "mean"),
        rain=("precipitation", "sum"),
        wet_days=("precipitation", lambda mm: int((mm > 0).sum())),
    )
    return months.round(2).reset_index()


def hour_by_hour(hours: pd.DataFrame) -> dict[str, list[float]]:
    """The temperature of a typical day in degrees Celsius, from hourly records in Fahrenheit."""
    hour = pd.to_datetime(hours["date"], format="mixed").dt.hour
    celsius = (hours["temp"] - 32) * 5 / 9
    typical = celsius.groupby(hour).mean()
    return {"hours": [float(h) for h in typical.index], "celsius": [round(float(t), 2) for t in typical]}
