"""Tasks under plain Luigi, and what they say when something is missing."""

# Luigi is not annotated.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import datetime as dt
import logging
import os
import pickle
from typing import TYPE_CHECKING, Any, ClassVar

import luigi
import pandas as pd
import pytest

import luisy
from luisy import settings, targets, tasks
from luisy.errors import LuisyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def working_dir(tmp_path: Path) -> Iterator[Path]:
    """Each test has a working dir of its own, which does not exist yet."""
    folder = tmp_path / "work"
    with settings.overridden(working_dir=str(folder)):
        yield folder


def run(task: luigi.Task) -> bool:
    return bool(luigi.build([task], local_scheduler=True, log_level="ERROR"))


class Number(luisy.Task):
    project_name = "shop"
    n = luisy.IntParameter(default=1)

    def run(self) -> None:
        self.write(self.n)


@luisy.interim
@luisy.csv_output
class Table(luisy.Task):
    project_name = "shop"
    n = luisy.IntParameter(default=1)

    def run(self) -> None:
        self.write(pd.DataFrame({"n": [self.n]}))


class PlainTarget(luigi.LocalTarget):
    def read(self) -> str:
        with self.open() as file:
            return str(file.read())


class Plain(luigi.Task):
    """A Luigi task whose target happens to have a ``read``."""

    def output(self) -> luigi.LocalTarget:
        return PlainTarget(os.path.join(settings.current().required_working_dir, "plain.txt"))

    def run(self) -> None:
        with self.output().open("w") as file:
            file.write("plain")


def test_default_output(working_dir: Path) -> None:
    """A task without decorators has a pickle with the automatic name in the working dir."""
    assert Number(n=3).output().path == str(working_dir / "Number_n=3.pkl")
    assert isinstance(Number().output(), targets.PickleTarget)


def test_layered_output(working_dir: Path) -> None:
    """With a layer the file lies at ``<project>/<layer>/<Task>_<param>=<value>.<ext>``."""
    assert Table(n=2).output().path == str(working_dir / "shop/interim/Table_n=2.csv")


def test_naming_an_output_makes_no_working_dir(working_dir: Path) -> None:
    """``output``, ``complete`` and ``side_outputs`` touch nothing where there is no working dir yet."""
    _ = Table().output(), Table().complete(), Table().side_outputs
    assert not working_dir.exists()


def test_naming_an_output_makes_its_folder(working_dir: Path) -> None:
    """In a working dir that is there, the folder of an output is there once it was named, as in luisy 1.x."""
    working_dir.mkdir()
    _ = Table().output()
    assert (working_dir / "shop/interim").is_dir()


def test_naming_an_output_in_a_session_touches_nothing(working_dir: Path) -> None:
    """A plan names outputs, and makes no folder."""
    working_dir.mkdir()
    luisy.plan(Table())
    assert list(working_dir.iterdir()) == []


def test_naming_an_output_where_nothing_can_be_written(working_dir: Path) -> None:
    """Where its folder cannot be made, an output can be named all the same."""
    working_dir.mkdir()
    (working_dir / "shop").touch()
    assert not Table().complete()


def test_a_task_that_writes_by_itself_can_be_run_directly(working_dir: Path) -> None:
    """``task.run()`` without Luigi finds the folder of its output, as in luisy 1.x."""
    working_dir.mkdir()

    @luisy.final
    class Direct(luisy.Task):
        project_name = "shop"

        def run(self) -> None:
            with open(self.output().path, "wb") as file:
                pickle.dump(3, file)

    Direct().run()
    assert Direct().read() == 3


def test_a_target_that_is_no_file(working_dir: Path) -> None:
    """A ``CloudTarget`` of one's own is given the folder and the options; its task runs under Luigi, and makes no folder."""
    working_dir.mkdir()
    table: dict[str, Any] = {}

    class Database(targets.CloudTarget):
        def exists(self) -> bool:
            return self.kwargs["name"] in table

        def write(self, obj: Any) -> None:
            table[self.kwargs["name"]] = obj

        def read(self) -> Any:
            return table[self.kwargs["name"]]

    class Row(Number):
        target_cls = Database
        target_kwargs: ClassVar[Any] = {"name": "row"}

    assert run(Row(n=4))
    assert Row(n=4).read() == 4
    assert Row(n=4).output().outdir == Row().get_outdir()
    assert list(working_dir.iterdir()) == []


