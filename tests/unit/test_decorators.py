"""What each decorator does to a task class."""

# Luigi is not annotated.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import luigi
import pytest
from luigi.parameter import ParameterVisibility

import luisy
from luisy import targets
from luisy.decorators import DecoratorError
from luisy.errors import UsageError
from luisy.settings import overridden

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def working_dir(tmp_path: Path) -> Iterator[str]:
    """Each test has a working dir of its own."""
    with overridden(working_dir=str(tmp_path)):
        yield str(tmp_path)


OUTPUTS = {
    "csv_output": targets.CSVTarget,
    "json_output": targets.JSONTarget,
    "pickle_output": targets.PickleTarget,
    "parquet_output": targets.ParquetTarget,
    "feather_output": targets.FeatherTarget,
    "hdf_output": targets.HDFTarget,
    "xlsx_output": targets.XLSXTarget,
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_output_decorators_choose_the_target(name: str) -> None:
    """With and without parentheses and with options, the output is a target of that format."""
    decorator = getattr(luisy, name)

    class Task(luisy.Task):
        pass

    for decorate, options in ((decorator, {}), (decorator(), {}), (decorator(engine="x"), {"engine": "x"})):
        assert decorate(Task) is Task
        output = Task().output()
        assert type(output) is OUTPUTS[name]
        assert output.path.endswith(f"Task.{OUTPUTS[name].file_ending}")
        assert output.kwargs == options


def test_options_of_one_class_are_not_another_s() -> None:
    """Two classes with the same decorator keep their own options."""

    @luisy.csv_output(sep=";")
    class One(luisy.Task):
        pass

    @luisy.csv_output
    class Two(luisy.Task):
        pass

    assert One().output().kwargs == {"sep": ";"}
    assert Two().output().kwargs == {}
    assert luisy.Task.target_kwargs == {}


def test_a_subclass_may_change_the_format() -> None:
    """A format of a subclass takes nothing over from that of its base, in either direction."""

    @luisy.parquetdir_output(outdir="folder", compression="gzip")
    class Base(luisy.Task):
        pass

    @luisy.csv_output
    class Table(Base):
        pass

    assert Base().output().path.endswith("/folder")
    assert Table().output().path.endswith("/Table.csv")
    assert Table().output().kwargs == {}


@pytest.mark.parametrize("layer", ["raw", "interim", "final"])
def test_layers(layer: str, working_dir: str) -> None:
    """With and without parentheses, the output lies below project and layer."""
    decorator = getattr(luisy, layer)

    class Task(luisy.Task):
        project_name = "shop"

    for decorate in (decorator, decorator()):
        assert decorate(Task) is Task
        assert Task().output().path == f"{working_dir}/shop/{layer}/Task.pkl"


def test_sub_dir_lies_below_the_layer(working_dir: str) -> None:
    """``get_sub_dir`` adds a folder below the layer."""

    @luisy.raw
    @luisy.project_name("shop")
    class Task(luisy.Task):
        def get_sub_dir(self) -> str:
            return "sub"

    assert Task().output().path == f"{working_dir}/shop/raw/sub/Task.pkl"


def test_project_name_of_the_module(working_dir: str) -> None:
    """Without the decorator, the first component of the module names the project."""

    @luisy.raw
    class Task(luisy.Task):
        __module__ = "shop.tasks"

    assert Task().output().path == f"{working_dir}/shop/raw/Task.pkl"


def test_auto_filename_tells_the_significant_parameters() -> None:
    """Parameters are told in the order of their names; insignificant ones and working_dir are not."""

    class Task(luisy.Task):
        b = luisy.IntParameter(default=1)
        a = luisy.Parameter(default="x")
        working_dir = luisy.Parameter(default="w")
        quiet = luisy.BoolParameter(default=False, significant=False)

    assert Task().get_file_name() == "Task_a=x_b=1"


def test_auto_filename_excludes_parameters() -> None:
    """``excl_params`` leaves parameters out."""

    @luisy.auto_filename(excl_params=["a"])
    class Task(luisy.Task):
        a = luisy.Parameter(default="x")
        b = luisy.Parameter(default="y")

    assert Task().get_file_name() == "Task_b=y"


def test_auto_filename_excludes_none() -> None:
    """``excl_none`` leaves out parameters that are None, and only those."""

    @luisy.auto_filename(excl_none=True)
    class Task(luisy.Task):
        a = luisy.OptionalParameter(default=None)
        b = luisy.Parameter(default="")

    assert Task().get_file_name() == "Task_b="


def test_auto_filename_without_arguments() -> None:
    """Bare and with empty parentheses it gives a subclass the automatic name back."""

    class Named(luisy.Task):
        def get_file_name(self) -> str:
            return "mine"

    class Task(Named):
        pass

    assert Task().get_file_name() == "mine"
    assert luisy.auto_filename(Task) is Task
    assert Task().get_file_name() == "Task"
    assert luisy.auto_filename()(Task) is Task


def test_a_value_that_ends_like_the_file_has_its_own_file() -> None:
    """The values 'x' and 'x.csv' of a csv task have two files."""

    @luisy.csv_output
    class Task(luisy.Task):
        p = luisy.Parameter()

    assert Task(p="x").output().path.endswith("/Task_p=x.csv")
    assert Task(p="x.csv").output().path.endswith("/Task_p=x%2Ecsv.csv")


class First(luisy.Task):
    a = luisy.IntParameter(default=1)


class Second(luisy.Task):
    b = luisy.IntParameter(default=2)


def test_requires_one() -> None:
    """One required task is required as it is, and hands its parameters down."""

    @luisy.requires(First)
    class Task(luisy.Task):
        pass

    assert Task(a=5).requires() == First(a=5)


def test_requires_several() -> None:
    """Several are required as a list."""

    @luisy.requires(First, Second)
    class Task(luisy.Task):
        pass

    assert Task(a=5, b=6).requires() == [First(a=5), Second(b=6)]


def test_requires_as_dict() -> None:
    """With ``as_dict`` several are required by their family."""

    @luisy.requires(First, Second, as_dict=True)
    class Task(luisy.Task):
        pass

    assert Task(a=5).requires() == {"First": First(a=5), "Second": Second(b=2)}


def test_requires_by_name() -> None:
    """Keywords name the requirements."""

    @luisy.requires(x=First, y=Second)
    class Task(luisy.Task):
        pass

    assert Task().requires() == {"x": First(), "y": Second()}


def test_requires_a_plain_luigi_task() -> None:
    """Plain Luigi tasks can be required."""

    class Plain(luigi.Task):
        a = luigi.IntParameter(default=1)

    @luisy.requires(Plain)
    class Task(luisy.Task):
        pass

    assert Task(a=3).requires() == Plain(a=3)


def test_inherits() -> None:
    """``inherits`` hands parameters down without requiring anything."""

    @luisy.inherits(First)
    class Task(luisy.Task):
        pass

    task: Any = Task(a=4)
    assert task.clone_parent() == First(a=4)
    assert task.requires() == []


@pytest.mark.parametrize("decorator", [luisy.requires, luisy.inherits])
def test_nothing_to_require_is_an_error(decorator: Any) -> None:
    """Without a task there is nothing to require or inherit from."""
    with pytest.raises(TypeError):
        decorator()


def test_parquetdir_by_method(working_dir: str) -> None:
    """``get_folder_name`` names the folder."""

    @luisy.parquetdir_output
    class Task(luisy.Task):
        def get_folder_name(self) -> str:
            return "parts"

    assert Task().output().path == f"{working_dir}/parts"


def test_parquetdir_without_a_name() -> None:
    """Without a name for the folder the decorator is refused, by an error that is a ValueError too."""
    with pytest.raises(DecoratorError, match="get_folder_name") as caught:

        @luisy.parquetdir_output()
        class Task(luisy.Task):
            pass

    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, UsageError)


