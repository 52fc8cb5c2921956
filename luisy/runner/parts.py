"""The labelled parts of a key as text: what ``luisy key`` shows and what is kept with each action for ``why``.

Only public values are shown; of the others a digest keyed with the store's secret stands for the value, so
that a change is seen and the value is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from blake3 import blake3

from luisy.keys import KEY_VERSION
from luisy.plan import Kind

if TYPE_CHECKING:
    from luisy.keys import Parameter
    from luisy.runner.graph import Node


def parts_of(node: Node, secret: bytes) -> dict[str, str]:
    """Label to value, in the order of the key's encoding.

    :param secret: 32 bytes that never leave this machine.
    """
    parts = {"version": str(KEY_VERSION)}
    if (facts := node.facts) is not None:
        parts |= {"project": facts.project, "family": facts.family, "fingerprint": facts.fingerprint}
        parts |= {f"parameter {p.name}": _shown(p, secret) for p in facts.parameters}
        parts |= {f"output {o.name.decode('utf-8', 'backslashreplace')}": o.target for o in facts.outputs}
        parts |= {f"option {p.name}": _shown(p, secret) for p in facts.options}
    elif node.kind is Kind.EXTERNAL:
        parts |= {"family": node.family, "content": node.content or "unknown"}
    for dep in node.all_deps:
        parts[f"input {dep.task_id}"] = (dep.content if dep.by_content else dep.key) or "unknown"
    return parts


def _shown(parameter: Parameter, secret: bytes) -> str:
    if parameter.public:
        return parameter.serialised
    return f"hidden {blake3(parameter.value, key=secret, max_threads=1).hexdigest()[:16]}"
