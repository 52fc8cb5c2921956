"""What resolving and pushing ask of the merged index of a remote, in bulk.

Each question tells what it rests on, and is answered by one state of the index in which all of that is merged. Of the
actions that are found by something else than their keys, all others at these keys belong to it: one may win over them.
"""

# ruff: noqa: S608 - SQL is put together from this package's own constants; values are bound

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from luisy.cas import actions
from luisy.cas.action_rows import COLUMNS, Listed, result_of
from luisy.cas.database import WANTED, packed
from luisy.cas.remote import Unreachable
from luisy.cas.remote_index import keys_in_sql
from luisy.cas.remote_limits import PART_STEPS
from luisy.cas.remote_lookups import lookup
from luisy.cas.remote_parts import EVERYTHING, NOTHING, Parts, Wanted, at, names, of_tasks
from luisy.cas.remote_records import BadRecord, LocationRecord
from luisy.cas.searching import MOST, bounds
from luisy.errors import CorruptionError
from luisy.model import Digest, Key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from luisy.cas.action_rows import Result
    from luisy.cas.remote_index import RemoteIndex
    from luisy.cas.remote_parts import Lacking
    from luisy.cas.remote_records import ActionRecord
    from luisy.cas.signing import PublicKey
    from luisy.model import Action

    Bring = Callable[[Lacking], bool]

_IN_NAMESPACE = "b.id >> 24 IN (SELECT s.id FROM remote_segments s WHERE s.namespace = :namespace)"
_SIGNED = (
    "EXISTS (SELECT 1 FROM remote_blocks k WHERE k.id = b.block AND k.verified = 1 AND k.signer IN ({keys}))"
)

_COLUMNS = f"{COLUMNS}, 0"  # what has side files is never uploaded


