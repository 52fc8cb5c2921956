"""Every kind of Luigi's parameters: its value counts, and is told apart from any other; Range tasks of every step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.projects import Project

TASKS = """
    import enum
    from datetime import date, datetime, timedelta

    from luigi.date_interval import Week


    class Fruit(enum.Enum):
        PEAR = 1
        PLUM = 2


    class Held(Text):
        pass


    class Other(Text):
        pass


    class Root(luigi.Task):
        plain = luigi.Parameter(default="a")
        optional = luigi.OptionalParameter(default=None)
        integer = luigi.IntParameter(default=1)
        real = luigi.FloatParameter(default=1.5)
        flag = luigi.BoolParameter()
        explicit = luigi.BoolParameter(default=True, parsing=luigi.BoolParameter.EXPLICIT_PARSING)
        day = luigi.DateParameter(default=date(2020, 1, 1))
        month = luigi.MonthParameter(default=date(2020, 1, 1))
        year = luigi.YearParameter(default=date(2020, 1, 1))
        hour = luigi.DateHourParameter(default=datetime(2020, 1, 1, 1))
        minute = luigi.DateMinuteParameter(default=datetime(2020, 1, 1, 1, 1))
        second = luigi.DateSecondParameter(default=datetime(2020, 1, 1, 1, 1, 1))
        interval = luigi.DateIntervalParameter(default=Week(2020, 1))
        delta = luigi.TimeDeltaParameter(default=timedelta(hours=1))
        fruit = luigi.EnumParameter(enum=Fruit, default=Fruit.PEAR)
        fruits = luigi.EnumListParameter(enum=Fruit, default=(Fruit.PEAR,))
        choice = luigi.ChoiceParameter(choices=["a", "b"], default="a")
        choices = luigi.ChoiceListParameter(choices=["a", "b"], default=("a",))
        items = luigi.ListParameter(default=[1, [2]])
        pair = luigi.TupleParameter(default=(1, 2))
        pairs = luigi.DictParameter(default={"a": {"b": 1}})
        number = luigi.NumericalParameter(var_type=int, min_value=0, max_value=9, default=1)
        kind = luigi.TaskParameter(default=Held)
        path = luigi.PathParameter(default="a/b")
        optional_integer = luigi.OptionalIntParameter(default=None)
        optional_list = luigi.OptionalListParameter(default=None)
        hidden = luigi.Parameter(default="a", visibility=luigi.parameter.ParameterVisibility.HIDDEN)
        unseen = luigi.Parameter(default="a", significant=False)

        def output(self):
            return luigi.LocalTarget(DATA / "pipe" / "root.txt")

        def run(self):
            values = {name: value for name, value in self.param_kwargs.items() if name != "unseen"}
            self.output().makedirs()
            Path(self.output().path).write_text(repr(values))
"""

OTHER_VALUES = {
    "plain": "b",
    "optional": "None",
    "integer": "2",
    "real": "1.25",
    "explicit": "false",
    "day": "2020-01-02",
    "month": "2020-02",
    "year": "2021",
    "hour": "2020-01-01T02",
    "minute": "2020-01-01T0102",
    "second": "2020-01-01T010102",
    "interval": "2020-W02",
    "delta": "2 h",
    "fruit": "PLUM",
    "fruits": "PEAR,PLUM",
    "choice": "b",
    "choices": "b,a",
    "items": "[1, [3]]",
    "pair": "[2, 1]",
    "pairs": '{"a": {"b": 2}}',
    "number": "2",
    "kind": "Other",
    "path": "a/c",
    "optional-integer": "0",
    "optional-list": "[]",
    "hidden": "b",
}


def test_every_kind_of_parameter_counts(project: Project) -> None:
    """Each other value is another result; the first one is served again, byte for byte, and insignificant ones do not count."""
    project.tasks(TASKS)
    assert len(project.run().ran) == 1
    path = project.data / "pipe" / "root.txt"
    first = path.read_text()
    seen = {first}
    for name, value in OTHER_VALUES.items():
        assert len(project.run("Root", f"--{name}", value).ran) == 1, name
        seen.add(path.read_text())
    assert len(seen) == len(OTHER_VALUES) + 1
    assert project.run("Root", "--unseen", "b").ran == []
    assert path.read_text() == first


RANGE = """
    import datetime
    from luigi.tools.range import STEP


    class Part(Text):
        moment = luigi.KIND()

        def requires(self):
            return Raw()

        def run(self):
            self.put(self.taken() + self.to_str_params()["moment"])


    class Root(luigi.WrapperTask):
        def requires(self):
            return STEP(of=Part, start=START, stop=STOP, reverse=False, LIMITS)
"""

STEPS = {
    "RangeDaily": (
        "DateParameter",
        "datetime.date(2020, 1, 1)",
        "datetime.date(2020, 1, 4)",
        "days_back=100000",
    ),
    "RangeHourly": (
        "DateHourParameter",
        "datetime.datetime(2020, 1, 1, 1)",
        "datetime.datetime(2020, 1, 1, 4)",
        "hours_back=1000000",
    ),
    "RangeByMinutes": (
        "DateMinuteParameter",
        "datetime.datetime(2020, 1, 1, 1, 5)",
        "datetime.datetime(2020, 1, 1, 1, 8)",
        "minutes_back=100000000",
    ),
    "RangeMonthly": (
        "MonthParameter",
        "datetime.date(2020, 1, 1)",
        "datetime.date(2020, 4, 1)",
        "months_back=1000",
    ),
}


@pytest.mark.parametrize("step", STEPS)
def test_ranges_of_every_step(project: Project, step: str) -> None:
    """Three parts: executed once, executed again when code or raw data changed, though all files are there."""
    kind, start, stop, limits = STEPS[step]
    code = RANGE.replace("STEP", step).replace("KIND", kind)
    project.tasks(code.replace("START", start).replace("STOP", stop).replace("LIMITS", limits))
    project.raw("a")
    assert len(project.run().ran) == 3
    assert project.run().ran == []
    project.raw("b")
    assert len(project.run().ran) == 3
    project.edit('self.to_str_params()["moment"]', 'self.to_str_params()["moment"] + "!"')
    assert len(project.run().ran) == 3
    project.remove_outputs()
    assert project.run().ran == []
    assert len(list((project.data / "pipe").glob("Part_*.txt"))) == 3
