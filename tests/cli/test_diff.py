"""``luisy diff``: code, parameters, environment and outputs of two results."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.test_plan import stats

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.project import Project

CODE = """
STEP = 1


@luisy.csv_output()
class Table(luisy.Task):
    rows = luigi.IntParameter(default=3)

    def run(self):
        import pandas as pd

        self.write(pd.DataFrame({"n": range(0, self.rows * STEP, STEP), "same": 1}))


class Parts(luisy.Task):
    def requires(self):
        return Table()

    def output(self):
        return {"folder": luigi.LocalTarget("data/parts"), "text": luigi.LocalTarget("data/text.txt")}

    def run(self):
        Path("data/parts").mkdir(parents=True)
        for number in range(STEP, STEP + 2):
            Path(f"data/parts/{number}").write_text(str(number))
        Path("data/parts/same").write_text("same")
        Path("data/text.txt").write_text("same")
"""


@pytest.fixture
def tables(project: Project) -> Project:
    """A pipeline that ran with two versions of a constant; that of now is the second."""
    project.odd(CODE)
    assert project.luisy("run", "Parts").code == 0
    project.odd(CODE.replace("STEP = 1", "STEP = 2"))
    assert project.luisy("run", "Parts").code == 0
    return project


def keys(project: Project, family: str) -> list[str]:
    """The keys of a task, oldest first."""
    actions = project.luisy("log", family, "--json").document["actions"]
    return [action["key"] for action in reversed(actions)]


def compared(project: Project, *arguments: str) -> Any:
    """The document of a comparison."""
    done = project.luisy("diff", *arguments, "--json")
    assert done.code == 0, done.err
    return done.document


def test_what_people_read(tables: Project, snapshot: Callable[[str, str], None]) -> None:
    """A table, a folder and equal bytes; against the result of now, the other way round, and against no result."""
    old, new = keys(tables, "Table")
    parts = keys(tables, "Parts")[0]
    said = [f"--- against now\n{tables.luisy('diff', 'Table', '--at', old[:12]).out}"]
    said.append(f"--- the other way round\n{tables.luisy('diff', 'Table', '--at', new, '--at', old).out}")
    said.append(f"--- folders and inputs\n{tables.luisy('diff', 'Parts', '--at', parts).out}")
    said.append(f"--- other parameters\n{tables.luisy('diff', 'Table', '--rows', '5', '--at', old).out}")
    snapshot("diff", "\n".join(said))


def test_tables_are_summed_up(tables: Project) -> None:
    """Rows, columns and changed cells, by column; the code that is responsible."""
    old, new = keys(tables, "Table")
    document = compared(tables, "Table", "--at", old, "--at", new)
    assert (document["old"]["key"], document["new"]["key"]) == (old, new)
    (output,) = document["outputs"]
    assert output["table"] == {
        "rows": [3, 3],
        "columns": [2, 2],
        "added": [],
        "removed": [],
        "cells": 2,
        "changed": {"n": 2},
    }
    assert [change["name"] for change in document["changes"]] == ["pipe/tasks.py:STEP"]
    assert document["environment"] == []


def test_two_results_of_other_parameters(tables: Project) -> None:
    """Results of one task with different parameters can be compared."""
    tables.luisy("run", "Table", "--rows", "4")
    more, new = keys(tables, "Table")[-1], keys(tables, "Table")[1]
    document = compared(tables, "Table", "--at", new, "--at", more)
    assert [(change["name"], change["old"], change["new"]) for change in document["changes"]] == [
        ("rows", "3", "4")
    ]
    assert document["outputs"][0]["table"]["rows"] == [3, 4]


def test_folders_are_compared_file_by_file(tables: Project) -> None:
    """What was added, removed and changed below a folder; outputs with the same bytes are told as equal."""
    document = compared(tables, "Parts", "--at", keys(tables, "Parts")[0])
    folder, text = document["outputs"]
    assert folder["files"] == {"1": "removed", "3": "added"}
    assert (text["equal"], text["files"]) == (True, {})


def test_without_pandas_the_extra_is_named(tables: Project) -> None:
    """A table that cannot be read for want of a library is compared by bytes; the note says what to install."""
    old, new = keys(tables, "Table")
    hidden = (
        "import sys; sys.modules['pandas'] = None\n"
        f"from luisy.cli import main; main(['diff', 'Table', '--at', {old!r}, '--at', {new!r}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", hidden],
        cwd=tables.folder,
        env=tables.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert 'pip install "luisy[dataframe]"' in done.stdout
    assert "changed cells" not in done.stdout


def test_it_touches_nothing(tables: Project) -> None:
    """A comparison reads bytes where they lie."""
    old, new = keys(tables, "Table")
    before = stats(tables.folder)
    compared(tables, "Table", "--at", old, "--at", new)
    assert stats(tables.folder) == before


@pytest.mark.parametrize(
    ("arguments", "code", "slug"),
    [
        (("Table",), 2, "usage"),
        (("Table", *["--at", "ffffff"] * 3), 2, "usage"),
        (("Table", "--at", "ffffff"), 1, "no-such-result"),
        (("Table", "--at", "PARTS"), 2, "other-task"),
        (("Both", "--at", "ffffff"), 2, "no-such-task"),
    ],
)
def test_what_cannot_be_compared(tables: Project, arguments: tuple[str, ...], code: int, slug: str) -> None:
    """No key or three, a key that is not there, or that of another task."""
    key = keys(tables, "Parts")[0]
    done = tables.luisy("diff", *(key if word == "PARTS" else word for word in arguments))
    assert (done.code, done.slug) == (code, slug)
