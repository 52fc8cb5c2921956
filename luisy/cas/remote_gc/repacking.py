"""What is left of packs that are mostly dead goes into new ones. The old ones go like everything else: later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from luisy.cas.packs import PackWriter
from luisy.cas.remote_names import new_uuid, pack_blob
from luisy.cas.transfer.fetching import fetched
from luisy.cas.transfer.slots import put_new
from luisy.model import Digest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from luisy.cas.remote import Remote
    from luisy.cas.remote_gc.inventory import Inventory
    from luisy.cas.remote_names import Namespace
    from luisy.cas.remote_records import LocationRecord


def repacked(
    remote: Remote,
    namespace: Namespace,
    inventory: Inventory,
    live: Iterable[Digest],
    packs: Collection[str],
) -> list[LocationRecord]:
    """Where the live objects of *packs* are besides, from now on. What cannot be read stays where it is."""
    wanted = {}
    for digest in live:
        places = inventory.places.get(digest, ())
        if places and all(one.blob in packs for one in places):
            wanted[digest] = places
    located: list[LocationRecord] = []
    writer = PackWriter(pack_blob(new_uuid()))
    for location, data in fetched(remote, namespace, wanted):
        writer.add(Digest(location.digest.hex()), data)
        if writer.is_full:
            located += _put(remote, namespace, writer)
            writer = PackWriter(pack_blob(new_uuid()))
    return located if writer.is_empty else [*located, *_put(remote, namespace, writer)]


def _put(remote: Remote, namespace: Namespace, writer: PackWriter) -> tuple[LocationRecord, ...]:
    pack = writer.finish()
    put_new(remote, namespace.blob(writer.blob), pack.data, new_uuid())
    return pack.members
