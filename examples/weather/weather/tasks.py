"""The pipeline: who needs what, and what each task writes.

A task says what it requires, how it writes its output (a decorator), and what it does (`run`). The path of
an output follows from the task's name and parameters: `YearOfWeather(year=2013)` writes
`<working dir>/weather/interim/YearOfWeather_year=2013.csv`.

    DailyWeather -> CleanWeather -> YearOfWeather(year) -> MonthlySummary(year) -> AllMonths -> Charts -> Report
                                          |                                                              |
                                          +-> SeasonalModel(harmonics) -> Score(harmonics) -> BestModel -+
    HourlyTemperature(city) -> TypicalDay(city) -> CityComparison ---------------------------------------+
"""

from __future__ import annotations

from pathlib import Path

import luigi
import pandas as pd

import luisy
from weather.cleaning import clean, hour_by_hour, only_year, summarise_months
from weather.drawing import line_chart, report
from weather.model import fit, typical_error
from weather.pictures import Pictures

LEARN_FROM = (2012, 2013, 2014)
TEST_ON = 2015
CITIES = ("seattle", "sf")
MEASURES = {
    "temp_max": "Warmest hour of the day, month by month (degrees Celsius)",
    "temp_min": "Coldest hour of the day, month by month (degrees Celsius)",
    "rain": "Rain, month by month (mm)",
    "wet_days": "Days with rain, month by month",
}


# Raw data: files that somebody else made. luisy looks at their content, not at their age.


@luisy.raw
@luisy.csv_output
class DailyWeather(luisy.ExternalTask):
    """Seattle from 2012 to 2015, one row a day."""

    def get_file_name(self):
        return "seattle-weather"


@luisy.raw
@luisy.csv_output
class HourlyTemperature(luisy.ExternalTask):
    """A typical year of one city, one row an hour."""

    city = luisy.Parameter()

    def get_file_name(self):
        return f"{self.city}-temps"


# From days to months.


@luisy.interim
@luisy.csv_output
@luisy.requires(DailyWeather)
class CleanWeather(luisy.Task):
    """All days, cleaned."""

    def run(self):
        self.write(clean(self.input().read()))


@luisy.interim
@luisy.csv_output
class YearOfWeather(luisy.Task):
    """The days of one year."""

    year = luisy.IntParameter()

    def requires(self):
        return CleanWeather()

    def run(self):
        self.write(only_year(self.input().read(), self.year))


@luisy.interim
@luisy.csv_output
@luisy.requires(YearOfWeather)  # which also hands down its parameter, the year
class MonthlySummary(luisy.Task):
    """The months of one year."""

    def run(self):
        self.write(summarise_months(self.input().read()))


@luisy.final
@luisy.csv_output
class AllMonths(luisy.ConcatenationTask):
    """The months of all years. A ConcatenationTask has its `run` already."""

    def requires(self):
        return [MonthlySummary(year=year) for year in (*LEARN_FROM, TEST_ON)]


# A model, tried with more and more waves.


@luisy.interim
@luisy.json_output
class SeasonalModel(luisy.Task):
    """What was learnt from the first three years."""

    harmonics = luisy.IntParameter()

    def requires(self):
        return [YearOfWeather(year=year) for year in LEARN_FROM]

    def run(self):
        days = pd.concat([year.read() for year in self.input()])
        self.write({"coefficients": fit(days, self.harmonics)})


@luisy.interim
@luisy.json_output
class Score(luisy.Task):
    """How far the model is off in the year that it has not seen."""

    harmonics = luisy.IntParameter()

    def requires(self):
        return {"model": SeasonalModel(harmonics=self.harmonics), "truth": YearOfWeather(year=TEST_ON)}

    def run(self):
        coefficients = self.input()["model"].read()["coefficients"]
        error = typical_error(coefficients, self.input()["truth"].read())
        self.write({"harmonics": self.harmonics, "error": error})


@luisy.final
@luisy.json_output
class BestModel(luisy.Task):
    """All scores, and the best of them."""

    most_harmonics = luisy.IntParameter(default=4)

    def requires(self):
        return [Score(harmonics=harmonics) for harmonics in range(1, self.most_harmonics + 1)]

    def run(self):
        scores = [score.read() for score in self.input()]
        best = min(scores, key=lambda score: score["error"])
        self.write({"best": best, "scores": {str(s["harmonics"]): s["error"] for s in scores}})


# Two cities side by side.


@luisy.interim
@luisy.json_output
@luisy.requires(HourlyTemperature)
class TypicalDay(luisy.Task):
    """The hours of a typical day in one city."""

    def run(self):
        self.write(hour_by_hour(self.input().read()))


@luisy.final
@luisy.json_output
class CityComparison(luisy.Task):
    """The typical days of all cities in one file."""

    def requires(self):
        return {city: TypicalDay(city=city) for city in CITIES}

    def run(self):
        self.write({city: day.read()["celsius"] for city, day in self.input().items()})


# What people look at.


@luisy.final
class Charts(luisy.Task):
    """A folder with a picture for each measure, in a format of our own."""

    target_cls = Pictures

    def get_folder_name(self):
        return "charts"

    def requires(self):
        return AllMonths()

    def run(self):
        months = self.input().read()
        pictures = {}
        for column, title in MEASURES.items():
            years = {str(year): list(rows[column]) for year, rows in months.groupby("year")}
            pictures[column] = line_chart(title, years)
        self.write(pictures)


@luisy.final
class Report(luisy.Task):
    """A page to read. Its output is a plain Luigi target: luisy keeps those just as well."""

    def requires(self):
        return {"model": BestModel(), "charts": Charts(), "cities": CityComparison()}

    def output(self):
        return luigi.LocalTarget(Path(self.get_outdir()) / "report.html")

    def run(self):
        model = self.input()["model"].read()
        charts = self.input()["charts"].read()
        cities = self.input()["cities"].read()
        charts["cities"] = line_chart("A typical day, hour by hour (degrees Celsius)", cities)
        with self.output().open("w") as page:
            page.write(report(model["best"], model["scores"], charts))