def test_write_and_read() -> None:
    """What ``write`` wrote, ``read`` reads."""
    Number().write({"a": 1})
    assert Number().read() == {"a": 1}


def test_runs_under_luigi() -> None:
    """Plain Luigi runs the tasks, and finds them complete afterwards."""
    assert run(Table(n=4))
    assert Table(n=4).complete()
    assert Table(n=4).read().equals(pd.DataFrame({"n": [4]}))


def test_a_task_may_write_to_its_path_by_itself(working_dir: Path) -> None:
    """When ``run`` starts, the output's folder is there, as it was in luisy 1.x."""

    @luisy.final
    class Own(luisy.Task):
        project_name = "shop"

        def run(self) -> None:
            with open(self.output().path, "wb") as file:
                file.write(b"x")

    assert run(Own())
    assert (working_dir / "shop/final/Own.pkl").read_bytes() == b"x"


def test_reading_without_output() -> None:
    """Reading what is not there names task and path, and is a ValueError as in luisy 1.x."""
    with pytest.raises(ValueError, match="Number") as caught:
        Number().read()
    assert isinstance(caught.value, LuisyError)
    assert caught.value.slug == "no-output"
    assert Number().output().path in str(caught.value)
    assert "luisy run" in caught.value.hint


def test_without_a_working_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a working dir, naming an output says how to set it."""
    monkeypatch.chdir(tmp_path)
    for variable in settings.environment_names("working_dir"):
        monkeypatch.delenv(variable, raising=False)
    settings.override(working_dir=None)
    for task in (Number(), Table()):
        with pytest.raises(UsageError) as caught:
            task.output()
        assert caught.value.slug == "no-working-dir"
        assert "set_working_dir" in caught.value.hint


@pytest.mark.parametrize("name", ["given", "given.pkl"])
def test_get_file_name_may_have_the_ending(name: str, working_dir: Path) -> None:
    """A file name of the user's own is taken with or without the ending."""

    class Named(luisy.Task):
        def get_file_name(self) -> str:
            return name

    assert Named().output().path == str(working_dir / "given.pkl")


def test_overridden_places(working_dir: Path) -> None:
    """``get_outdir``, ``get_sub_dir`` and ``get_outfile`` can be overridden."""

    class Sub(Number):
        def get_sub_dir(self) -> str:
            return "sub"

    class Out(Sub):
        def get_outdir(self) -> str:
            return str(working_dir / "elsewhere")

    class File(Sub):
        def get_outfile(self) -> str:
            return str(working_dir / "file.pkl")

    assert [task.output().path for task in (Sub(), Out(), File())] == [
        str(working_dir / "sub/Sub_n=1.pkl"),
        str(working_dir / "elsewhere/Out_n=1.pkl"),
        str(working_dir / "file.pkl"),
    ]


def test_a_very_long_value_can_be_written() -> None:
    """A parameter longer than a file name may be is no obstacle, also for a write through ``open``."""

    class Long(luisy.Task):
        p = luisy.Parameter()

    tasks_ = [Long(p="ü" * 400 + end) for end in "ab"]
    for task in tasks_:
        task.write(task.p)
    assert [task.read()[-1] for task in tasks_] == ["a", "b"]
    with tasks_[0].output().open("w") as file:
        file.write("x")


def test_values_that_print_alike_have_two_files() -> None:
    """'a/b', 'a b' and 'a_b' are kept apart on disk."""

    class Place(luisy.Task):
        p = luisy.Parameter()

    values = ["a/b", "a b", "a_b", "None", None]
    for value in values:
        Place(p=value).write(value)
    assert [Place(p=value).read() for value in values] == values


