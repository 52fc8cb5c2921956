"""Which modules are project code, and where their source is. Imports no module to find out."""

from __future__ import annotations

import importlib.machinery
import os
import sys
import sysconfig
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from luisy.fingerprint.distributions import Catalogue

if TYPE_CHECKING:
    from luisy.fingerprint.distributions import Distribution

_FRAMEWORK = frozenset({"luigi", "luisy"})


class Origin(Enum):
    """Where a module comes from."""

    PROJECT = "project"
    STANDARD = "standard library"
    FRAMEWORK = "luigi or luisy"
    INSTALLED = "installed distribution"
    ABSENT = "not there"


@dataclass(frozen=True, slots=True)
class Located:
    """A module, found.

    :param path: its file, None for namespace packages, notebooks and built-in modules.
    :param search: where its submodules lie; None unless it is a package.
    :param distribution: what installed it.
    """

    name: str
    origin: Origin
    path: str | None = None
    search: tuple[str, ...] | None = None
    distribution: Distribution | None = None

    @property
    def package(self) -> str:
        """The package that relative imports in it start from."""
        return self.name if self.search is not None else self.name.rpartition(".")[0]


@cache
def _standard_folders() -> tuple[str, ...]:
    found = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib")} | {os.path.dirname(os.__file__)}
    return tuple(os.path.realpath(folder) + os.sep for folder in found if folder)


@cache
def _real_folder(folder: str) -> str:
    return os.path.realpath(folder) + os.sep


def _is_standard(path: str) -> bool:
    # By the folder: a base interpreter and its venv share one library through a symbolic link.
    real = _real_folder(os.path.dirname(path)) + os.path.basename(path)
    for folder in _standard_folders():
        if real.startswith(folder):
            first = real[len(folder) :].split(os.sep, 1)[0]
            return first not in {"site-packages", "dist-packages"}
    return False


def attribute(value: object, name: str) -> Any:
    """An attribute of a live object of anybody's, None where it is missing or cannot be told."""
    try:
        return getattr(value, name, None)
    except Exception:  # noqa: BLE001  # whatever a foreign __getattr__ raises
        return None


def namespace(module: str) -> dict[str, Any]:
    """The names of a loaded module; none for what stands in its place (None, a lazy object)."""
    names = attribute(sys.modules.get(module), "__dict__")
    return names if isinstance(names, dict) else {}


class Locator:
    """Finds modules, each once. What is installed is read when first asked for."""

    def __init__(self) -> None:
        self._catalogue = Catalogue()
        self._known: dict[str, Located] = {}

    def locate(self, name: str) -> Located:
        """The module of that dotted *name*, loaded or not."""
        found = self._known.get(name)
        if found is None or (found.origin is Origin.ABSENT and name in sys.modules):
            found = self._known[name] = self._locate(name)
        return found

    def installed(self, name: str) -> Distribution | None:
        """The installed distribution of that normalised *name*."""
        return self._catalogue.named(name, [entry for entry in sys.path if entry])

    def classify(self, name: str, path: str | None, *, builtin: bool) -> tuple[Origin, Distribution | None]:
        """Where a module of that *name* and *path* comes from, and what installed it."""
        if name.partition(".")[0] in _FRAMEWORK:
            return Origin.FRAMEWORK, None
        if builtin:
            return Origin.STANDARD, None
        if path is None:
            return Origin.PROJECT, None
        if _is_standard(path):
            return Origin.STANDARD, None
        owner = self._catalogue.owner(os.path.abspath(path))
        if owner is None or owner.is_own:
            return Origin.PROJECT, owner
        return Origin.INSTALLED, owner

    def _locate(self, name: str) -> Located:
        module = sys.modules.get(name)
        if isinstance(module, ModuleType):
            return self._loaded(name, module)
        spec = self._find_spec(name)
        if spec is None:
            return Located(name, Origin.ABSENT) if module is None else self._loaded(name, module)
        search = None
        if spec.submodule_search_locations is not None:
            search = tuple(spec.submodule_search_locations)
        path = spec.origin if spec.has_location else None
        builtin = path is None and search is None
        origin, owner = self.classify(name, path, builtin=builtin)
        return Located(name, origin, path, search, owner)

    def _loaded(self, name: str, module: ModuleType) -> Located:
        path = attribute(module, "__file__")
        path = path if isinstance(path, str) else None
        if name == "__main__" and path and _is_standard(path):
            path = None  # Python 3.13's prompt has the file of its console; what is typed there is in no file
        search = attribute(module, "__path__")
        try:
            places = None if search is None else tuple(str(entry) for entry in search)
        except TypeError:
            places = ()
        # By its spec: that of an interactive __main__ is None, though it has the loader of built-in modules.
        loader = attribute(attribute(module, "__spec__"), "loader")
        builtin = path is None and loader in (
            importlib.machinery.BuiltinImporter,
            importlib.machinery.FrozenImporter,
        )
        origin, owner = self.classify(name, path, builtin=builtin)
        return Located(name, origin, path, places, owner)

    def _find_spec(self, name: str) -> importlib.machinery.ModuleSpec | None:
        parent, _, _ = name.rpartition(".")
        search = None
        if parent:
            found = self.locate(parent)
            if found.search is None:
                return None
            search = list(found.search)
        for finder in sys.meta_path:
            try:
                spec = finder.find_spec(name, search, None)
            except Exception:  # noqa: BLE001  # a finder of anybody's; one that fails has found nothing
                spec = None
            if spec is not None:
                return spec
        return None


def is_project_module(module: ModuleType) -> bool:
    """True if *module* is project code: neither standard library nor an installed third-party distribution.

    Editable installs, installs from a local folder, ``__main__`` and notebooks are project code; Luigi and
    luisy never are.
    """
    name = getattr(module, "__name__", "")
    return _shared().classify_loaded(name, module).origin is Origin.PROJECT


class _SharedLocator(Locator):
    """Answers for modules that may be registered under another name, or not at all."""

    def classify_loaded(self, name: str, module: ModuleType) -> Located:
        return self._loaded(name, module)


@cache
def _shared() -> _SharedLocator:
    return _SharedLocator()
