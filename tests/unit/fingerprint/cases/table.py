"""The corpus: small programs before and after an edit, and whether the fingerprint has to change.

A case is written as ``case(name, expectation, reason, before, after)``; *before* and *after* are the files
of a package ``pkg`` (a string stands for ``tasks.py``; ``../x.py`` lies beside the package); *after* may hold only
the files that differ, None for one that is gone. The class is ``pkg.tasks.T`` unless *target* says otherwise: ``module:name`` in the package,
``/module:name`` beside it, ``script FILE:name`` for a program, ``cells FILE:name`` for a notebook whose cells are
parted by lines ``# %%``, ``prompt FILE:name`` for an interactive session.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    name: str
    expectation: str
    reason: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    target: str
    limit: bool = False
    """What luisy gets wrong on the safe side, as docs/guide/key.md explains: it says changed."""

    def __post_init__(self) -> None:
        assert self.expectation in {"changed", "same"}, self


CASES: list[Case] = []


def case(  # noqa: PLR0917  # a row of a table
    name: str,
    expectation: str,
    reason: str,
    before: Collection[str],
    after: str | Mapping[str, str | None],
    target: str = "tasks:T",
    *,
    limit: bool = False,
) -> None:
    old = _files(before)
    new: Mapping[str, str | None] = _files(after) if isinstance(after, str) else after
    gone = {path for path, text in new.items() if text is None}
    kept = {path: text for path, text in old.items() if path not in gone}
    kept |= _files({path: text for path, text in new.items() if text is not None})
    CASES.append(Case(name, expectation, reason, old, kept, target, limit))


def edit(  # noqa: PLR0917  # a row of a table
    name: str,
    expectation: str,
    reason: str,
    files: Collection[str],
    old: str,
    new: str,
    target: str = "tasks:T",
    *,
    limit: bool = False,
) -> None:
    """A case whose edit replaces *old* by *new* in the one file that has it."""
    before = _files(files)
    holders = [path for path, text in before.items() if old in text]
    assert len(holders) == 1, (name, old, holders)
    text = before[holders[0]]
    after = {**before, holders[0]: text.replace(old, new)}
    CASES.append(Case(name, expectation, reason, before, after, target, limit))


def piece(name: str, reason: str, files: Collection[str], expectation: str = "changed") -> None:
    """A case whose edit makes a 2 of the one 1 that stands in *files*."""
    before = _files(files)
    after = {path: re.sub(r"\b1\b", "2", text) for path, text in before.items()}
    assert sum(len(re.findall(r"\b1\b", text)) for text in before.values()) == 1, name
    CASES.append(Case(name, expectation, reason, before, after, "tasks:T"))


def _files(files: Collection[str]) -> dict[str, str]:
    """The files of a case by path; a text by itself is ``tasks.py``."""
    named = files if isinstance(files, Mapping) else {"tasks.py": str(files)}
    return {path: textwrap.dedent(text).lstrip("\n") for path, text in named.items()}


def task(body: str, head: str = "", bases: str = "luigi.Task") -> str:
    """A module with a task ``T`` whose ``run`` has the given *body*, after the lines of *head*."""
    lines = textwrap.indent(textwrap.dedent(body).strip("\n"), "        ")
    return f"import luigi\n{textwrap.dedent(head)}\nclass T({bases}):\n    def run(self):\n{lines}\n"
