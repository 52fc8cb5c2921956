"""Names put together from the family and the parameters, and cut to what file systems take."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from luisy.naming.escaping import escaped
from luisy.naming.spelling import spelling

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import luigi

_NAME_MAX = 255  # bytes of one path component: ext4, XFS, Btrfs, APFS
_HEADROOM = 32  # for the suffix of a temporary file beside the result, as Luigi's own open("w") makes one
_DIGEST_DIGITS = 32


def automatic_name(
    family: str, parameters: Iterable[tuple[str, luigi.Parameter[Any], Any]], names: Sequence[str]
) -> str:
    """``<family>_<name>=<value>`` for all *parameters*.

    :param parameters: name, parameter and value of each that is told, sorted by name.
    :param names: all names that any result of this class may tell (None values may be left out of one).
    """
    name = escaped(family).replace("=", "%3D")
    before = text = ""
    for key, parameter, value in parameters:
        if before:
            cut = _cut_after_value(text, [n for n in names if n > before], key)
        else:
            cut = _cut_after_family(f"{name}_{key}")
        text = _without_boundaries(spelling(value, parameter), [n for n in names if n > key])
        name += ("_" if cut == key else "%,_") + f"{key}={text}"
        before = key
    return name


def _cut_after_family(head: str) -> str:
    """The parameter's name in ``Family_name`` as a reader sees it: family words begin with a capital."""
    words = head.split("_")
    last = max([place for place, word in enumerate(words) if "." in word], default=0) + 1  # a namespace
    while last < len(words) - 1 and words[last][:1].isupper():
        last += 1
    return "_".join(words[last:])


def _cut_after_value(value: str, names: Sequence[str], name: str) -> str:
    """The parameter's name in ``value_name=`` as a reader sees it: the longest that could follow."""
    return max((n for n in names if f"{value}_{name}".endswith(f"_{n}")), key=len)


def _without_boundaries(value: str, later: Sequence[str]) -> str:
    """*value* with each ``=`` escaped that would end the name of a *later* parameter."""
    ends = tuple(f"_{name}" for name in later)
    parts = value.split("=")
    for place, part in enumerate(parts[:-1]):
        parts[place] += "%3D" if part.endswith(ends) else "="
    return "".join(parts)


def fitting(name: str, ending: str) -> str:
    """*name*, shortened with a digest of the whole where *name* + *ending* would be too long for a file system."""
    limit = _NAME_MAX - _HEADROOM - len(os.fsencode(ending))
    raw = os.fsencode(name)
    if len(raw) <= limit:
        return name
    mark = "%~" + blake3(raw).hexdigest()[:_DIGEST_DIGITS]
    return raw[: limit - len(mark)].decode("utf-8", "ignore") + mark


def not_ending_in(name: str, ending: str) -> str:
    """*name* so that it does not end in *ending*, which would be taken for the file's own."""
    if not ending or not name.endswith(ending):
        return name
    return name[: -len(ending)] + "%2E" + ending[1:]
