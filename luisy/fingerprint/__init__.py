"""The fingerprint of a task class: digest of the project code that it uses, and the parts it is made of.

of(cls)
  live        the class, its bases and what factories left in them -> names of project modules
  closure     names -> statements -> the names they use -> ... (resolve, modules, names, scopes)
  normal      each statement as bytes that every way to write it shares
  packages    imported distributions by version or requirement line
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import luigi

from luisy import loading
from luisy.declarations import declaration_of
from luisy.fingerprint.closure import Follower, modules_of
from luisy.fingerprint.config_options import gets_at_configuration, options_in
from luisy.fingerprint.freshness import is_loaded_code
from luisy.fingerprint.live import roots_of
from luisy.fingerprint.nodes import Node
from luisy.fingerprint.order import order_parts
from luisy.fingerprint.project import Origin, is_project_module, namespace
from luisy.fingerprint.requirements import Requirements
from luisy.fingerprint.resolve import Resolver
from luisy.fingerprint.result import (
    BlindSpot,
    Fingerprint,
    FingerprintError,
    LazySources,
    Option,
    Place,
    Source,
    SourceFile,
    digest_of,
)
from luisy.fingerprint.scopes import WHOLE
from luisy.places import import_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from luisy.fingerprint.closure import Closure
    from luisy.fingerprint.live import Roots
    from luisy.fingerprint.modules import Module, Unit
    from luisy.fingerprint.nodes import Target
    from luisy.fingerprint.scopes import Chain

__all__ = [
    "BlindSpot",
    "Fingerprint",
    "FingerprintError",
    "Fingerprinter",
    "Option",
    "Place",
    "Source",
    "SourceFile",
    "is_project_module",
]


class Fingerprinter:
    """Fingerprints classes, each once; what they share is read and followed once.

    :param requirements_path: a requirements file whose lines stand for the installed versions.
    :param loaded_at: when a module was loaded, nanoseconds since the epoch; a project file that changed later must
        be shown to be the code that is loaded.
    :raises UsageError: the requirements file cannot be read.
    """

    def __init__(
        self, *, requirements_path: str | None = None, loaded_at: Callable[[str], int] = loading.moment
    ) -> None:
        self._requirements = Requirements(requirements_path) if requirements_path else None
        self._loaded_at = loaded_at
        self._resolver = Resolver()
        self._follower = Follower(self._resolver)
        self._known: dict[type, Fingerprint] = {}

    def of(self, cls: type) -> Fingerprint:
        """The fingerprint of *cls*.

        :raises FingerprintError: its source cannot be found (``no-source``), or may not be what is loaded
            (``source-changed``), or a name that it declares to leave out is not there (``no-such-name``).
        """
        if cls not in self._known:
            self._known[cls] = self._make(cls)
        return self._known[cls]

    def unchanged(self, fingerprint: Fingerprint) -> bool:
        """True if the files on disk still hold what was fingerprinted. May be asked any number of times."""
        return all(file.is_on_disk() for file in fingerprint.files)

    def _make(self, cls: type) -> Fingerprint:
        self._resolver.changes.forget_late()
        self._resolver.changes.index_loaded()
        roots = roots_of(cls, self._resolver)
        closure = self._follower.closure(roots.nodes, self._ignored(cls))
        modules = modules_of(closure, self._resolver)
        for module in modules:
            self._check_loaded(cls, module)
        packages, absent = self._packages(closure, roots)
        parts = {node.label: self._follower.digest(node, closure.keep) for node in closure.nodes}
        parts = {
            label: digest
            for label, digest in parts.items()
            if not label.endswith(":" + WHOLE) or digest != _EMPTY
        }
        parts |= order_parts(closure, self._resolver) | roots.parts | absent
        parts |= {f"package {name}": version for name, version in packages.items()}
        parts[f"class {cls.__module__}:{cls.__qualname__}"] = ""
        sources, places = self._sources(closure)
        read_options, computed = self._read_options(closure)
        return Fingerprint(
            digest=digest_of(parts),
            parts=dict(sorted(parts.items())),
            sources=sources,
            places=places,
            packages=packages,
            files=tuple(module.file for module in modules if module.file is not None),
            options=self._options(cls, closure),
            read_options=read_options,
            blind_spots=tuple(sorted(closure.blind | roots.blind | computed)),
            conditions=self._conditions(closure),
            folders=tuple(
                sorted({import_folder(m.name, m.file.path) for m in modules if m.file is not None})
            ),
        )

    def _ignored(self, cls: type) -> frozenset[Target]:
        found: set[Target] = set()
        for ignored in declaration_of(cls).ignore:
            targets = self._named(ignored.module, ignored.name)
            if not targets:
                raise FingerprintError(
                    f"{cls.__qualname__} declares to ignore {ignored.name}, and there is no such name.",
                    slug="no-such-name",
                    hint="Name what stands in the class's module, or package.module.name.",
                )
            found.update(targets)
        return frozenset(found)

    def _named(self, module: str, name: str) -> tuple[Target, ...]:
        """What *name* is in *module*; a dotted one may begin with a module."""
        owner, _, last = name.rpartition(".")
        chains = [tuple(name.split("."))]
        if owner and self._resolver.locator.locate(owner).origin is not Origin.ABSENT:
            chains.append((f":{owner}", last))
        return next(filter(None, (self._there(module, chain) for chain in chains)), ())

    def _there(self, module: str, chain: Chain) -> tuple[Target, ...]:
        """What *chain* stands for, without the whole module that stands for a name which a module does not have."""
        targets = self._resolver.resolve(module, chain)
        of = self._resolver.resolve(module, chain[:-1]) if len(chain) > 1 else ()
        return tuple(t for t in targets if not (isinstance(t, Node) and t.name == WHOLE and t in of))

    def _check_loaded(self, cls: type, module: Module) -> None:
        if module.broken and module.name in sys.modules and not module.too_deep:
            raise FingerprintError(
                f"{module.broken}, but it is loaded; {cls.__qualname__} uses it.",
                slug="no-source" if module.file is None else "source-changed",
                hint="Put the file in order and run again.",
            )
        if module.file is None or module.file.mtime_ns <= self._loaded_at(module.name):
            return
        if not is_loaded_code(module):
            raise FingerprintError(
                f"{module.file.path} changed while it was loaded; {cls.__qualname__} uses it.",
                slug="source-changed",
                hint="Run again: what is on disk now is loaded then.",
            )

    def _packages(self, closure: Closure, roots: Roots) -> tuple[dict[str, str], dict[str, str]]:
        packages: dict[str, str] = {}
        absent: dict[str, str] = {}
        names = {external.module: external.origin for external in closure.externals}
        for name in sorted({*names, *roots.installed}):
            located = self._resolver.locator.locate(name)
            if located.origin is Origin.ABSENT:
                absent[f"package {name.partition('.')[0]}"] = "absent"
            elif located.distribution is not None:
                distribution = located.distribution
                packages[distribution.name] = self._version(distribution.name, distribution.version)
        return dict(sorted(packages.items())), absent

    def _version(self, name: str, installed: str) -> str:
        if self._requirements is None:
            return installed
        return self._requirements.line_for(name, self._resolver.locator.installed) or installed

    def _sources(self, closure: Closure) -> tuple[LazySources, dict[str, tuple[Place, ...]]]:
        makers: dict[str, Callable[[], tuple[Source, ...]]] = {}
        places: dict[str, tuple[Place, ...]] = {}
        for node in sorted(closure.nodes):
            units = self._resolver.units(node)
            if units:
                makers[node.label] = partial(self._shown, units)
                places[node.label] = tuple(
                    Place(self._resolver.file_of(unit.module), unit.line, unit.last_line) for unit in units
                )
        return LazySources(makers), places

    def _conditions(self, closure: Closure) -> tuple[Place, ...]:
        found = {
            Place(self._resolver.file_of(unit.module), guard.lineno, guard.end_lineno or guard.lineno)
            for node in closure.nodes
            for unit in self._resolver.units(node)
            for guard in unit.guards
        }
        return tuple(sorted(found))

    def _shown(self, units: tuple[Unit, ...]) -> tuple[Source, ...]:
        return tuple(Source(self._file_in_project(u.module), u.line, u.readable()) for u in units)

    def _file_in_project(self, name: str) -> str:
        module = self._resolver.module(name)
        if module is None or module.file is None:
            return name
        path = Path(module.file.path)
        if name == "__main__":
            return path.name
        depth = name.count(".") + (2 if path.stem == "__init__" else 1)
        return "/".join(path.parts[-depth:])

    def _options(self, cls: type, closure: Closure) -> tuple[type, ...]:
        found: dict[type, None] = {}
        for node in sorted(closure.nodes):
            live = _live(node)
            if isinstance(live, type) and issubclass(live, luigi.Config) and live is not cls:
                found[live] = None
        return tuple(found)

    def _read_options(self, closure: Closure) -> tuple[tuple[Option, ...], set[BlindSpot]]:
        found: set[Option] = set()
        computed: set[BlindSpot] = set()
        if gets_at_configuration(closure.externals):
            for unit in {unit for node in closure.nodes for unit in self._resolver.units(node)}:
                for option in options_in(unit):
                    if isinstance(option, Option):
                        found.add(option)
                    else:
                        place = self._resolver.file_of(unit.module)
                        computed.add(
                            BlindSpot(place, option, "which option of luigi.cfg it reads is computed")
                        )
        return tuple(sorted(found)), computed


def _live(node: Node) -> object:
    return namespace(node.module).get(node.name)


_EMPTY = digest_of({"bytes": ""})
