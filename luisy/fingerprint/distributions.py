"""Which installed distribution a module belongs to, and in which version it is there.

Reads the ``*.dist-info`` folders beside the module itself (``RECORD`` names every file), so that
``pip install --target`` folders are seen like ``site-packages``. The formats are those of the packaging
specifications ("Recording installed projects", "Core metadata", "Direct URL").
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Distribution:
    """One installed distribution, by its metadata folder (or file). Metadata is read when asked for.

    :ivar folder_name: its name, normalised, by the metadata folder alone.
    """

    def __init__(self, metadata: Path) -> None:
        self._metadata = metadata
        self.folder_name = normalised(re.split(r"-\d|\.(?:dist|egg)-info$", metadata.name)[0])
        self._headers: dict[str, list[str]] | None = None

    def __repr__(self) -> str:
        return f"Distribution({self._metadata.name!r})"

    @property
    def name(self) -> str:
        """Its name, normalised as in PEP 503."""
        declared = self._header("Name")
        return normalised(declared) if declared else self.folder_name

    @property
    def version(self) -> str:
        """The installed version; for one installed from version control or an archive with its revision."""
        version = self._header("Version") or "unknown"
        origin = self._direct_url()
        revision = origin.get("vcs_info", {}).get("commit_id") or origin.get("archive_info", {}).get("hash")
        return f"{version} ({revision})" if revision else version

    @cached_property
    def requires(self) -> list[str]:
        """The names of the distributions that it depends on, normalised, extras left out."""
        self._header("Name")
        found = []
        for line in (self._headers or {}).get("requires-dist", []):
            match = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line)
            if match and not re.search(r"\bextra\s*==", line):
                found.append(normalised(match[0]))
        return found

    @property
    def is_own(self) -> bool:
        """True if it was installed from a folder of this machine: its code changes under one version."""
        return "dir_info" in self._direct_url()

    def files(self) -> frozenset[str]:
        """The files that it installed, relative to the folder that the metadata lies in."""
        return _files(self._metadata)

    def may_have(self, top: str) -> bool:
        """False if nothing of that name stands in its list of files: a look at the text, which is not taken apart."""
        return top.encode() in _listed(self._metadata)[1]

    def _direct_url(self) -> dict[str, dict[str, str]]:
        try:
            content = json.loads((self._metadata / "direct_url.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return {k: v for k, v in content.items() if isinstance(v, dict)} if isinstance(content, dict) else {}

    def _header(self, label: str) -> str:
        if self._headers is None:
            self._headers = _read_headers(self._metadata)
        return self._headers.get(label.lower(), [""])[0]


def normalised(name: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _read_headers(metadata: Path) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    candidates = [metadata] if metadata.is_file() else [metadata / "METADATA", metadata / "PKG-INFO"]
    for candidate in candidates:
        with contextlib.suppress(OSError), open(candidate, encoding="utf-8", errors="replace") as stream:
            for line in stream:
                if not line.strip():
                    break  # what follows is the description, by far the longest part
                label, colon, value = line.partition(":")
                if colon and not line[0].isspace():
                    headers.setdefault(label.lower(), []).append(value.strip())
            break
    return headers


@cache
def _listed(metadata: Path) -> tuple[str, bytes]:
    """The name and the bytes of the file that lists what was installed."""
    for name in ("RECORD", "top_level.txt"):
        with contextlib.suppress(OSError):
            return name, (metadata / name).read_bytes()
    return "", b""


@cache
def _files(metadata: Path) -> frozenset[str]:
    name, data = _listed(metadata)
    text = data.decode("utf-8", "replace")
    if name != "RECORD":
        return frozenset(file for top in text.split() for file in (top + ".py", top + "/__init__.py"))
    lines = text.splitlines()
    # Only a path that holds a comma is quoted; csv for all of them is five times as slow.
    quoted = [line for line in lines if line.startswith('"')]
    plain = (line.partition(",")[0] for line in lines if not line.startswith('"'))
    return frozenset([*plain, *(row[0] for row in csv.reader(quoted) if row)])


class Catalogue:
    """The distributions installed in the folders of one interpreter; each folder is listed once."""

    def __init__(self) -> None:
        self._folders: dict[str, list[Distribution]] = {}
        self._names: dict[str, dict[str, Distribution]] = {}
        self._owners: dict[str, Distribution | None] = {}

    def owner(self, path: str) -> Distribution | None:
        """The distribution that installed the file at *path*, or None."""
        if path not in self._owners:
            self._owners[path] = self._find(path)
        return self._owners[path]

    def named(self, name: str, folders: list[str]) -> Distribution | None:
        """The distribution of that normalised *name* in one of *folders*."""
        return next((found for folder in folders if (found := self._names_in(folder).get(name))), None)

    def _names_in(self, folder: str) -> dict[str, Distribution]:
        """By the names of their metadata folders, as ``importlib.metadata`` finds them: no file is read."""
        if folder not in self._names:
            self._names[folder] = {one.folder_name: one for one in reversed(self._in(folder))}
        return self._names[folder]

    def _find(self, path: str) -> Distribution | None:
        if ".egg" + os.sep in path:
            egg = Path(path[: path.index(".egg" + os.sep) + 4])
            return Distribution(egg / "EGG-INFO")
        folder = os.path.dirname(path)  # called for each module; Path is three times as slow
        while folder != os.path.dirname(folder):  # likewise
            relative = path[len(folder) + 1 :].replace(os.sep, "/")
            top = relative.split("/", 1)[0]
            likely = None  # what brings the package, for files that it made or left unlisted
            for distribution in self._likely_first(folder, top):
                if not distribution.may_have(top.removesuffix(".py")):
                    continue
                files = distribution.files()
                if relative in files:
                    return distribution
                if likely is None and top + "/__init__.py" in files:
                    likely = distribution
            if likely is not None:
                return likely
            folder = os.path.dirname(folder)  # likewise
        return None

    def _likely_first(self, folder: str, top: str) -> Iterator[Distribution]:
        """All distributions, those first whose name holds *top*: mostly one of them it is, and no other is read."""
        wanted = normalised(top.removesuffix(".py"))
        every = self._in(folder)
        yield from (distribution for distribution in every if wanted in distribution.folder_name)
        yield from (distribution for distribution in every if wanted not in distribution.folder_name)

    def _in(self, folder: str) -> list[Distribution]:
        if folder not in self._folders:
            try:
                names = sorted(os.listdir(folder))
            except OSError:
                names = []
            # An egg-info in a checkout is what `setup.py develop` left there: that is project code.
            site = os.path.basename(folder) in {"site-packages", "dist-packages"}  # see above
            endings = (".dist-info", ".egg-info") if site else (".dist-info",)
            self._folders[folder] = [
                Distribution(Path(folder, name)) for name in names if name.endswith(endings)
            ]
        return self._folders[folder]
