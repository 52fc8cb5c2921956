"""Pipelines as the documentation of luisy 1.x would have them written: the files and values of luisy 1.4.7.

What is expected is what luisy 1.4.7 made of the same code by ``luisy --module pipe Root --no-ask``; for ``formats`` and
``own names``, which did not run to their end there, the names by its rules and the values that the code writes.
"""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.projects import Project

HEAD = "import luisy\nimport pandas as pd\nimport trail\n"

NUMBERS = """
@luisy.raw
@luisy.csv_output
class Numbers(luisy.ExternalTask):
    def get_file_name(self):
        return "numbers"
"""


@dataclass(frozen=True, slots=True)
class Written:
    """A pipeline.

    :param code: its tasks, after ``HEAD`` and ``NUMBERS``; the root is ``Root``.
    :param files: what luisy 1.4.7 wrote, below the folder of the project; ``../`` for beside it.
    :param value: what ``Root().read()`` is; None for a wrapper.
    """

    code: str
    files: str
    value: Any = None


WRITTEN = {
    "formats": Written(
        """
@luisy.requires(Numbers)
@luisy.interim
@luisy.csv_output(sep=";")
class AsCsv(luisy.Task):
    def run(self):
        self.write(self.input().read())

@luisy.requires(AsCsv)
@luisy.interim
@luisy.xlsx_output
class AsXlsx(luisy.Task):
    def run(self):
        self.write(self.read_input())

@luisy.requires(AsXlsx)
@luisy.hdf_output
@luisy.interim
class AsHdf(luisy.Task):
    def run(self):
        self.write(self.read_input()[["a", "b"]])

@luisy.requires(AsHdf)
@luisy.decorators.feather_output
@luisy.interim
class AsFeather(luisy.Task):
    def run(self):
        self.write(self.read_input())

@luisy.requires(AsFeather)
@luisy.pickle_output
@luisy.interim
class AsPickle(luisy.Task):
    def run(self):
        self.write({"sum": int(self.read_input()["a"].sum())})

@luisy.requires(AsPickle, AsCsv, AsXlsx)
@luisy.json_output
@luisy.final
class Root(luisy.Task):
    def run(self):
        first, second, third = [t.read() for t in self.input()]
        self.write({"sum": first["sum"], "rows": len(second), "columns": list(third.columns)})
""",
        "final/Root.json interim/AsCsv.csv interim/AsFeather.feather interim/AsHdf.hdf interim/AsPickle.pkl interim/AsXlsx.xlsx",
        {"sum": 6, "rows": 3, "columns": ["Unnamed: 0", "a", "b"]},
    ),
    "parameters": Written(
        """
import datetime
from luigi.date_interval import Week
@luisy.requires(Numbers)
@luisy.interim
@luisy.auto_filename(excl_params=["label"], excl_none=True)
class Part(luisy.Task):
    number = luisy.IntParameter(default=1)
    factor = luisy.FloatParameter(default=1.5)
    label = luisy.Parameter(default="x y")
    maybe = luisy.Parameter(default=None)
    def run(self):
        self.write(self.number * self.factor)

@luisy.final
class Named(luisy.Task):
    day = luisy.DateParameter(default=datetime.date(2020, 1, 2))
    week = luisy.DateIntervalParameter(default=Week(2020, 3))
    flag = luisy.BoolParameter(default=False)
    names = luisy.ListParameter(default=["a", "b"])
    pair = luisy.TupleParameter(default=(1, 2))
    def requires(self):
        return [Part(number=n) for n in (1, 2)]
    def run(self):
        self.write([t.read() for t in self.input()])

@luisy.final
@luisy.requires(Named)
class Root(luisy.Task):
    def run(self):
        self.write(self.input().read())
""",
        "final/Named_day=2020-01-02_flag=False_names=a_b_pair=1_2_week=2020-01-13_2020-01-14_2020-01-15_2020-01-16_2020-01-17_2020-01-18_2020-01-19.pkl final/Root_day=2020-01-02_flag=False_names=a_b_pair=1_2_week=2020-01-13_2020-01-14_2020-01-15_2020-01-16_2020-01-17_2020-01-18_2020-01-19.pkl interim/Part_factor=1.5_number=1.pkl interim/Part_factor=1.5_number=2.pkl",
        [1.5, 3.0],
    ),
    "requirements as a dict": Written(
        """
@luisy.requires(Numbers)
@luisy.interim
class One(luisy.Task):
    n = luisy.IntParameter(default=3)
    def run(self):
        self.write(self.n)

@luisy.interim
class Two(luisy.Task):
    n = luisy.IntParameter(default=3)
    def run(self):
        self.write(self.n * 2)

@luisy.requires(One, Two, as_dict=True)
@luisy.final
class Root(luisy.Task):
    def run(self):
        self.write({k: v.read() for k, v in self.input().items()})
""",
        "final/Root_n=3.pkl interim/One_n=3.pkl interim/Two_n=3.pkl",
        {"One": 3, "Two": 6},
    ),
    "a concatenation": Written(
        """
@luisy.requires(Numbers)
@luisy.csv_output
@luisy.interim
class Part(luisy.Task):
    n = luisy.IntParameter()
    def run(self):
        df = self.input().read()
        self.write(df[df["a"] == self.n])

@luisy.final
@luisy.csv_output
class All(luisy.ConcatenationTask):
    def requires(self):
        for n in (1, 2):
            yield Part(n=n)
    def preprocess(self, df):
        return df.assign(c=df["a"] + df["b"])

@luisy.requires(All)
class Root(luisy.Task):
    def run(self):
        self.write(self.read_input().to_dict("list"))
""",
        "../Root.pkl final/All.csv interim/Part_n=1.csv interim/Part_n=2.csv",
        {"a": [1, 2], "b": [10, 20], "c": [11, 22]},
    ),
    "wrappers": Written(
        """
@luisy.requires(Numbers)
class Part(luisy.Task):
    n = luisy.IntParameter()
    def run(self):
        self.write(self.n)

class Both(luisy.WrapperTask):
    def requires(self):
        return {"a": Part(n=1), "b": Part(n=2)}

class Root(luisy.WrapperTask):
    def requires(self):
        return [Part(n=3), Both()]
""",
        "../Part_n=1.pkl ../Part_n=2.pkl ../Part_n=3.pkl",
    ),
    "names of their own": Written(
        """
@luisy.decorators.project_name("other_project")
@luisy.interim
@luisy.requires(Numbers)
class Part(luisy.Task):
    def get_sub_dir(self):
        return "own/sub"
    def get_file_name(self):
        return "my_part.pkl"
    def run(self):
        self.write("part")

@luisy.requires(Part)
class Whole(luisy.Task):
    def get_file_name(self):
        return f"whole_{self.__class__.__name__}"
    def get_outdir(self):
        import os
        return os.path.join(luisy.Config().get_param("working_dir"), "elsewhere")
    def run(self):
        self.write(self.input().read() + " whole")

@luisy.requires(Whole)
class Root(luisy.Task):
    def get_outfile(self):
        import os
        os.makedirs(self.get_outdir(), exist_ok=True)
        return os.path.join(self.get_outdir(), "exactly.this")
    def run(self):
        self.write(self.input().read() + " root")
""",
        "../elsewhere/whole_Whole.pkl ../exactly.this ../other_project/interim/own/sub/my_part.pkl",
        "part whole root",
    ),
    "a folder of raw files": Written(
        """
from luisy.decorators import make_directory_output

def read_file(path):
    text = open(path).read()
    return text if text != "skip" else None

@luisy.raw
@make_directory_output(read_file, regex_pattern="txt$")
class Folder(luisy.ExternalTask):
    def get_folder_name(self):
        return "folder"

@luisy.requires(Folder)
@luisy.final
class Root(luisy.Task):
    def run(self):
        self.write(sorted(self.input().read()))
""",
        "final/Root.pkl",
        ["A", "C"],
    ),
    "a target of one's own": Written(
        """
from luisy.targets import LocalTarget

class TextTarget(LocalTarget):
    file_ending = "txt"
    requires_pandas = False
    def write(self, obj):
        with open(self.path, "w") as f:
            f.write(str(obj) + self.kwargs.get("end", ""))
    def read(self):
        with open(self.path) as f:
            return f.read()

def text_output(cls=None, **kwargs):
    def decorator(cls_):
        cls_.target_cls = TextTarget
        cls_.target_kwargs = kwargs
        return cls_
    return decorator(cls) if cls is not None else decorator

@luisy.requires(Numbers)
@text_output(end="!")
@luisy.interim
class Part(luisy.Task):
    def run(self):
        self.write(len(self.input().read()))

@luisy.requires(Part)
@text_output
@luisy.final
class Root(luisy.Task):
    def run(self):
        self.write(self.read_input() + "?")
""",
        "final/Root.txt interim/Part.txt",
        "3!?",
    ),
    "filters and weeks": Written(
        """
from luisy.helpers import add_filter_info, get_start_date, get_stop_date
@luisy.requires(Numbers)
@luisy.final
class Root(luisy.Task):
    week = luisy.Parameter(default="2021-W12")
    @add_filter_info
    def positive(self, df, column):
        return df[df[column] > 1]
    def run(self):
        df = self.positive(self.input().read(), "a")
        self.write([len(df), str(get_start_date(self.week)), str(get_stop_date(self.week)), self.logger.name])
""",
        "final/Root_week=2021-W12.pkl",
        [2, "2021-03-22", "2021-03-29", "Root"],
    ),
    "inherits and clone": Written(
        """
class Base(luisy.Task):
    column = luisy.Parameter(default="a")

@luisy.interim
class Column(Base):
    def requires(self):
        return Numbers()
    def run(self):
        self.write(list(self.input().read()[self.column]))

@luisy.inherits(Column)
@luisy.final
class Root(luisy.Task):
    def requires(self):
        return {c: self.clone(Column, column=c) for c in ("a", "b")}
    def run(self):
        self.write({c: t.read() for c, t in self.input().items()})
""",
        "final/Root_column=a.pkl interim/Column_column=a.pkl interim/Column_column=b.pkl",
        {"a": [1, 2, 3], "b": [10, 20, 30]},
    ),
    "yields": Written(
        """
@luisy.interim
class Part(luisy.Task):
    n = luisy.IntParameter()
    def run(self):
        self.write(self.n)

@luisy.requires(Numbers)
@luisy.final
class Root(luisy.Task):
    def run(self):
        targets = yield [Part(n=int(n)) for n in self.input().read()["a"]]
        self.write(sum(t.read() for t in targets))
""",
        "final/Root.pkl interim/Part_n=1.pkl interim/Part_n=2.pkl interim/Part_n=3.pkl",
        6,
    ),
    "related instances": Written(
        """
@luisy.requires(Numbers)
@luisy.interim
class Part(luisy.Task):
    n = luisy.IntParameter()
    def run(self):
        self.write(self.n)

@luisy.final
class Root(luisy.Task):
    def requires(self):
        return [Part(n=n) for n in (5, 6)]
    def run(self):
        found = luisy.helpers.get_related_instances(Part)
        self.write(sorted(int(t.n) for t in found) + [len(luisy.helpers.get_all_reqs(self))])
""",
        "final/Root.pkl interim/Part_n=5.pkl interim/Part_n=6.pkl",
        [5, 6, 4],
    ),
    "odd values in names": Written(
        """
@luisy.final
class Part(luisy.Task):
    name = luisy.Parameter()
    def run(self):
        self.write(self.name)

class Root(luisy.WrapperTask):
    def requires(self):
        return [Part(name="plain"), Part(name="UPPER-1.5"), Part(name="x=y")]
""",
        "final/Part_name=UPPER-1.5.pkl final/Part_name=plain.pkl final/Part_name=x=y.pkl",
    ),
    "options for pandas": Written(
        """
@luisy.raw
@luisy.csv_output(sep=";", decimal=",")
class Euro(luisy.ExternalTask):
    def get_file_name(self):
        return "euro.csv"

@luisy.requires(Euro)
@luisy.final
@luisy.json_output
class Root(luisy.Task):
    def run(self):
        self.write({"sum": float(self.input().read()["x"].sum())})
""",
        "final/Root.json",
        {"sum": 3.75},
    ),
    "a series in HDF": Written(
        """
import numpy as np
@luisy.requires(Numbers)
@luisy.hdf_output
@luisy.final
class Series(luisy.Task):
    def run(self):
        self.logger.warning("a warning")
        df = self.input().read()
        df.index = pd.date_range("2020-01-01", periods=len(df))
        self.write(df["a"].astype("float32"))

@luisy.requires(Series)
@luisy.final
class Root(luisy.Task):
    def run(self):
        s = self.input().read()
        self.write([str(s.dtype), s.name, str(s.index[0])])
""",
        "final/Root.pkl final/Series.hdf",
        ["float32", "a", "2020-01-01 00:00:00"],
    ),
}