def test_every_parameter_class_can_be_in_a_name() -> None:
    """Tasks with dates, intervals, durations, choices, dicts and tasks as parameters can write."""

    class Many(luisy.Task):
        day = luisy.DateParameter(default=dt.date(2020, 1, 2))
        month = luisy.MonthParameter(default=dt.date(2020, 1, 1))
        year = luisy.YearParameter(default=dt.date(2020, 1, 1))
        span = luisy.DateIntervalParameter(default=luigi.date_interval.Year(2020))
        delta = luisy.TimeDeltaParameter(default=dt.timedelta(hours=1))
        choice = luisy.ChoiceParameter(choices=["a"], default="a")
        mapping = luisy.DictParameter(default={"a": 1})
        task = luisy.TaskParameter(default=Number)

    Many().write(1)
    assert Many().read() == 1


def test_clean_removes_outputs_and_side_outputs(working_dir: Path) -> None:
    """``clean`` removes everything that the task declared, and may be called again."""

    @luisy.side_outputs("side.txt")
    class Both(Number):
        pass

    Both().write(1)
    (working_dir / "side.txt").touch()
    Both().clean()
    Both().clean()
    assert list(working_dir.iterdir()) == []


def test_clean_removes_folders() -> None:
    """``clean`` removes a folder too."""

    @luisy.parquetdir_output(outdir="folder")
    class Folder(luisy.Task):
        pass

    Folder().write(pd.DataFrame({"n": [1]}))
    Folder().clean()
    assert not Folder().complete()


def test_clean_leaves_external_files() -> None:
    """What somebody else made is not removed."""

    class Given(luisy.ExternalTask):
        pass

    Given().write(1)
    with pytest.raises(ValueError, match="external") as caught:
        Given().clean()
    assert isinstance(caught.value, UsageError)
    assert Given().read() == 1


def test_external_tasks_are_luigis() -> None:
    """An ExternalTask has no ``run``: Luigi never executes it."""
    assert luisy.ExternalTask.run is None
    assert issubclass(luisy.ExternalTask, luigi.ExternalTask)


def required(shape: Any) -> luisy.Task:
    class Reader(luisy.Task):
        def requires(self) -> Any:
            return shape

    return Reader()


def wrapped(shape: Any) -> luisy.WrapperTask:
    class Wrapper(luisy.WrapperTask):
        def requires(self) -> Any:
            return shape

    return Wrapper()


SHAPES = [
    (Number(n=1), 1),
    ([Number(n=1), Number(n=2)], [1, 2]),
    ((Number(n=1), Number(n=2)), (1, 2)),
    ({"a": Number(n=1), "b": [Number(n=2)]}, {"a": 1, "b": [2]}),
    ([], []),
]


@pytest.mark.parametrize("make", [wrapped, required])
@pytest.mark.parametrize(("shape", "expected"), SHAPES)
def test_reading_keeps_the_shape_of_requires(make: Any, shape: Any, expected: Any) -> None:
    """A wrapper's ``read`` and any task's ``read_input`` give values in the shape of ``requires``."""
    for n in (1, 2):
        Number(n=n).write(n)
    task = make(shape)
    assert (task.read() if make is wrapped else task.read_input()) == expected


def test_reading_goes_through_wrappers_and_plain_tasks() -> None:
    """Nested wrappers, also Luigi's own, and plain tasks whose target has a ``read`` are read."""

    class LuigiWrapper(luigi.WrapperTask):
        def requires(self) -> Any:
            return {"p": Plain(), "n": Number()}

    assert run(LuigiWrapper())
    assert wrapped([wrapped(Number()), LuigiWrapper()]).read() == [1, {"p": "plain", "n": 1}]


def test_a_plain_target_without_read() -> None:
    """A plain Luigi target that cannot be read says so, and by whom it was asked."""

    class Silent(Plain):
        def output(self) -> luigi.LocalTarget:
            return luigi.LocalTarget(super().output().path)

    with pytest.raises(LuisyError, match=r"plain\.txt") as caught:
        required(Silent()).read_input()
    assert caught.value.slug == "no-reader"


