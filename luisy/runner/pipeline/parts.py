"""The labelled parts of a key as text: what ``luisy key`` shows and what is kept with each action for ``why``.

Only public values are shown; of the others a digest keyed with the store's secret stands for the value, so
that a change is seen and the value is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from blake3 import blake3

from luisy.explain import UNKNOWN
from luisy.keys import KEY_VERSION
from luisy.observe.imports import ABSENT
from luisy.plan import Kind
from luisy.runner.pipeline.graph import input_leaves

if TYPE_CHECKING:
    from collections.abc import Iterable

    from luisy.keys import Parameter
    from luisy.runner.pipeline.graph import Node

HIDDEN = "hidden "
"""How a value begins that is not shown."""


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
        parts |= {
            f"declared {name}": _extra(name, value, secret) for name, value in (facts.declared or {}).items()
        }
        parts |= {
            f"observed {name}": _extra(name, value, secret) for name, value in (facts.observed or {}).items()
        }
    elif node.kind is Kind.EXTERNAL:
        parts |= {"family": node.family, "content": node.content or UNKNOWN}
    # Wrappers stand for their inputs: nothing is filed at their own keys that could be compared later.
    parts |= inputs_of(input_leaves(node))
    return parts | {f"held {held.task_id}": _counted(held) for held in node.held}


def inputs_of(nodes: Iterable[Node]) -> dict[str, str]:
    """The parts that inputs are in the key of their consumer."""
    return {f"input {node.task_id}": _counted(node) for node in nodes}


def _counted(node: Node) -> str:
    return (node.content if node.by_content else node.key) or UNKNOWN


def _shown(parameter: Parameter, secret: bytes) -> str:
    return parameter.serialised if parameter.public else _hidden(parameter.value, secret)


def _extra(name: str, value: str, secret: bytes) -> str:
    """A declared or observed value: of a variable that is set, nobody is to guess what it is."""
    return _hidden(value.encode(), secret) if name.startswith("env ") and value != ABSENT else value


def _hidden(value: bytes, secret: bytes) -> str:
    return f"{HIDDEN}{blake3(value, key=secret, max_threads=1).hexdigest()[:16]}"
