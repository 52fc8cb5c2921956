"""Names for files that are the same in every checkout and on every machine, and which files are no data at all."""

from __future__ import annotations

import os
import sys
import sysconfig
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

_MARKS = ("pyproject.toml", ".git", "setup.py", "setup.cfg")
_NO_DATA = frozenset({".git", "__pycache__"})
_NO_DATA_ENDINGS = (".pyc", ".pyo", ".egg-info", ".dist-info")
_SYSTEM = ("/bin", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr", "/var/lib")
WHO_AND_WHERE = frozenset(
    {
        *("HOME", "USER", "LOGNAME", "USERNAME", "HOSTNAME", "PATH", "PWD", "OLDPWD", "SHELL", "SHLVL", "_"),
        *("TMPDIR", "TEMP", "TMP", "TERM", "COLORTERM", "NO_COLOR", "COLUMNS", "LINES", "DISPLAY"),
        *("VIRTUAL_ENV", "WORKING_DIR"),
    }
)
"""Environment variables that say who runs a pipeline and where, which is no part of a key."""

_WHO_AND_WHERE = ("LUISY_", "LUIGI_", "PYTHON", "SSH_", "XDG_", "CONDA_", "LD_")


def says_who_and_where(variable: str) -> bool:
    """Whether an environment variable belongs to the machine, the user or the session, and not to the pipeline."""
    return variable in WHO_AND_WHERE or variable.startswith(_WHO_AND_WHERE)


@cache
def interpreter_folders() -> tuple[str, ...]:
    """The folders of the standard library and of what is installed beside it, with a slash at the end."""
    names = ("stdlib", "platstdlib", "purelib", "platlib", "scripts")
    found = {sysconfig.get_path(name) for name in names} | {os.path.dirname(os.__file__)}
    return tuple(
        {os.path.join(spelled, "") for path in found if path for spelled in (path, os.path.realpath(path))}
    )


def is_installed(path: str) -> bool:
    """Whether the file at *path* belongs to the interpreter or to a distribution that is installed for it."""
    return path.startswith(interpreter_folders()) or "/site-packages/" in path or "/dist-packages/" in path


def import_folder(module: str, file: str) -> str:
    """The folder that *module*, whose source is *file*, is imported from: that of its outermost package."""
    path = os.path.abspath(file)
    if module == "__main__":
        return os.path.dirname(path)
    if os.path.basename(path).startswith("__init__."):
        path = os.path.dirname(path)
    for _ in module.split("."):
        path = os.path.dirname(path)
    return path


@dataclass(frozen=True, slots=True)
class Places:
    """Where the files of a pipeline lie.

    :param project: the folders that its modules are imported from.
    :param working_dir: where its outputs lie.
    :param left_out: folders whose files are never data, such as the store.
    """

    project: tuple[str, ...]
    working_dir: str | None = None
    left_out: tuple[str, ...] = ()

    def name_of(self, path: str) -> str | None:
        """What the file at *path* is called wherever the pipeline lies; None for one that is no data of it.

        :param path: absolute and normalised.
        """
        parts = path.split(os.sep)
        if _NO_DATA.intersection(parts) or any(part.endswith(_NO_DATA_ENDINGS) for part in parts):
            return None
        if any(_below(path, folder) for folder in self.left_out) or is_installed(path):
            return None
        found = max(
            (f for f in (*self.project, self.working_dir) if f and _below(path, f)), key=len, default=None
        )
        if found is not None and not (found == os.path.expanduser("~") and _is_hidden(path, found)):
            inside = os.path.relpath(path, found)
            return inside if found in self.project else os.path.normpath(os.path.join("WORKING_DIR", inside))
        for folder in self.project:
            if (top := _checkout(folder)) is not None and _below(path, top):
                return os.path.relpath(path, folder)
        return _outside(path)

    def text_of(self, value: str) -> str:
        """*value*; an absolute path as it is called everywhere, one that lies elsewhere by its last part alone."""
        if not os.path.isabs(value):
            return value
        path = os.path.normpath(value)
        for folder, name in ((self.working_dir, "WORKING_DIR"), *((f, "PROJECT") for f in self.project)):
            if folder and _below(path, folder):
                return os.path.normpath(os.path.join(name, os.path.relpath(path, folder)))
        return os.path.join("...", os.path.basename(path))


def _outside(path: str) -> str | None:
    """The name of a file that lies neither below the project nor below the working dir."""
    if _below(path, here := os.getcwd()) and here not in (os.sep, os.path.expanduser("~"), *_temporary()):
        return os.path.join(os.curdir, os.path.relpath(path, here))
    if any(_below(path, folder) for folder in (*_SYSTEM, *_temporary(), sys.prefix, sys.base_prefix)):
        return None
    home = os.path.expanduser("~")
    if home != os.sep and _below(path, home):
        return None if _is_hidden(path, home) else os.path.join("~", os.path.relpath(path, home))
    return path


def _is_hidden(path: str, home: str) -> bool:
    """Whether programs keep the file at *path* for themselves."""
    return os.path.relpath(path, home).startswith(".")


def _temporary() -> tuple[str, ...]:
    """Where temporary files lie; ``tempfile`` would write one to find out."""
    usual = ("/tmp", "/var/tmp")  # noqa: S108 - read only  # nosec B108
    return (*usual, *filter(None, map(os.environ.get, ("TMPDIR", "TEMP", "TMP"))))


@cache
def _checkout(folder: str) -> str | None:
    """The nearest folder at or above *folder* that looks like the top of a checkout, but not the whole home."""
    home = os.path.expanduser("~")
    while folder not in (os.sep, home):
        if any(os.path.exists(os.path.join(folder, mark)) for mark in _MARKS):
            return folder
        folder = os.path.dirname(folder)
    return None


def lies_in(path: str, folders: AbstractSet[str]) -> bool:
    """Whether *path* is one of *folders* or lies below one; all absolute and normalised."""
    while folders and path not in folders:
        parent = os.path.dirname(path)
        if parent == path:
            return False
        path = parent
    return bool(folders)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))
