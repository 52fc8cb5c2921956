"""The sizes and counts of the remote format, in one place. First values: ``bench/`` tunes them.

Those under "format" are promises between versions of luisy: a reader refuses what is beyond them. The others
are how this version writes and reads.
"""

from __future__ import annotations

KIB = 1 << 10
MIB = 1 << 20

# --- format

SEGMENT_RAW = 64 * MIB
"""Bytes of all frames of a segment together, unpacked."""

SEGMENT_STORED = 80 * MIB
"""Bytes of a segment's blob: what cannot be packed grows a little."""

TOMBSTONE_RAW = 64 * MIB
"""Bytes of a tombstone, unpacked."""

REFS_STORED = 16 * MIB
"""Bytes of ``refs.json``."""

MANIFEST_BYTES = 64 * MIB
"""Bytes of a manifest."""

MEMBER_BYTES = 16 * MIB
"""Bytes of one object in a pack, unpacked."""

WINDOW = 128 * MIB
"""Window of a zstd frame: what unpacking it may hold in memory."""

# --- writing

OWN_BLOB = 1 * MIB
"""Objects of this size and more are blobs of their own; smaller ones travel in packs."""

PACK = 16 * MIB
"""Bytes of a pack at most: what Azure takes in one request without blocks, and a transfer may hold."""

FRAME_RAW = 64 * KIB
"""Bytes of one frame of a segment, unpacked, about."""

LOOKUPS_ABOVE = 1 * MIB
"""Bytes of records in a segment, unpacked, above which it tells by lookups which of its frames hold what."""

SEGMENT_WANTED = 32 * MIB
"""Bytes of records that one push commits at once, about; what is more goes in several."""

FOLD_ABOVE = 12
"""Committed segments that may be listed before a pusher folds them: each is a request of who has an empty store."""

FOLD_FACTOR = 4
"""A segment is folded only with smaller ones that weigh at least a quarter of it: or each fold would write all."""

USE_AGAIN = 24 * 3600.0
"""Seconds for which one use record of an action will do."""

ZSTD_LEVEL = 3

SAMPLE = 64 * KIB
"""Bytes that say whether compressing an object pays."""

WORTHWHILE = 0.9
"""Compressed over raw size up to which it does."""

# --- reading

GAP = 256 * KIB
"""Bytes between two wanted neighbours in a pack that are rather read than paid with another request."""

RANGE = 8 * MIB
"""Bytes of one range read, about."""

PIECE = 8 * MIB
"""Bytes that an adapter moves at once, about: of a larger object it holds several such pieces."""

WHOLE_BELOW = 1 * MIB
"""Bytes of a segment's blob up to which it is fetched whole: its parts would take more requests, and hardly less time."""

TAIL_SHARE = 16
"""The part of a segment that is fetched to find its directory: that is a twentieth of it, about."""

PART_GAP = 64 * KIB
"""Bytes between two wanted frames of a segment that are rather read than paid with another request."""

PART_SHARE = 4
"""Who needs more than this part of a segment fetches all of it."""

PART_REQUESTS = 64
"""Ranges of one segment that one process reads, before it fetches the rest in one request."""

PART_ROUNDS = 16
"""How often it does so, one after the other."""

PART_STEPS = 32
"""How often a question looks for what it needs: two or three times is usual, more if the index keeps changing."""

# --- gc

LEASE = 60.0
"""Seconds after which a gc run that does not renew its lease is taken for ended."""

SLOT_TTL = 24 * 3600.0
"""Seconds after which the slot of a push is taken for left behind, by the server's clock."""

PATIENCE = 300.0
"""Seconds for which a gc run waits for pushes that are under way; after that the next run goes on."""

POLL = 5.0
"""Seconds between two looks at them."""

ORPHAN_AGE = 24 * 3600.0
"""Seconds for which a blob stays that no record locates: its push may not have committed yet."""

COMPACT_ABOVE = 4
"""Committed segments that gc leaves as they are where nothing in them is to go."""

COMPACTED = 48 * MIB
"""Bytes of records in one compacted segment, at most and as they are estimated."""

REPACK_BELOW = 0.5
"""A pack of which less than this part is needed is packed anew."""

REPACK_WASTE = 256 * KIB
"""Bytes that nobody needs in such a pack, at least: less is not worth the requests."""

REPACK_MOST = 1024 * MIB
"""Bytes that one gc run packs anew."""

TOMBSTONE_NAMES = 100_000
"""Keys, contents and blobs that one tombstone names."""

# --- both

THREADS = 8
"""Transfers at a time."""

LARGE_THREADS = 2
"""Transfers at a time of objects larger than a piece: an adapter moves several pieces of each at once."""

ATTEMPTS = 5
"""How often a push begins again after its slot was broken, or a blob changed under it."""

JOURNAL_AGE = 30 * 86400.0
"""Seconds after which an upload that was never committed is forgotten."""
