"""A walk through one statement: what is left to look at, and the record of how it touches names."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from luisy.fingerprint.uses import How, Uses

if TYPE_CHECKING:
    from collections.abc import Iterable

    from luisy.fingerprint.expressions import Reader
    from luisy.fingerprint.scopes import Chain, Scope

_TELLING = frozenset(
    [
        "get_type_hints",
        "__annotations__",
        "get_annotations",
        "signature",
        "getfullargspec",
        "__doc__",
        "getdoc",
        "cleandoc",
        "make_dataclass",
        "__annotate__",
        "__dataclass_fields__",
        "TypeAdapter",
        "validate_call",
    ]
)
_TELLING_TEXTS = frozenset(word for word in _TELLING if word.startswith("__"))
_SURE = How(0)


class Context(NamedTuple):
    """What an expression is there for.

    :param when: it is evaluated.
    :param colour: FULL or REQUIRED.
    :param annotation: the kind of annotation that it is a part of, if any.
    """

    when: How = How.NOW
    colour: How = How.FULL
    annotation: How | None = None


class Walk:
    """One statement's walk.

    :param package: where relative imports start.
    :ivar left: nodes to visit, the next one last, each with its scope and context.
    """

    def __init__(self, package: str, reader: Reader) -> None:
        self.uses = Uses()
        self.package = package
        self.reader = reader
        self.left: list[tuple[ast.AST, Scope, Context]] = []

    def push(self, scope: Scope, context: Context, *nodes: ast.AST | None) -> None:
        """Visit *nodes* later, the last one first."""
        self.left += [(node, scope, context) for node in nodes if node is not None]

    def read(self, chain: Chain, context: Context) -> None:
        """Note that a name is read."""
        how = context.annotation or (context.when | context.colour)
        self.uses.reads[chain] = self.uses.reads.get(chain, _SURE) | how

    def called(self, chain: Chain, context: Context) -> None:
        """Note that what a name stands for is called."""
        self.uses.calls[chain] = self.uses.calls.get(chain, _SURE) | context.when

    def changed(self, chain: Chain, how: How) -> None:
        """Note that what a name stands for changes."""
        self.uses.changes[chain] = _harder(self.uses.changes.get(chain), how)

    def change(self, node: ast.AST, scope: Scope, context: Context, how: How = _SURE) -> None:
        """Note that the object that an expression gives changes: whatever it may be rooted in."""
        if context.annotation:
            return
        for chain, local, inside in self.reader.receivers(node, scope):
            if chain is not None:
                self.changed(chain, context.when | how)
                continue
            home = scope.find(local)
            if home is None or how & How.SOFT:
                continue
            if local == home.own:
                # `cls.registry[...] = cls` in __init_subclass__ or a metaclass: each subclass changes the base.
                self.uses.changes_subclasses |= inside
            elif local in home.params:
                self.uses.changes_params = True

    def words(self, names: Iterable[str]) -> None:
        """Note those of *names* by which code asks for annotations and docstrings."""
        self.uses.words.update(_TELLING.intersection(names))

    def text(self, value: str) -> None:
        """Note a literal that may be such a name: ``space.get("__annotations__")``."""
        self.uses.words.update(_TELLING_TEXTS & {value})

    def blind(self, node: ast.AST, what: str) -> None:
        """Note what cannot be followed."""
        self.uses.blind.append((getattr(node, "lineno", 0), what))

    def whole(self, node: ast.AST) -> None:
        """Note that *node* may use any name of the module."""
        self.uses.needs_module = True
        self.blind(node, f"{ast.unparse(node)} reaches names that only the run knows")


def _harder(old: How | None, new: How) -> How:
    """Two changes of one name: a sure one outweighs a perhaps."""
    if old is None:
        return new
    both = old | new
    return both if old & How.SOFT and new & How.SOFT else both & ~How.SOFT
