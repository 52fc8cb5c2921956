"""Where the order of statements counts: names that several statements change, and who looks in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luisy.fingerprint.result import digest_of
from luisy.fingerprint.uses import How

if TYPE_CHECKING:
    from luisy.fingerprint.closure import Closure
    from luisy.fingerprint.modules import Unit
    from luisy.fingerprint.resolve import Resolver


def order_parts(closure: Closure, resolver: Resolver) -> dict[str, str]:
    """Where statements of one module meet: names changed in several places, and who looks in between.

    The order of definitions does not count, but that of `X = 1`, `Y = f()`, `X = 2` does.
    """
    modules: dict[str, dict[Unit, set[str]]] = {}
    several: dict[str, set[str]] = {}
    for node in closure.nodes:
        own = [unit for unit in resolver.units(node) if unit.module == node.module]
        if len(own) > 1:
            several.setdefault(node.module, set()).add(node.name)
        for unit in own:
            modules.setdefault(node.module, {}).setdefault(unit, set()).add(node.name)
    parts: dict[str, str] = {}
    for module, changed in several.items():
        sequence = []
        for unit, names in sorted(modules[module].items(), key=lambda item: item[0].order):
            looks = any(
                how & How.NOW and chain[0] in changed for chain, how in unit.uses.reads.items()
            ) or resolver.calls_project(unit)
            if names & changed or looks:
                sequence.append(",".join(sorted(names)))
        if len(set(sequence)) > 1:
            parts[f"order {module}"] = digest_of({str(i): text for i, text in enumerate(sequence)})
    return parts
