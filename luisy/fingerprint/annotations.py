"""Whether the annotations of a class are read when it runs: dataclasses, named tuples, own metaclasses."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from luisy.fingerprint.nodes import External, Node
from luisy.fingerprint.normal import Keep, decorator_name
from luisy.fingerprint.project import Origin
from luisy.fingerprint.trees import subtree

if TYPE_CHECKING:
    from luisy.fingerprint.modules import Unit
    from luisy.fingerprint.resolve import Resolver

_QUIET_CLASS_DECORATORS = frozenset(
    {"requires", "inherits", "copies", "final", "total_ordering", "runtime_checkable"}
)
_PLAIN_STANDARD_BASES = frozenset({"ABC", "Generic", "Protocol", "object", "ABCMeta", "Exception"})


class Annotations:
    """Answers for the classes of a project; each is looked at once."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._plain: dict[Node, bool] = {}

    def keep_for(self, unit: Unit) -> Keep:
        """Whether annotations in the class that *unit* defines may be read (dataclass, ``NamedTuple``)."""
        if isinstance(unit.statement, ast.ClassDef) and self._is_plain(
            Node(unit.module, unit.statement.name), unit
        ):
            return Keep.CODE
        return Keep.CLASS_ANNOTATIONS

    def _is_plain(self, node: Node, unit: Unit) -> bool:
        if node not in self._plain:
            self._plain[node] = True
            self._plain[node] = self._decorators_quiet(unit) and self._bases_plain(unit)
        return self._plain[node]

    def _decorators_quiet(self, unit: Unit) -> bool:
        assert isinstance(unit.statement, ast.ClassDef)
        inner = [
            n for n in subtree(unit.statement) if isinstance(n, ast.ClassDef) and n is not unit.statement
        ]
        if any(n.decorator_list or n.bases for n in inner):
            return False
        for decorator in unit.statement.decorator_list:
            name = decorator_name(decorator)
            targets = self._resolver.resolve(unit.module, (name,)) if name else ()
            framework = bool(targets) and all(
                isinstance(t, External) and t.origin is Origin.FRAMEWORK for t in targets
            )
            if name not in _QUIET_CLASS_DECORATORS and not framework:
                return False
        return True

    def _bases_plain(self, unit: Unit) -> bool:
        assert isinstance(unit.statement, ast.ClassDef)
        if len(unit.uses.bases) < len(unit.statement.bases):
            return False
        if any(
            keyword.arg == "metaclass" and decorator_name(keyword.value) != "ABCMeta"
            for keyword in unit.statement.keywords
        ):
            return False
        for chain in unit.uses.bases:
            for target in self._resolver.resolve(unit.module, chain):
                if isinstance(target, External):
                    plain = target.origin is Origin.FRAMEWORK or (
                        target.origin is Origin.STANDARD and chain[-1] in _PLAIN_STANDARD_BASES
                    )
                    if not plain:
                        return False
                elif not self._base_node_plain(target):
                    return False
        return True

    def _base_node_plain(self, base: Node) -> bool:
        units = self._resolver.units(base)
        definitions = [
            u for u in units if isinstance(u.statement, ast.ClassDef) and base.name in u.uses.binds
        ]
        hooked = any(
            getattr(s, "name", "") in {"__init_subclass__", "__new__", "__set_name__"}
            for u in definitions
            for s in getattr(u.statement, "body", ())
        )
        return bool(definitions) and not hooked and all(self._is_plain(base, u) for u in definitions)
