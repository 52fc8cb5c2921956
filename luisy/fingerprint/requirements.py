"""The requirements file: which of its lines stands for an installed distribution.

Format: "Requirements File Format" of pip's documentation. Only names, specifiers and ``-r`` are read.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from luisy.errors import UsageError
from luisy.fingerprint.distributions import normalised

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from luisy.fingerprint.distributions import Distribution

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PIN = re.compile(r"={2,3}\s*([^\s,;*]+)$")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
_USERINFO = re.compile(r"(?<=://)[^/\s@]*@")
"""Who fetches a distribution, and with which secret, says nothing about it: RFC 3986, section 3.2.1."""


class Requirements:
    """The lines of one requirements file, by distribution.

    :param path: the file; read at once.
    :raises UsageError: the file cannot be read.
    """

    def __init__(self, path: str) -> None:
        self.lines: Mapping[str, str] = _read(Path(path), set())
        self._brings: dict[str, frozenset[str]] = {}
        self._counting: dict[str, str | None] = {}

    def line_for(self, name: str, find: Callable[[str], Distribution | None]) -> str | None:
        """What counts for the distribution *name* (normalised): its line, or the lines that bring it.

        A line that pins is given as the bare version, as an installed version is.

        :param find: finds an installed distribution by its normalised name.
        """
        if name not in self._counting:
            self._counting[name] = self._what_counts(name, find)
        return self._counting[name]

    def _what_counts(self, name: str, find: Callable[[str], Distribution | None]) -> str | None:
        if name in self.lines:
            return _encoded(self.lines[name])
        bringing = [
            line for required, line in sorted(self.lines.items()) if name in self._brought_by(required, find)
        ]
        return " & ".join(bringing) or None

    def _brought_by(self, required: str, find: Callable[[str], Distribution | None]) -> frozenset[str]:
        if required not in self._brings:
            seen: set[str] = set()
            todo = [required]
            while todo:
                name = todo.pop()
                if name not in seen:
                    seen.add(name)
                    distribution = find(name)
                    todo.extend(distribution.requires if distribution else ())
            self._brings[required] = frozenset(seen)
        return self._brings[required]


def _encoded(line: str) -> str:
    bare = re.sub(r"^[A-Za-z0-9._-]+\s*(\[[^\]]*\])?\s*", "", line.partition(";")[0]).strip().strip("()")
    pin = _PIN.fullmatch(bare)
    return pin[1] if pin and ";" not in line else line


def _read(path: Path, seen: set[Path]) -> dict[str, str]:
    if path in seen:
        return {}
    seen.add(path)
    try:
        text = _USERINFO.sub("", path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The requirements file {path} cannot be read: {error}.",
            slug="requirements-file",
            hint="Set requirements_path to an existing file, or leave it out.",
        ) from error
    lines: dict[str, str] = {}
    for raw in text.replace("\r\n", "\n").replace("\\\n", " ").split("\n"):
        line = re.sub(r"(^|\s)#.*$", "", raw)
        include = re.match(r"\s*(?:-r|--requirement)(?:\s+|=)(\S+)", line)
        if include:
            lines.update(_read(path.parent / include[1], seen))
            continue
        line = " ".join(re.sub(r"\s--?[a-z][a-z-]*(?:[ =]\S+)?", "", " " + line).split())
        name = _EGG.search(raw) or _NAME.match(line)
        if name:
            lines[normalised(name[1] if name.re is _EGG else name[0])] = line or raw.strip()
    return lines
