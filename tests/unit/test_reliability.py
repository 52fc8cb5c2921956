"""The page about reliability names tests, and they exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_LINK = re.compile(r"\[(test_\w+)\]\(([^)#]+)\)")


def rows() -> list[list[str]]:
    """The cells of the table, without its head."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def functions(path: Path) -> set[str]:
    """The functions that a file of Python defines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_fault_names_its_tests() -> None:
    """Each row has a fault, the promises that it is about, at least one test, and what that showed."""
    promises = set(re.findall(r"^(\d)\. \*\*", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    for fault, numbers, tests, showed in rows():
        assert fault
        assert set(re.findall(r"\d", numbers)) <= promises
        assert numbers
        assert _LINK.search(tests), fault
        assert showed


def test_the_tests_that_it_names_exist() -> None:
    """By file and name: a test that is renamed takes its row with it."""
    for name, file in _LINK.findall(PAGE.read_text(encoding="utf-8")):
        assert name in functions(PAGE.parent / file), f"{file} has no {name}"
