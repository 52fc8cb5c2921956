"""What of a closure cannot be followed, with file and line. All of it is said; docs/guide/key.md lists it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luisy.fingerprint.nodes import External
from luisy.fingerprint.result import BlindSpot
from luisy.fingerprint.scopes import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from luisy.fingerprint.modules import Unit
    from luisy.fingerprint.nodes import Node
    from luisy.fingerprint.resolve import Resolver

_PROGRAM = "starts a program, whose code is not followed"
_PICKLE = "unpickles objects, the code of whose classes is not followed"
_FINDS = "finds modules when it runs, which are not followed"
_SOURCE = "reads source as text, of which comments and layout do not count"
_C_CODE = "calls C code, which is not followed"

_CALLS: Mapping[str, tuple[str, frozenset[str]]] = {
    "subprocess": (_PROGRAM, frozenset()),
    "multiprocessing.connection": (_PROGRAM, frozenset()),
    "pickle": (_PICKLE, frozenset({"load", "loads", "Unpickler"})),
    "dill": (_PICKLE, frozenset({"load", "loads"})),
    "cloudpickle": (_PICKLE, frozenset({"load", "loads"})),
    "joblib": (_PICKLE, frozenset({"load"})),
    "shelve": (_PICKLE, frozenset({"open"})),
    "pandas": (_PICKLE, frozenset({"read_pickle"})),
    "importlib": (_FINDS, frozenset({"entry_points", "spec_from_file_location", "module_from_spec"})),
    "pkgutil": (_FINDS, frozenset({"iter_modules", "walk_packages"})),
    "runpy": (_FINDS, frozenset()),
    "inspect": (_SOURCE, frozenset({"getsource", "getsourcelines", "getcomments"})),
    "ctypes": (_C_CODE, frozenset()),
    "cffi": (_C_CODE, frozenset()),
}
"""Module, why it is blind, and the functions; none for all of its functions."""

_OS = ("system", "popen", "exec", "spawn", "posix_spawn", "startfile")


def blind_spots(nodes: Iterable[Node], resolver: Resolver) -> Iterator[BlindSpot]:
    """The places in the statements of *nodes* that cannot be followed."""
    for node in nodes:
        units = resolver.units(node)
        for unit in units:
            place = resolver.file_of(unit.module)
            for line, text in (*unit.uses.blind, *_calls(unit, resolver)):
                yield BlindSpot(place, line, text)
        module = resolver.module(node.module) if node.module else None
        if module is None:
            continue
        place = resolver.file_of(node.module)
        if node.name != WHOLE and not units:
            yield BlindSpot(place, 0, f"nothing that can be followed sets {node.name}")
        if module.binary:
            yield BlindSpot(place, 0, "compiled code: counts by its bytes")
        elif module.broken:
            yield BlindSpot(place, 0, module.broken)


def _calls(unit: Unit, resolver: Resolver) -> Iterator[tuple[int, str]]:
    for chain, line in unit.uses.called_at.items():
        for target in resolver.resolve(unit.module, chain):
            if isinstance(target, External) and (why := _why(target)):
                yield line, f"{'.'.join((target.module, *target.rest))} {why}"


def _why(target: External) -> str:
    name = target.rest[-1] if target.rest else ""
    top = target.module.partition(".")[0]
    if top == "os" and name.startswith(_OS):
        return _PROGRAM
    why, functions = _CALLS.get(target.module) or _CALLS.get(top, ("", frozenset()))
    return why if why and (not functions or name in functions) else ""