def read_text(path: str) -> str | None:
    with open(path, encoding="utf-8") as file:
        return file.read() or None


@luisy.raw
@luisy.make_directory_output(read_text, regex_pattern="txt$")
class Letters(luisy.ExternalTask):
    def get_folder_name(self) -> str:
        return "letters"


@luisy.make_directory_output(len)
class Lengths(luisy.ExternalTask):
    def get_folder_name(self) -> str:
        return "lengths"


def test_directory_outputs_do_not_share_their_reader(tmp_path: Path) -> None:
    """Two classes have two readers (in luisy 1.x the last decorator won for all)."""
    folder = tmp_path / "letters"
    folder.mkdir()
    for name in ("b.txt", "a.txt", "c.csv"):
        (folder / name).write_text(name)
    assert list(Letters.target_cls(folder).read()) == ["a.txt", "b.txt"]
    assert list(Lengths.target_cls(folder).read()) == [
        len(str(folder / name)) for name in ("a.txt", "b.txt", "c.csv")
    ]
    assert targets.DirectoryTarget.regex_pattern is None


def test_directory_output_lies_in_its_layer(working_dir: str) -> None:
    """The folder lies below the layer."""
    assert Letters().output().path == f"{working_dir}/{Letters.__module__.split('.')[0]}/raw/letters"


