"""Keys of nodes: how an input is seen by its consumer, deep and shallow."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from luisy import keys
from luisy.keys import Counted, Ref
from luisy.plan import Kind
from luisy.runner.pipeline.graph import with_asked

if TYPE_CHECKING:
    from luisy.model import Digest, Key
    from luisy.runner.pipeline.graph import Node, Refs


def ref_of(node: Node) -> Ref | None:
    """*node* in its consumer's deep key: by key, or where that says nothing, by content; None while unknown."""
    if node.by_content:
        return content_ref_of(node)
    return None if node.key is None else Ref(Counted.BY_KEY, node.key)


def content_ref_of(node: Node) -> Ref | None:
    """*node* in its consumer's shallow key; None while its content is unknown."""
    return None if node.content is None else Ref(Counted.BY_CONTENT, node.content, node.promise)


def refs_of(node: Node) -> Refs:
    """The inputs in a deep key."""
    return tuple(ref_of(dep) for dep in (*node.deps, *node.held))


def content_refs_of(node: Node) -> Refs:
    """The inputs in a shallow key; tasks held in parameters always count by their keys."""
    return (*(content_ref_of(dep) for dep in node.deps), *(ref_of(held) for held in node.held))


def _inputs(node: Node, refs: Refs) -> bytes | None:
    """The encoded structure of a node's requirements, or None while a reference is missing."""
    encoded: dict[int, bytes] = {}
    for dep, ref in zip((*node.deps, *node.held), refs, strict=True):
        if ref is None:
            return None
        encoded[id(dep)] = ref.encoded()
    structure = with_asked(node)
    if node.held:
        structure = {"requires": structure, "held": list(node.held)}
    return keys.encode_structure(structure, lambda leaf: encoded[id(leaf)])


def deep_key(node: Node, refs: Refs) -> Key | None:
    """The key of a task or wrapper without its trace; None while an input has no key.

    :param refs: what ``refs_of`` says of *node*.
    """
    inputs = _inputs(node, refs)
    if inputs is None or (node.kind is Kind.TASK and node.facts is None):
        return None
    return (
        keys.wrapper_key(inputs) if node.kind is Kind.WRAPPER else keys.task_key(node.encoded_facts, inputs)
    )


def key_with(node: Node, fingerprint: Digest) -> Key | None:
    """The key of a task if its code were another one; None while an input has no key."""
    inputs = _inputs(node, refs_of(node))
    if inputs is None or node.facts is None:
        return None
    return keys.task_key(replace(node.facts, fingerprint=fingerprint).encoded(), inputs)


def shallow_key(node: Node) -> Key | None:
    """The key with the inputs' content; None while one of them is unknown."""
    inputs = _inputs(node, content_refs_of(node))
    return None if inputs is None or node.facts is None else keys.task_key(node.encoded_facts, inputs)


def wrapper_content(node: Node) -> Digest | None:
    """What a wrapper stands for in its consumers' shallow keys; None while an input's content is unknown."""
    inputs = _inputs(node, content_refs_of(node))
    return None if inputs is None else keys.wrapper_content(inputs)