@pytest.fixture
def old(project: Project) -> Project:
    """Raw data in the places of luisy 1.x."""
    raw = project.data / "pipe" / "raw"
    (raw / "folder").mkdir(parents=True)
    (raw / "numbers.csv").write_text("a,b\n1,10\n2,20\n3,30\n")
    (raw / "euro.csv").write_text("x\n1,5\n2,25\n")
    for name, text in {"a.txt": "A", "b.txt": "skip", "c.txt": "C", "d.md": "D"}.items():
        (raw / "folder" / name).write_text(text)
    return project


def made(project: Project) -> dict[str, bytes]:
    """What lies below the working dir but for the store and the raw data, by path from the project's folder on."""
    base = project.data / "pipe"
    found = {path for path in project.data.rglob("*") if path.is_file()}
    left_out = (project.store, base / "raw", project.data / "raw")
    paths = sorted(path for path in found if not any(path.is_relative_to(folder) for folder in left_out))
    return {
        str(path.relative_to(base))
        if path.is_relative_to(base)
        else f"../{path.relative_to(project.data)}": path.read_bytes()
        for path in paths
    }


OLD_FORM = ("--module", "pipe", "Root", "--no-ask", "--local-scheduler", "--json")


@pytest.mark.parametrize("name", WRITTEN)
def test_a_pipeline_of_luisy_1(old: Project, name: str) -> None:
    """Its files and its value are those of luisy 1.4.7; lost files come back byte for byte, and nothing executes."""
    written = WRITTEN[name]
    old.write("pipe", HEAD + NUMBERS + written.code)
    assert old.luisy(*OLD_FORM).ran
    files = made(old)
    assert sorted(files) == sorted(written.files.split())
    assert written.value in (None, *(read(path, content) for path, content in files.items()))
    for path in files:
        (old.data / "pipe" / path).unlink()
    assert old.luisy(*OLD_FORM).ran == []
    assert made(old) == files


def read(path: str, content: bytes) -> Any:
    """The value in an output of plain Python; tables are not looked at."""
    if path.endswith((".pkl", ".this")):
        return pickle.loads(content)
    return (
        json.loads(content) if path.endswith(".json") else content.decode() if path.endswith(".txt") else None
    )
