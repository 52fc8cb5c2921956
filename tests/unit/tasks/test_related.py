"""``get_related_instances``: from the files in the workspace back to tasks."""

# Luigi is not annotated.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import datetime as dt
import enum
from typing import TYPE_CHECKING, Any

import pytest

import luisy
from luisy import settings
from luisy.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def working_dir(tmp_path: Path) -> Iterator[Path]:
    """Each test has a working dir of its own."""
    with settings.overridden(working_dir=str(tmp_path)):
        yield tmp_path


class Colour(enum.Enum):
    RED = 1


def made(*tasks: luisy.Task) -> set[luisy.Task]:
    """*tasks*, whose outputs are there."""
    for task in tasks:
        task.write(1)
    return set(tasks)


@luisy.interim
@luisy.json_output
class Table(luisy.Task):
    project_name = "shop"
    text = luisy.Parameter(default="x")
    number = luisy.IntParameter(default=1)
    share = luisy.FloatParameter(default=0.5)
    flag = luisy.BoolParameter(default=False)
    day = luisy.DateParameter(default=dt.date(2020, 1, 2))
    hour = luisy.DateHourParameter(default=dt.datetime(2020, 1, 2, 3))  # noqa: DTZ001 - Luigi's have no zone
    month = luisy.MonthParameter(default=dt.date(2020, 3, 1))
    items = luisy.ListParameter(default=())
    colour = luisy.EnumParameter(enum=Colour, default=Colour.RED)
    none = luisy.OptionalParameter(default=None)
    hidden = luisy.Parameter(default="h", significant=False)


class Other(Table):
    pass


VALUES: list[dict[str, Any]] = [
    {},
    {"text": "a b"},
    {"text": "ä/ü%20"},
    {"text": "x_number=3"},
    {"text": "None"},
    {"text": ""},
    {"number": -3, "share": 1e-7, "flag": True},
    {"day": dt.date(1999, 12, 31), "hour": dt.datetime(1999, 12, 31, 23), "month": dt.date(1999, 12, 1)},  # noqa: DTZ001
    {"items": (1, 2.5, "a b", "1", None, True)},
    {"none": "told"},
]


@pytest.mark.parametrize("values", VALUES)
def test_values_are_read_back(values: dict[str, Any]) -> None:
    """Each value that a name tells comes back with its own type, not as text."""
    expected = made(Table(**values))
    assert set(Table.get_related_instances()) == expected


def test_all_that_is_there_and_nothing_else(working_dir: Path) -> None:
    """Tasks of other classes, files of no task and the store's own files are no instances."""
    expected = made(*(Table(number=n) for n in range(3)))
    made(Other())
    (working_dir / "shop/interim/Table_number=4.json").touch()
    (working_dir / ".luisy").mkdir()
    assert set(Table.get_related_instances()) == expected
    assert luisy.helpers.get_related_instances(Table) == Table.get_related_instances()


def test_names_and_folders_of_ones_own() -> None:
    """``get_file_name`` and ``get_sub_dir`` may use parameters, more than once."""

    class Named(luisy.Task):
        year = luisy.IntParameter()
        place = luisy.Parameter()

        def get_sub_dir(self) -> str:
            return f"in_{self.year}/{self.place}"

        def get_file_name(self) -> str:
            return f"of_{self.place}"

    expected = made(Named(year=2020, place="a"), Named(year=2021, place="b"))
    assert set(Named.get_related_instances()) == expected


def test_folders_are_outputs_too(working_dir: Path) -> None:
    """A task whose output is a folder is found."""

    @luisy.parquetdir_output
    class Folder(luisy.Task):
        n = luisy.IntParameter()

        def get_folder_name(self) -> str:
            return f"folder_{self.n}"

    (working_dir / "folder_7").mkdir()
    assert Folder.get_related_instances() == [Folder(n=7)]


def test_a_narrower_pattern() -> None:
    """``regex_placeholder`` says what the spelling of a value looks like."""

    class Short(luisy.Task):
        p = luisy.Parameter()

    made(Short(p="abc"), Short(p="12"))
    assert Short.get_related_instances(r"\d+") == [Short(p="12")]


def test_nothing_is_made(working_dir: Path) -> None:
    """Looking for outputs makes no folder."""
    assert Table.get_related_instances() == []
    assert list(working_dir.iterdir()) == []


def test_a_name_that_cannot_be_read_backwards() -> None:
    """A file name that computes with a parameter is an error that says so."""

    class Computed(luisy.Task):
        n = luisy.IntParameter()

        def get_file_name(self) -> str:
            return f"c_{self.n + 1}"

    with pytest.raises(UsageError, match="Computed") as caught:
        Computed.get_related_instances()
    assert caught.value.slug == "no-file-pattern"


def test_a_name_that_does_not_tell_everything() -> None:
    """A parameter that no file name tells and that has no default is an error that names it."""

    class Silent(luisy.Task):
        n = luisy.IntParameter()

        def get_file_name(self) -> str:
            return "always"

    with pytest.raises(UsageError, match="do not tell n") as caught:
        Silent.get_related_instances()
    assert caught.value.slug == "no-file-pattern"
