"""One account of what a key is made of against another."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from luisy.model import SHOWN_DIGITS, is_digest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from luisy.fingerprint.kept import Kept
    from luisy.model import Digest

UNKNOWN = "unknown"
"""Stands for an input of which neither key nor content is known yet."""

_SHOWN_CHARACTERS = 60
_HIDDEN = "hidden "


class Part(Enum):
    """What of a key changed."""

    CODE = "code"
    PARAMETER = "parameter"
    INPUT = "input"
    PACKAGE = "package"
    OUTPUT = "output"
    OPTION = "option"
    DECLARED = "declared"
    OBSERVED = "observed"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two accounts.

    :param name: of code ``file:name``, else the parameter, input, package, ... as the pipeline calls it.
    :param old: its value, version or digest then; None where it was not there.
    :param new: the same now; None where it is gone, or not known yet.
    :param diff: of code a unified diff, of an input what changed in it.
    :param what: the name as people read it, where that is another one; of an input, what became of it.
    """

    part: Part
    name: str
    old: str | None
    new: str | None
    diff: str = ""
    what: str = ""

    @property
    def shown(self) -> str:
        """The name to read."""
        return self.what or self.name

    def told(self) -> str:
        """The change in one line."""
        if self.part is Part.INPUT:
            return f"input {self.name}: {self.what}"
        if self.part is Part.CODE:
            verb = "is new" if self.old is None else "is gone" if self.new is None else "changed"
            return f"code {verb}: {self.shown}"
        if self.old is self.new is None:  # that it changed is all that may be known
            return f"{self.part.value} changed: {self.shown}"
        return f"{self.part.value} {self.shown}: {shown_value(self.old)} -> {shown_value(self.new)}"

    def as_json(self) -> dict[str, Any]:
        """Its part of the document that ``luisy why --json`` prints."""
        return {
            "part": self.part.value,
            "name": self.name,
            "old": self.old,
            "new": self.new,
            "diff": self.diff,
        }


def in_short(changes: Sequence[Change]) -> str:
    """The first of several changes and how many more there are, without what it was and is; empty if there are none."""
    if not changes:
        return ""
    first = changes[0]
    named = first.shown if first.part is Part.CODE else first.told()
    return f"{named} and {len(changes) - 1} more" if len(changes) > 1 else named


def shown_value(text: str | None) -> str:
    """A value to read: cut where it is long, and in words where it is not shown."""
    if text is None:
        return "not there"
    if text.startswith(_HIDDEN):
        return "a value that is not shown"
    if is_digest(text):
        return text[:SHOWN_DIGITS]
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


@dataclass(frozen=True, slots=True)
class Account:
    """What a key is, or was, made of.

    :param parts: the labelled parts (``luisy key``).
    :param code: parts and sources of the fingerprint; None where they were not kept.
    :param whole: *parts* are all there were; else only what both accounts have is compared.
    :param contents: the content digest of each input by its task id, where it is known.
    """

    parts: Mapping[str, str]
    code: Kept | None = None
    whole: bool = True
    contents: Mapping[str, Digest] = field(default_factory=dict)


_BY_VALUE = (Part.PARAMETER, Part.OUTPUT, Part.OPTION, Part.DECLARED, Part.OBSERVED)
_COMPARED = {part.value: part for part in _BY_VALUE}


def own_changes(old: Account, new: Account) -> list[Change]:
    """What differs but for inputs and code: parameters, outputs, options, declared and observed inputs."""
    found = []
    for label in _labels(old, new):
        kind, _, name = label.partition(" ")
        before, after = old.parts.get(label), new.parts.get(label)
        if kind in _COMPARED and before != after:
            found.append(Change(_COMPARED[kind], name, before, after, what=name or "output"))
    return sorted(found, key=lambda change: _BY_VALUE.index(change.part))


def changed_inputs(old: Account, new: Account) -> dict[str, tuple[str | None, str | None]]:
    """The inputs that do not count as before, by task id: what each counted as then, and now.

    Where it counts by the same key, but its result was made anew with other bytes, these are told instead.
    """
    found = {}
    for label in _labels(old, new):
        kind, _, task_id = label.partition(" ")
        if kind not in ("input", "held"):
            continue
        before, after = old.parts.get(label), new.parts.get(label)
        if before == after:
            before, after = old.contents.get(task_id), new.contents.get(task_id)
            if before is None or after is None:
                continue
        if before != after or before == UNKNOWN:
            found[task_id] = _known(before), _known(after)
    return found


def _known(counted: str | None) -> str | None:
    return None if counted == UNKNOWN else counted


def _labels(old: Account, new: Account) -> list[str]:
    """The labels to compare, in the order of the new account, then those that are gone."""
    labels = dict.fromkeys([*new.parts, *old.parts])
    if old.whole and new.whole:
        return list(labels)
    return [label for label in labels if label in old.parts and label in new.parts]
