"""The action file: the whole record of one action, from which its index row can be made again."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from luisy.cas.envelope import Fields, seal, unseal
from luisy.model import Action, DynamicDependency, Input

if TYPE_CHECKING:
    from luisy.model import Digest, Manifest

KIND = "action"
_PLAIN = tuple(field.name for field in fields(Action) if field.name not in ("inputs", "trace"))


def needs(action: Action, manifest: Manifest) -> set[Digest]:
    """The objects that *action*, whose manifest is *manifest*, needs: that, the outputs, and what explains it."""
    return {manifest.digest, *manifest.objects, *explaining(action)}


def explaining(action: Action) -> set[Digest]:
    """The objects that only explain *action*: the parts of its key, and its sources."""
    return {digest for digest in (action.parts, action.sources) if digest is not None}


def encode(action: Action) -> bytes:
    """The bytes of the action file. Canonical: equal actions give equal bytes."""
    values: dict[str, Any] = {name: getattr(action, name) for name in _PLAIN}
    values["params"] = dict(action.params)
    values["provenance"] = dict(action.provenance)
    values["created"] = float(action.created)
    values["seconds"] = float(action.seconds)
    values["inputs"] = [{"key": item.key, "digest": item.digest} for item in action.inputs]
    values["trace"] = [
        {"module": item.module, "family": item.family, "params": dict(item.params), "key": item.key}
        for item in action.trace
    ]
    return seal(KIND, values)


def decode(data: bytes) -> Action:
    """The action that :func:`encode` wrote.

    :raises CorruptionError: the file is damaged or holds what no action holds (slug ``corrupt-record``).
    """
    found = unseal(KIND, data)
    return Action(
        key=found.key("key"),
        manifest=found.digest("manifest"),
        project=found.unicode("project"),
        family=found.unicode("family"),
        params=found.texts("params"),
        params_digest=found.digest("params_digest"),
        fingerprint=found.digest("fingerprint"),
        inputs=tuple(
            Input(item.optional_key("key"), item.digest("digest")) for item in found.objects("inputs")
        ),
        base_key=found.optional_key("base_key"),
        shallow_key=found.optional_key("shallow_key"),
        trace=tuple(_dependency(item) for item in found.objects("trace")),
        parts=found.optional_digest("parts"),
        sources=found.optional_digest("sources"),
        created=found.moment("created"),
        seconds=found.number("seconds"),
        size=found.count("size"),
        adopted=found.flag("adopted"),
        held_back=found.text("held_back"),
        provenance=found.texts("provenance"),
    )


def _dependency(found: Fields) -> DynamicDependency:
    return DynamicDependency(
        found.text("module"), found.text("family"), found.texts("params"), found.key("key")
    )
