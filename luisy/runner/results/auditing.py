"""What ``run()`` was seen to read and neither key nor inputs know of, judged and put into words."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from luisy.fingerprint import is_project_module
from luisy.model import Reason
from luisy.places import lies_in
from luisy.runner.pipeline.graph import input_leaves
from luisy.runner.results.extras import label_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from luisy.fingerprint import Fingerprint, Fingerprinter
    from luisy.observe.runs import Audit, Line
    from luisy.places import Places
    from luisy.runner.pipeline.graph import Node
    from luisy.runner.results.extras import Extras

_SHOWN = 3
"""How many reads of one task are told; the action has them all."""


class UndeclaredRead(NamedTuple):
    """Something that was read, and the line of project code that did.

    :param family: of the task whose ``run()`` it was.
    :param what: such as ``file conf/rates.yml``, ``env RATE``, ``module pkg.plugin``.
    :param place: such as ``pkg/tasks.py:12``.
    """

    family: str
    what: str
    place: str


class Auditor:
    """Holds what runs have read against what is known of their tasks.

    :param strict: a result that rests on more than that is not kept.
    """

    def __init__(self, extras: Extras, fingerprinter: Fingerprinter, *, strict: bool) -> None:
        self.strict = strict
        self._extras = extras
        self._fingerprinter = fingerprinter

    def undeclared(self, node: Node, audit: Audit | None) -> tuple[UndeclaredRead, ...]:
        """What *audit* has seen that is in neither the key nor the inputs of *node*; sorted."""
        if audit is None or node.facts is None or not (audit.read or audit.imported):
            return ()
        fingerprint = self._fingerprinter.of(type(node.task))
        places = self._extras.places_of(fingerprint)
        found = {
            UndeclaredRead(node.family, what, f"{places.name_of(line.file) or line.file}:{line.line}")
            for what, line in (*self._reads(node, audit, fingerprint, places), *_modules(audit, fingerprint))
        }
        return tuple(sorted(found))

    def _reads(
        self, node: Node, audit: Audit, fingerprint: Fingerprint, places: Places
    ) -> Iterator[tuple[str, Line]]:
        known = (
            {*(node.facts.declared or {}), *(node.facts.observed or {})} if node.facts is not None else set()
        )
        paths = self._known_paths(node, fingerprint)
        for (kind, name), line in audit.read.items():
            what = None if lies_in(name, paths) else label_of(kind, name, places)
            if what is not None and what not in known:
                yield what, line

    def _known_paths(self, node: Node, fingerprint: Fingerprint) -> AbstractSet[str]:
        """The files and folders that *node* may read: inputs, outputs, and what its key holds."""
        others = (*input_leaves(node), *node.held, node)
        found = {path for other in others for _, path in other.outputs}
        found.update(self._extras.declared_paths(type(node.task)))
        return found | self._extras.observed_paths(fingerprint)

    def changed(self, node: Node) -> str | None:
        """What *node* declares and is not any more what its key was made of; None if all is as it was."""
        if node.facts is None or not node.facts.declared:
            return None
        before, now = node.facts.declared, self._extras.declared_by(node, now=True)
        return next((label for label in sorted({*before, *now}) if before.get(label) != now.get(label)), None)


def _modules(audit: Audit, fingerprint: Fingerprint) -> Iterator[tuple[str, Line]]:
    """Project modules that were imported meanwhile and that the fingerprint does not know."""
    known = {os.path.realpath(file.path) for file in fingerprint.files}
    for name, line in audit.imported.items():
        module = sys.modules.get(name)
        file = getattr(module, "__file__", None)
        if module is not None and file and os.path.realpath(file) not in known and is_project_module(module):
            yield f"module {name}", line


class Undeclared:
    """What the tasks of a run were seen to read, by family: told once for each."""

    def __init__(self) -> None:
        self._reads: dict[UndeclaredRead, None] = {}

    def add(self, reads: tuple[UndeclaredRead, ...]) -> None:
        """Take in what was read; again and again, if need be."""
        self._reads.update(dict.fromkeys(reads))

    def all(self) -> tuple[UndeclaredRead, ...]:
        """Everything so far."""
        return tuple(self._reads)

    def notes(self) -> list[Reason]:
        """A sentence for each family."""
        families: dict[str, list[UndeclaredRead]] = {}
        for read in self._reads:
            families.setdefault(read.family, []).append(read)
        return [Reason("undeclared-read", _sentence(family, reads)) for family, reads in families.items()]


def _sentence(family: str, reads: list[UndeclaredRead]) -> str:
    return (
        f"{family} reads {told(reads)}, which its key does not hold, so a change there is not noticed; "
        "declare it (luisy.declares), or require it as an external task"
    )


def told(reads: list[UndeclaredRead]) -> str:
    """The first of *reads*, with their places."""
    shown = ", ".join(f"{read.what} ({read.place})" for read in reads[:_SHOWN])
    return shown if len(reads) <= _SHOWN else f"{shown} and {len(reads) - _SHOWN} more"