class RemoteRows:
    """Questions about one namespace, with the names and the answers of the store's own.

    :param trusted: whose actions count, and whose word that bytes are bad; what others say is as if it were not there,
        before it is asked who wins. None: everybody's. Their signatures must have been verified
        (:meth:`RemoteIndex.verify`); what has none is by ``UNSIGNED``.
    :param bring: merges the frames that a question lacks, and more where it sees fit; False if they cannot be had now: then
        the answer is that there is nothing. None: answers go by what is merged, however little that is.
    """

    def __init__(
        self,
        index: RemoteIndex,
        trusted: Collection[PublicKey] | None = None,
        bring: Bring | None = None,
    ) -> None:
        self._index = index
        self._database = index.database
        self._bring = bring
        self._parts = Parts(index)
        signed = "" if trusted is None else " AND " + _SIGNED.format(keys=keys_in_sql(trusted))
        self._counts = _IN_NAMESPACE + signed

    def _winner(self, key: str) -> str:
        return f"SELECT b.id FROM remote_actions b WHERE b.key = {key} AND {self._counts} ORDER BY b.rank, b.slot LIMIT 1"

    def _ask(
        self, wanted: Wanted | Callable[[], Wanted], sql: str, parameters: Mapping[str, Any] | None = None
    ) -> list[Any]:
        """Rows, as soon as all is merged that they rest on."""
        with self._holding(wanted) as is_held:
            return self._query(sql, parameters) if is_held else []

    def _query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        return self._database.query(sql, {**(parameters or {}), "namespace": self._index.namespace})

    @contextlib.contextmanager
    def _holding(self, wanted: Wanted | Callable[[], Wanted]) -> Iterator[bool]:
        """One state of the index in which *wanted* is merged; False if that is not to be had."""
        _ = self._index.namespace  # which may have to be made
        for _ in range(PART_STEPS):
            with self._database.snapshot():
                lacking = self._parts.lacking(wanted if callable(wanted) else lambda: wanted)
                if not lacking or self._bring is None:
                    yield True
                    return
            if not self._bring(lacking):
                yield False
                return
        raise Unreachable("the remote's index keeps changing while it is read")

    def _with_rivals(self, column: str, keys: Sequence[Key]) -> Callable[[], Wanted]:
        """The actions with one of *keys* in *column*, and all others at the keys of these."""

        def wanted() -> Wanted:
            rows = self._query(
                WANTED + "SELECT DISTINCT b.key FROM wanted CROSS JOIN remote_actions b"
                f" ON b.{column} = wanted.digest AND {_IN_NAMESPACE}",
                packed(keys),
            )
            return Wanted(actions=at(keys) | {lookup(row[0]) for row in rows})

        return wanted

    def unclear(self, keys: Iterable[Key]) -> set[Key]:
        """Those of *keys* of which what is merged cannot tell whether there is a result."""
        _ = self._index.namespace  # which may have to be made
        with self._database.snapshot():
            return self._parts.unclear(keys)

    def results(self, keys: Sequence[Key]) -> dict[Key, Result]:
        """The action that wins at each key; one query."""
        if not keys:
            return {}
        rows = self._ask(
            Wanted(actions=at(keys)),
            WANTED + f"SELECT {_COLUMNS}, wanted.digest FROM wanted CROSS JOIN remote_actions a"
            f" ON a.id = ({self._winner('wanted.digest')})",
            packed(keys),
        )
        return {Key(row[-1].hex()): result_of(row) for row in rows}

    def with_action(self, keys: Sequence[Key]) -> set[Key]:
        """Which of *keys* have an action, also one with a trace."""
        rows = self._ask(
            Wanted(actions=at(keys)),
            WANTED
            + f"SELECT DISTINCT wanted.digest FROM wanted CROSS JOIN remote_actions b ON {self._counts}"
            " AND (b.key = wanted.digest OR b.base_key = wanted.digest)",
            packed(keys),
        )
        return {Key(row[0].hex()) for row in rows}

    def contents_at(self, keys: Sequence[Key]) -> dict[Key, set[Digest]]:
        """The contents of all actions at each key, of those that win and of those that do not."""
        found: dict[Key, set[Digest]] = {key: set() for key in keys}
        rows = self._ask(
            Wanted(actions=at(keys)),
            WANTED + "SELECT DISTINCT wanted.digest, b.manifest FROM wanted CROSS JOIN remote_actions b"
            f" ON b.key = wanted.digest AND {self._counts}",
            packed(keys),
        )
        for key, manifest in rows:
            found[Key(key.hex())].add(Digest(manifest.hex()))
        return found

    def traced(self, keys: Sequence[Key]) -> dict[Key, list[Result]]:
        """The winning actions with a trace at each base key, newest first."""
        found: dict[Key, list[Result]] = {}
        if keys:
            rows = self._ask(
                self._with_rivals("base_key", keys),
                WANTED + f"SELECT {_COLUMNS}, wanted.digest FROM wanted CROSS JOIN remote_actions a"
                f" ON a.base_key = wanted.digest AND a.id = ({self._winner('a.key')})"
                " ORDER BY abs(a.rank) DESC, a.slot, a.key",
                packed(keys),
            )
            for row in rows:
                found.setdefault(Key(row[-1].hex()), []).append(result_of(row))
        return found

    def by_shallow(self, key: Key) -> Result | None:
        """The winning action with this shallow key; of several keys that have one, the one that wins again."""
        rows = self._ask(
            self._with_rivals("shallow_key", [key]),
            f"SELECT {_COLUMNS} FROM remote_actions a WHERE a.shallow_key = :key"
            f" AND a.id = ({self._winner('a.key')}) ORDER BY a.rank, a.slot LIMIT 1",
            {"key": bytes.fromhex(key)},
        )
        return result_of(rows[0]) if rows else None

    def known(self, tasks: Iterable[tuple[str, str, Digest]]) -> set[tuple[str, str, Digest]]:
        """Which of (project, family, params digest) have an action at any key."""
        wanted = [task for task in tasks if task[0] == self._index.project]
        if not wanted:
            return set()
        rows = self._ask(
            Wanted(actions=of_tasks((family, params) for _, family, params in wanted)),
            WANTED + "SELECT DISTINCT b.family, b.params_digest FROM wanted CROSS JOIN remote_actions b"
            f" ON b.params_digest = wanted.digest AND {self._counts}",
            packed([task[2] for task in wanted]),
        )
        return {(self._index.project, family, Digest(params.hex())) for family, params in rows}.intersection(
            wanted
        )

    def history(self, project: str, family: str, params_digest: Digest) -> dict[Digest, bool]:
        """The fingerprints of a task's actions; True where one of them allows early cutoff."""
        if project != self._index.project:
            return {}
        rows = self._ask(
            Wanted(actions=of_tasks([(family, params_digest)])),
            "SELECT b.fingerprint, max(b.shallow_key IS NOT NULL) FROM remote_actions b"
            f" WHERE b.params_digest = :params AND b.family = :family AND {self._counts} GROUP BY b.fingerprint",
            {"params": bytes.fromhex(params_digest), "family": family},
        )
        return {Digest(row[0].hex()): row[1] == 1 for row in rows}

    def nearest(self, project: str, family: str, params_digest: Digest) -> Key | None:
        """The newest winning action of this task and these parameters, else the newest of this task."""
        if project != self._index.project:
            return None
        parameters = {"params": bytes.fromhex(params_digest), "family": family}

        def alike() -> Wanted:
            rows = self._query(
                "SELECT DISTINCT b.key FROM remote_actions b WHERE b.params_digest = :params"
                f" AND b.family = :family AND {_IN_NAMESPACE}",
                parameters,
            )
            return Wanted(actions=of_tasks([(family, params_digest)]) | {lookup(row[0]) for row in rows})

        # The first is answered by an index; the second may be any.
        for wanted, condition in ((alike, "a.params_digest = :params AND"), (EVERYTHING, "")):
            rows = self._ask(
                wanted,
                f"SELECT a.key FROM remote_actions a WHERE {condition} a.family = :family"
                f" AND a.id = ({self._winner('a.key')}) ORDER BY a.created DESC, a.key LIMIT 1",
                parameters,
            )
            if rows:
                return Key(rows[0][0].hex())
        return None

    def actions(self, keys: Sequence[Key]) -> dict[Key, tuple[Action, ActionRecord]]:
        """The whole action that wins at each key, and its record; damaged ones are left out."""
        if not keys:
            return {}
        with self._holding(Wanted(actions=at(keys))) as is_held:
            return self._read(keys) if is_held else {}

    def _read(self, keys: Sequence[Key]) -> dict[Key, tuple[Action, ActionRecord]]:
        rows = self._query(
            WANTED
            + "SELECT wanted.digest, a.id >> 24, a.frame, a.position FROM wanted CROSS JOIN remote_actions a"
            f" ON a.id = ({self._winner('wanted.digest')})",
            packed(keys),
        )
        by_frame: dict[tuple[int, int], list[tuple[Key, int]]] = {}
        for key, segment, frame, position in rows:
            by_frame.setdefault((segment, frame), []).append((Key(key.hex()), position))
        found = {}
        for (segment, number), wanted in by_frame.items():
            records = self._index.frame(segment, number)
            for key, position in wanted:
                record = records[position]
                try:
                    found[key] = (actions.decode(record.action), record)
                except CorruptionError:  # sealed, but not what an action is
                    continue
        return found

    def listed(self, family: str | None) -> list[Listed]:
        """All winning actions, or those of one family, newest first. Their parameters are only in :meth:`actions`."""
        condition = "" if family is None else "AND a.family = :family"
        rows = self._ask(
            EVERYTHING,
            "SELECT a.key, a.family, a.manifest, a.size, a.seconds, a.created, a.adopted FROM remote_actions a"
            f" WHERE a.id = ({self._winner('a.key')}) {condition} ORDER BY a.created DESC, a.key",
            {"family": family},
        )
        return [
            Listed(
                Key(row[0].hex()),
                self._index.project,
                row[1],
                None,
                Digest(row[2].hex()),
                row[3],
                row[4],
                row[5],
                row[6] == 1,
                "",
            )
            for row in rows
        ]

    def starting(self, prefix: str) -> list[Key]:
        """The keys with an action that start with *prefix*, in order; few of them if there are many.

        :raises UsageError: *prefix* is not 6 to 64 hex digits.
        """
        least, greatest = bounds(prefix)
        rows = self._ask(
            Wanted(between=(least, greatest)),
            "SELECT DISTINCT b.key FROM remote_actions b WHERE b.key BETWEEN :least AND :greatest"
            f" AND {self._counts} ORDER BY b.key LIMIT {MOST}",
            {"least": least, "greatest": greatest},
        )
        return [Key(row[0].hex()) for row in rows]

    def contents(self, digests: Sequence[Digest]) -> dict[Digest, bytes | None]:
        """Which manifests are kept for refs, with their bytes while these are few."""
        if not digests:
            return {}
        rows = self._ask(
            Wanted(contents=names(digests)),
            WANTED + "SELECT b.manifest, b.data FROM wanted CROSS JOIN remote_contents b"
            f" ON b.manifest = wanted.digest AND {_IN_NAMESPACE}",
            packed(digests),
        )
        return {Digest(row[0].hex()): row[1] for row in rows}

    def locations(self, digests: Sequence[Digest]) -> dict[Digest, list[LocationRecord]]:
        """All places of each object, in no particular order; objects without any are absent."""
        found: dict[Digest, list[LocationRecord]] = {}
        if digests:
            rows = self._ask(
                Wanted(objects=names(digests)),
                WANTED + "SELECT DISTINCT b.digest, n.name, b.start, b.length, b.encoding, b.size"
                " FROM wanted CROSS JOIN remote_locations b ON b.digest = wanted.digest"
                f" AND {_IN_NAMESPACE} JOIN remote_blobs n ON n.id = b.blob",
                packed(digests),
            )
            for row in rows:
                found.setdefault(Digest(row[0].hex()), []).append(LocationRecord(*row))
        return found

    def last_used(self, keys: Sequence[Key]) -> dict[Key, float]:
        """When each action was last pushed or used, seconds since the epoch, by the server's clock."""
        if not keys:
            return {}
        rows = self._ask(
            Wanted(actions=at(keys), uses=names(keys)),
            WANTED + "SELECT wanted.digest, max("
            f"ifnull((SELECT max(b.used) FROM remote_uses b WHERE b.key = wanted.digest AND {_IN_NAMESPACE}), 0),"
            f"ifnull((SELECT max(abs(b.rank)) FROM remote_actions b WHERE b.key = wanted.digest AND {_IN_NAMESPACE}), 0))"
            " FROM wanted",
            packed(keys),
        )
        return {Key(row[0].hex()): row[1] / 1000 for row in rows if row[1]}

    def segments_with(self, names: Sequence[bytes], blobs: Sequence[str]) -> set[str]:
        """The segments that have an action or a content of these names, or a location in one of these blobs."""
        rows: list[tuple[str]] = []
        for table, column in (("remote_actions", "key"), ("remote_contents", "manifest")):
            if names:
                rows += self._ask(
                    EVERYTHING,
                    WANTED
                    + f"SELECT DISTINCT s.name FROM wanted CROSS JOIN {table} b ON b.{column} = wanted.digest"
                    " JOIN remote_segments s ON s.id = b.id >> 24 AND s.namespace = :namespace",
                    packed([name.hex() for name in names]),
                )
        doomed = set(blobs)
        for name, segment in self._ask(
            EVERYTHING,
            "SELECT b.name, s.name FROM remote_blobs b JOIN remote_segments s ON s.id = b.id >> 24"
            " AND s.namespace = :namespace",
        ):
            if name in doomed:
                rows.append((segment,))
        return {row[0] for row in rows}

    def bad_places(self) -> set[tuple[bytes, str]]:
        """Object and blob of every location that was ever found bad, mended or not: to be tried last."""
        rows = self._ask(
            NOTHING,
            f"SELECT DISTINCT b.digest, b.blob FROM remote_bads b WHERE {self._counts}"
            " UNION SELECT digest, blob FROM remote_doubts WHERE namespace = :namespace",
        )
        return {(row[0], row[1]) for row in rows}

    def bads(self) -> list[BadRecord]:
        """What segments say of locations that are bad, and not mended since."""
        rows = self._ask(
            NOTHING,
            "SELECT b.digest, b.blob, b.etag, max(b.mended) FROM remote_bads b WHERE"
            f" {self._counts} GROUP BY b.digest, b.blob, b.etag HAVING max(b.mended) = 0",
        )
        return [BadRecord(*row) for row in rows]
