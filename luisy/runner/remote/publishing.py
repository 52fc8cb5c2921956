"""Refs of external tasks on their way up: from what was noted of their files to what a push may say of them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from luisy.cas.transfer import Offer, Origin, Ref
from luisy.errors import LuisyError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from luisy.cas import ExternalFiles, Store
    from luisy.cas.transfer import PushPlan
    from luisy.model import Digest, Manifest


def offers_of(store: Store, files: Iterable[ExternalFiles], url: str) -> dict[str, Offer]:
    """What may be said of these in the remote at *url*, by the names of their refs."""
    return {one.name: _offer(store, one, url) for one in files}


def _offer(store: Store, files: ExternalFiles, url: str) -> Offer:
    raw = files.raw if files.url == url else {}  # of another remote's blobs this one knows nothing
    origin = Origin.TAKEN if files.url and not raw else Origin.OWN
    return Offer(Ref(files.content, raw), origin, functools.partial(_manifest, store, files))


def _manifest(store: Store, files: ExternalFiles) -> Manifest | None:
    """The manifest of the files, if they are what they were, or the store has their bytes."""
    if store.refusal is not None:  # what is not in the store cannot be brought there
        return whole(store, files.content)
    try:
        manifest = store.snapshot(files.outputs)
    except (OSError, LuisyError):
        pass
    else:
        if manifest.digest == files.content:
            return manifest
    return whole(store, files.content)


def whole(store: Store, content: Digest) -> Manifest | None:
    """The manifest of *content*, if the store has all bytes of it."""
    held = store.manifests([content]).get(content)
    return held if held is not None and store.check(held.objects) >= set(held.objects) else None


def take_in(store: Store, plan: PushPlan, files: Mapping[str, ExternalFiles]) -> None:
    """See to it that the store has what *plan* publishes of *files*, which are told by the names of their refs.

    :raises StoreError: they changed since the plan was made; or the store cannot be written.
    """
    for name, offer in plan.refs.written.items():
        content = offer.ref.manifest
        if offer.ref.raw or whole(store, content) is not None:
            continue
        with store.telling():
            taken = store.take_in(files[name].outputs)
        if taken.digest != content:
            raise StoreError(f"{name} changed while it was pushed", slug="source-changed", hint="push again")