def test_plain_luigi_tasks_mix_with_ours() -> None:
    """A plain task may require ours and ours a plain one, under plain Luigi."""

    class Middle(luigi.Task):
        def requires(self) -> Any:
            return Number(n=7)

        def output(self) -> luigi.LocalTarget:
            return luigi.LocalTarget(os.path.join(settings.current().required_working_dir, "middle.txt"))

        def run(self) -> None:
            with self.output().open("w") as file:
                file.write(str(self.input().read()))

    @luisy.requires(Middle)
    class Last(luisy.Task):
        def run(self) -> None:
            with self.input().open() as file:
                self.write(file.read())

    assert run(Last())
    assert Last().read() == "7"


def test_a_wrapper_has_no_output() -> None:
    """A wrapper writes nothing, and is complete when what it requires is."""
    wrapper = wrapped([Number()])
    assert wrapper.output() == []
    assert not wrapper.complete()
    Number().write(1)
    assert wrapper.complete()
    assert wrapper.download() is False
    wrapper.upload()


def test_concatenation() -> None:
    """The inputs stand below each other in the order of ``requires``, then ``preprocess`` has its say."""

    class All(luisy.ConcatenationTask):
        def requires(self) -> Any:
            return [Table(n=2), wrapped([Table(n=3)]), Table(n=1)]

        def preprocess(self, df: pd.DataFrame) -> pd.DataFrame:
            return df.assign(double=2 * df["n"])

    assert run(All())
    assert All().read()["double"].tolist() == [4, 6, 2]


def test_concatenation_of_nothing() -> None:
    """A concatenation without inputs says so."""

    class Nothing(luisy.ConcatenationTask):
        pass

    with pytest.raises(LuisyError) as caught:
        Nothing().run()
    assert caught.value.slug == "no-inputs"


def test_logger() -> None:
    """Each task has a logger with the name of its class."""
    assert Number().logger is logging.getLogger("Number")


def test_tasks_can_be_pickled() -> None:
    """A task survives pickle, as schedulers in other processes need it."""
    task = Number(n=9)
    assert task.logger
    assert pickle.loads(pickle.dumps(task)).output().path == task.output().path


def test_without_a_remote() -> None:
    """Downloading and uploading outside a run say that there is no remote."""
    for act in (Number().download, Number().upload):
        with pytest.raises(LuisyError) as caught:
            act()
        assert caught.value.slug == "no-remote"


class Shelf:
    """A result source that holds finished results in memory."""

    def __init__(self, results: dict[luigi.Task, Any]) -> None:
        self.results = results
        self.uploaded: list[tuple[luigi.Task, bool]] = []
        self.asked = 0

    def fetch(self, task: luigi.Task) -> bool:
        self.asked += 1
        if task in self.results:
            task.output().write(self.results[task])
        return task in self.results

    def upload(self, task: luigi.Task, *, overwrite: bool) -> None:
        self.uploaded.append((task, overwrite))


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    """A result source that has the result of ``Number(n=5)``."""
    source = Shelf({Number(n=5): 55})
    before = tasks.set_result_source(source)
    yield source
    assert tasks.set_result_source(before) is source


def test_read_asks_the_source(shelf: Shelf) -> None:
    """``read`` fetches what is not there, once."""
    assert Number(n=5).read() == 55
    assert Number(n=5).read() == 55
    assert shelf.asked == 1


def test_read_of_what_the_source_has_not(shelf: Shelf) -> None:
    """What the source does not have either is no output."""
    with pytest.raises(tasks.NoOutput):
        Number(n=6).read()
    assert shelf.asked == 1


def test_download_and_upload_ask_the_source(shelf: Shelf) -> None:
    """``download`` says whether there was a result, ``upload`` passes *overwrite* on."""
    assert Number(n=5).download()
    assert not Number(n=6).download()
    Number(n=5).upload()
    Number(n=5).upload(overwrite=True)
    assert shelf.uploaded == [(Number(n=5), False), (Number(n=5), True)]
