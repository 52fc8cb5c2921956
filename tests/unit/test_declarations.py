"""Claims about ``luisy.declares`` and what comes of it along a class's bases."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import luigi
import pytest

import luisy
from luisy.declarations import NOTHING, Declaration, DeclaredFile, IgnoredName, declaration_of
from luisy.decorators import DecoratorError

MODULE = __name__


def declared(**arguments: Any) -> Declaration:
    class Task(luigi.Task):
        pass

    return declaration_of(luisy.declares(**arguments)(Task))


def test_nothing_is_declared_by_itself() -> None:
    """A class without the decorator declares nothing."""
    assert declaration_of(luigi.Task) == NOTHING


@pytest.mark.parametrize("files", ["a.yml", Path("a.yml"), ["a.yml"], (Path("a.yml"),)])
def test_one_file_or_several(files: Any) -> None:
    """Files are given as one path or as several, as text or as ``Path``."""
    assert declared(files=files).files == (DeclaredFile("a.yml", MODULE),)


def test_every_argument_has_its_place() -> None:
    """What the decorator is given stands in the declaration."""
    found = declared(
        env="A", version=2, ignore=["N", "m.x"], time_to_live=dt.timedelta(hours=1), uncacheable="why"
    )
    assert found == Declaration(
        (), ("A",), "2", (IgnoredName("N", MODULE), IgnoredName("m.x", MODULE)), 3600.0, "why"
    )


def test_decorators_stack() -> None:
    """Several at one class add up; of what can be there once, the outermost holds."""

    @luisy.declares(env="B", version="outer")
    @luisy.declares(env="A", version="inner", time_to_live=5)
    class Task(luigi.Task):
        pass

    assert declaration_of(Task) == Declaration(env=("A", "B"), version="outer", time_to_live=5.0)


def test_a_subclass_adds_to_what_it_inherits() -> None:
    """Files and names of all bases hold; version, time to live and reason are those of the nearest class."""

    @luisy.declares(files="a", env="A", version="base", uncacheable="base")
    class Base(luigi.Task):
        pass

    @luisy.declares(files="m", version="mixin")
    class Mixin:
        pass

    @luisy.declares(env="S")
    class Sub(Mixin, Base):
        pass

    assert declaration_of(Sub) == Declaration(
        (DeclaredFile("a", MODULE), DeclaredFile("m", MODULE)), ("A", "S"), "mixin", uncacheable="base"
    )
    assert declaration_of(Base).version == "base"


@pytest.mark.parametrize(
    "arguments",
    [
        {"env": [1]},
        {"env": "A=b"},
        {"ignore": [""]},
        {"uncacheable": True},
        {"time_to_live": 0},
        {"time_to_live": -1},
        {"time_to_live": "day"},
        {"time_to_live": True},
        {"time_to_live": dt.timedelta(0)},
    ],
)
def test_what_is_not_of_its_kind_is_refused(arguments: dict[str, Any]) -> None:
    """A value that cannot be meant is an error where the class is defined."""
    with pytest.raises(DecoratorError, match="declares"):
        declared(**arguments)


def test_the_class_stays_itself() -> None:
    """The decorator hands back the class that it was given."""

    class Task(luigi.Task):
        pass

    assert luisy.declares(version="1")(Task) is Task