def test_directory_output_survives_pickle() -> None:
    """A directory target can be pickled, although its class is made by the decorator."""
    target = pickle.loads(pickle.dumps(Letters().output()))
    assert type(target) is Letters.target_cls


def test_directory_output_is_for_external_tasks() -> None:
    """Other tasks are refused."""
    with pytest.raises(DecoratorError, match="ExternalTask"):

        @luisy.make_directory_output(read_text)
        class Task(luisy.Task):
            def get_folder_name(self) -> str:
                return "d"


def test_directory_output_needs_a_name() -> None:
    """Without a name for the folder the decorator is refused."""
    with pytest.raises(DecoratorError, match="get_folder_name"):

        @luisy.make_directory_output(read_text)
        class Task(luisy.ExternalTask):
            pass


def test_side_outputs(working_dir: str) -> None:
    """Declared files are targets of the task, by name; ``{name}`` tells tasks apart."""

    @luisy.csv_output
    @luisy.side_outputs("{name}.png", "log/all.txt")
    class Task(luisy.Task):
        n = luisy.IntParameter()

    sides = Task(n=1).side_outputs
    assert {name: target.path for name, target in sides.items()} == {
        "{name}.png": f"{working_dir}/Task_n=1.png",
        "log/all.txt": f"{working_dir}/log/all.txt",
    }
    assert Task(n=1).output().path == f"{working_dir}/Task_n=1.csv"


def test_side_outputs_as_attribute(working_dir: str) -> None:
    """An attribute of that name does what the decorator does."""

    class Task(luisy.Task):
        side_outputs = ("a.png",)

    task: Any = Task()
    assert task.side_outputs["a.png"].path == f"{working_dir}/a.png"


def test_tasks_without_side_outputs_have_none() -> None:
    """Most tasks declare none."""
    assert First().side_outputs == {}


TYPED = """
import luisy

@luisy.raw
@luisy.csv_output(sep=";")
@luisy.auto_filename(excl_none=True)
class A(luisy.Task):
    n: luisy.IntParameter = luisy.IntParameter()

    def own(self) -> int:
        return 1

@luisy.final()
@luisy.json_output
@luisy.requires(A)
@luisy.project_name("p")
@luisy.side_outputs("x")
class B(luisy.Task):
    def run(self) -> None:
        self.write(self.input().read())

reveal_type(A)
reveal_type(B)
reveal_type(A(n=1).own())
"""


@pytest.mark.slow
def test_decorated_classes_keep_their_type(tmp_path: Path) -> None:
    """For ``mypy --strict``, a decorated class is the class."""
    (tmp_path / "typed.py").write_text(TYPED)
    arguments = [
        "--strict",
        "--config-file",
        "",
        "--cache-dir",
        str(tmp_path / "cache"),
        "--follow-imports",
        "silent",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *arguments, str(tmp_path / "typed.py")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "error" not in done.stdout, done.stdout
    assert done.stdout.count("def (") == 2
    assert 'Revealed type is "int"' in done.stdout.replace("builtins.", "")


def test_a_value_that_is_not_public_is_in_no_file_name() -> None:
    """Names are seen by everybody; Luigi does not tell such tasks apart either."""

    class Guarded(luisy.Task):
        column = luigi.Parameter()
        password = luigi.Parameter(visibility=ParameterVisibility.PRIVATE)
        hint = luigi.Parameter(visibility=ParameterVisibility.HIDDEN)

    task = Guarded(column="wind", password="pw-1234", hint="hint-1234")
    assert task.get_file_name() == "Guarded_column=wind"
