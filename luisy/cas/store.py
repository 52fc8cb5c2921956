"""The store: the one door to objects, manifests, actions and what the workspace holds.

Write order: bytes -> object -> action file -> index -> workspace row; readers go the other way. So a crash
between any two leaves garbage for gc, never a promise of missing bytes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from luisy.cas import actions, database, manifests
from luisy.cas._layout import Layout, install, remove, write_new
from luisy.cas.action_rows import ActionRows, Listed, Result
from luisy.cas.index import Index
from luisy.cas.locks import exclusive
from luisy.cas.materialise import sync_file_system
from luisy.cas.objects import Objects, missing
from luisy.cas.outputs import HashingReader, KeepingReader, Restorer, Scanned, needed, scan
from luisy.cas.processes import PerProcess
from luisy.cas.rebuilding import Rebuilt, rebuild
from luisy.cas.receiving import Received, Receiver, file_action
from luisy.cas.records import Alias, Rescued, SeenRef
from luisy.cas.searching import Match, find
from luisy.cas.workspace_rows import Placement, WorkspaceRows
from luisy.errors import CorruptionError, StoreError
from luisy.model import Action, Digest, Key, LinkMode, Manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import BinaryIO

_SECRET_BYTES = 32
_BATCH = 512
"""Objects that are installed in one transaction: some milliseconds, so that others need not wait long."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a store holds.

    :param result_bytes: bytes of all outputs, counted once per action.
    :param object_bytes: bytes of all objects, each once.
    """

    objects: int
    object_bytes: int
    actions: int
    result_bytes: int
    aliases: int

    @property
    def dedup_ratio(self) -> float:
        """How many bytes of results one stored byte stands for; 1.0 for an empty store."""
        return self.result_bytes / self.object_bytes if self.object_bytes else 1.0


@dataclass(slots=True)
class _Pending:
    """What one process has yet to write.

    :ivar depth: how many :meth:`Store.transaction` it is in.
    :ivar kept: what it kept last: most probably the outputs of the action that it records next.
    """

    placements: list[Placement] = field(default_factory=list)
    depth: int = 0
    kept: Manifest | None = None


class Store:
    """A content-addressed store in one folder, used by one user's processes, several at once.

    Use :meth:`open` or :meth:`ephemeral`. It survives forks: each process opens a connection of its own.
    Errors of the disk (OSError) and of the index (StoreError) are raised to the caller, who goes on without.

    :ivar path: the store's folder.
    :ivar read_only: nothing can be put; what is there can be read.
    """

    def __init__(self, path: Path, index: database.Database, *, read_only: bool, stored: bool = True) -> None:
        self.path = path
        self.read_only = read_only
        self._stored = stored
        self._layout = Layout(os.fspath(path))
        self._database = index
        self._index = Index(index)
        self._objects = Objects(self._layout, self._index, read_only=read_only or not stored)
        self._actions = ActionRows(index)
        self._workspace = WorkspaceRows(self._index)
        self._pending: PerProcess[_Pending] = PerProcess(_Pending)
        self._secret = b""

    # --- opening

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, create: bool = True) -> Store:
        """Open the store at *path*; make it if it is not there and *create* says so.

        :raises StoreError: there is none (``no-store``), it cannot be made (``store-unwritable``), a newer luisy
            made it (``newer-index``).
        :raises CorruptionError: the index cannot be read (``corrupt-index``).
        """
        folder = Path(path).absolute()
        layout = Layout(os.fspath(folder))
        exists = os.path.exists(layout.index)
        if not exists and not create:
            raise StoreError(f"there is no store at {folder}", slug="no-store", hint="`luisy run` makes one.")
        read_only = exists and not _writable(layout)
        if not read_only:
            try:
                layout.create()
            except OSError as error:
                raise _unwritable(folder, error) from error
        store = cls(
            folder, (database.read_only if read_only else database.writable)(layout), read_only=read_only
        )
        store._database.query("SELECT 1 FROM facts LIMIT 1")  # a store that does not work says so here
        return store

    @classmethod
    def ephemeral(cls) -> Store:
        """A store without files: it hashes and remembers while this process lives, and keeps nothing."""
        return cls(Path(os.devnull), database.in_memory(), read_only=False, stored=False)

    def close(self) -> None:
        """Install what is pending and close the index. Idempotent; the next use opens it again."""
        try:
            self._flush()
            if self._stored and not self.read_only:
                self._database.checkpoint()
        finally:
            self._objects.forget_staged()
            self._database.close()

    def __enter__(self) -> Store:  # noqa: PYI034 - typing.Self came with 3.11
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store({os.fspath(self.path)!r})"

    @property
    def database(self) -> database.Database:
        """The index's connection, for what keeps rows of its own beside the store's (``luisy.cas.transfer``)."""
        return self._database

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Collect what :meth:`put`, :meth:`keep` and :meth:`place` do into few index transactions.

        For speed, not for atomicity: what was collected before an error may be there or not. Whatever reads the
        store writes out what was collected first.
        """
        pending = self._pending.get()
        pending.depth += 1
        try:
            yield
        except BaseException:
            self._objects.forget_staged()
            pending.placements.clear()
            raise
        finally:
            pending.depth -= 1
        if not pending.depth:
            self._flush()

    def _flush(self) -> None:
        """Objects first, then what says that the workspace holds them: in one transaction."""
        placements = self._pending.get().placements
        if not self._objects.staged and not placements:
            return
        try:
            with self._database.writing() as connection:
                self._objects.install(connection)
                if placements:
                    self._workspace.place(connection, placements)
        finally:
            self._objects.forget_staged()
            placements.clear()

    def _added(self) -> None:
        pending = self._pending.get()
        if not pending.depth or len(self._objects.staged) + len(pending.placements) >= _BATCH:
            self._flush()

    def _must_write(self) -> None:
        if self.read_only:
            raise StoreError(f"the store {self.path} is read-only", slug="store-read-only")
        if not self._stored:
            raise StoreError("there is no store here to keep anything in", slug="no-store")

    # --- objects

    def put(self, source: bytes | str | os.PathLike[str]) -> Digest:
        """Store bytes, or the file at a path. Idempotent.

        :raises IsADirectoryError: *source* is a folder; :meth:`keep` stores these.
        :raises StoreError: the file changed meanwhile, or the store cannot be written.
        :raises OSError: the file cannot be read, or the disk is full.
        """
        self._must_write()
        if isinstance(source, bytes):
            digest = self._objects.stage_bytes(source)
        else:
            path = os.fspath(source)
            status = os.stat(path)
            if os.path.isdir(path):
                raise IsADirectoryError(errno.EISDIR, "is a folder; Store.keep stores folders", path)
            digest, _ = KeepingReader(self._objects).file(path, status)
        self._added()
        return digest

    def incoming(self) -> BinaryIO:
        """A new file in the store to write an object to that comes from elsewhere; ``name`` is its path.

        The caller closes it and hands its path to :meth:`accept`, or removes it.
        """
        self._must_write()
        return self._objects.new_file()

    def accept(self, source: bytes | str, digest: Digest, size: int) -> None:
        """Take over bytes, or a file that :meth:`incoming` made.

        :param digest: of its *size* bytes; the caller has hashed them.
        """
        self._must_write()
        self._objects.stage_received(digest, size, source)
        self._added()

    def receive(self, received: Iterable[Received]) -> list[Action]:
        """File actions that came from elsewhere, each in place of what is at its key.

        :return: those that were filed: whose manifests and objects are all there.
        """
        self._must_write()
        self._flush()
        return Receiver(self._layout, self._database, self._objects, self._actions).file(received)

    def sizes(self, digests: Iterable[Digest]) -> dict[Digest, int]:
        """Bytes of those of *digests* that are there and verified."""
        return self._index.sizes(sorted(self.check(digests)))

    def get(self, digest: Digest) -> bytes:
        """The bytes of an object, verified.

        :raises NoSuchResult: it is not there, or was damaged and is quarantined now.
        """
        self._flush()
        return self._objects.read(digest)

    def open_object(self, digest: Digest) -> BinaryIO:
        """A file to read a large object from, verified; the caller closes it.

        :raises NoSuchResult: as :meth:`get`.
        """
        self._flush()
        return self._objects.open(digest)

    def materialise(
        self,
        digest: Digest,
        path: str | os.PathLike[str],
        *,
        mode: LinkMode = LinkMode.REFLINK,
        executable: bool = False,
    ) -> LinkMode:
        """Put an object's bytes at *path*, atomically; returns how it was really done.

        :raises NoSuchResult: as :meth:`get`; *path* is as it was.
        :raises OSError: *path* cannot be written; it is as it was.
        """
        if digest not in self.check([digest]):
            raise missing(digest)
        return Restorer(self._layout, self._objects, mode).file(
            digest, os.fspath(path), executable=executable
        )

    def check(self, digests: Iterable[Digest]) -> set[Digest]:
        """Which of *digests* are there and verified; one query and one ``stat`` each."""
        self._flush()
        return self._objects.verified(digests)

    def object_path(self, digest: Digest) -> str:
        """Where an object lies; its bytes count only if :meth:`check` says so. Not to be written to."""
        return self._layout.object(digest)

    # --- outputs

    def snapshot(self, outputs: Sequence[tuple[bytes, str]]) -> Manifest:
        """The manifest of files and folders where they are, storing nothing; unchanged files are not read.

        :raises FileNotFoundError: one is not there.
        :raises StoreError: one changes meanwhile (``source-changed``), or no manifest can hold it (``bad-output``).
        """
        self._flush()
        reader = HashingReader(self._workspace)
        scanned = scan(outputs, reader)
        if reader.hashed and not self.read_only:
            with self._database.writing() as connection:
                self._workspace.cache(connection, reader.hashed, reader.began)
        return scanned.manifest

    def keep(self, outputs: Sequence[tuple[bytes, str]]) -> Manifest:
        """Store files and folders with their manifest, and remember that the workspace holds them.

        :param outputs: name (its place in ``output()``, ``b""`` for a single one) and absolute path of each.
        :raises FileNotFoundError: one is not there.
        :raises StoreError: as :meth:`snapshot`, or the store cannot be written.
        :raises OSError: the disk is full.
        """
        self._must_write()
        try:
            scanned: Scanned = scan(outputs, KeepingReader(self._objects))
            self._objects.stage_bytes(manifests.encode(scanned.manifest))
        except BaseException:
            if not self._pending.get().depth:
                self._objects.forget_staged()
            raise
        pending = self._pending.get()
        pending.placements += scanned.placements
        pending.kept = scanned.manifest
        self._added()
        return scanned.manifest

    def keep_many(self, tasks: Iterable[Sequence[tuple[bytes, str]]]) -> list[Manifest]:
        """:meth:`keep` for each, in few transactions."""
        with self.transaction():
            return [self.keep(outputs) for outputs in tasks]

    def manifests(self, digests: Iterable[Digest]) -> dict[Digest, Manifest]:
        """The manifests that are there; a damaged or absent one is left out."""
        found = {}
        for digest in self.check(digests):
            with contextlib.suppress(CorruptionError):
                found[digest] = manifests.decode(self._objects.read(digest))
        return found

    def restore(
        self, manifest: Manifest, paths: Mapping[bytes, str], *, mode: LinkMode = LinkMode.REFLINK
    ) -> Mapping[bytes, LinkMode]:
        """Materialise the outputs named in *paths* at these absolute paths, and remember them.

        :return: how each was really done.
        :raises NoSuchResult: an object is not there; nothing was written.
        :raises CorruptionError: the manifest leads out of its outputs; nothing was written.
        :raises OSError: a path cannot be written; it is as it was.
        """
        return self.restore_many([(manifest, paths)], mode=mode)[0]

    def restore_many(
        self, tasks: Sequence[tuple[Manifest, Mapping[bytes, str]]], *, mode: LinkMode = LinkMode.REFLINK
    ) -> list[Mapping[bytes, LinkMode]]:
        """:meth:`restore` for each: objects checked at once, rows written in few transactions."""
        wanted = needed(manifest for manifest, _ in tasks)
        for digest in wanted - self.check(wanted):
            raise missing(digest)
        restorer = Restorer(self._layout, self._objects, mode)
        used: list[Mapping[bytes, LinkMode]] = []
        with self.transaction():
            for manifest, paths in tasks:
                placed = restorer.outputs(manifest, paths)
                used.append({name: row.mode for name, row in zip(paths, placed, strict=True)})
                if not self.read_only:
                    self.place(placed)
        return used

    # --- actions

    def record(self, action: Action, *, superseding: bool = False) -> Action:
        """File an action under its key; returns the action that is filed there now.

        One that is there already with another manifest stays, if its objects do, unless *superseding*.

        :raises StoreError: the store lacks the action's manifest or an object of it (``missing-object``), or
            cannot be written.
        :raises OSError: the disk is full.
        """
        self._must_write()
        self._flush()
        # Before the transaction: should something have to be hashed, nobody waits for it.
        wanted = self._complete(action.manifest)
        if wanted is None:
            raise StoreError(f"the store lacks outputs of {action.family}", slug="missing-object")
        one = Received(action, actions.encode(action), wanted)
        temporary = self._layout.temporary()
        write_new(temporary, one.data, 0o444)
        try:
            with self._database.writing() as connection:
                first = None if superseding else self._first(action)
                if first is None:
                    file_action(self._layout, self._actions, connection, one, temporary)
        finally:
            remove(temporary)
        return first or action

    def _complete(self, digest: Digest) -> Manifest | None:
        """The manifest, if it and all its objects are there."""
        found = self._pending.get().kept
        if found is None or found.digest != digest:
            found = self.manifests([digest]).get(digest)
        wanted = {digest, *needed([found])} if found is not None else set()
        return found if wanted <= self.check(wanted) else None

    def _first(self, action: Action) -> Action | None:
        """The action that is filed at the key and must not be replaced just so."""
        row = self._actions.own(action.key)
        if row is None or row.manifest == action.manifest:
            return None
        return self._load(action.key) if self._complete(row.manifest) is not None else None

    def results(self, keys: Iterable[Key]) -> dict[Key, Result]:
        """The action that answers each key, aliases followed; one query. Objects are not looked at."""
        return self._actions.results(list(keys))

    def traced(self, keys: Iterable[Key]) -> dict[Key, list[Result]]:
        """The actions whose base key it is (dynamic dependencies), newest first."""
        return self._actions.traced(list(keys))

    def by_shallow(self, key: Key) -> Result | None:
        """The newest action with this shallow key."""
        return self._actions.by_shallow(key)

    def action(self, key: Key) -> Action | None:
        """The whole action that answers *key*; None if there is none or its file is damaged."""
        found = self._actions.results([key]).get(key)
        return None if found is None else self._load(found.key)

    def _load(self, key: Key) -> Action | None:
        try:
            found = actions.decode(Path(self._layout.action(key)).read_bytes())
        except (OSError, CorruptionError):
            return None
        return found if found.key == key else None

    def alias(self, key: Key, action_key: Key) -> None:
        """From now on *key* is answered by the action at *action_key* (early cutoff).

        :raises StoreError: there is no such action (``missing-action``), or the store cannot be written.
        """
        self._must_write()
        if self._actions.own(action_key) is None:
            raise StoreError(f"there is no action at {action_key}", slug="missing-action")
        alias = Alias(key, action_key, time.time())
        temporary = self._layout.temporary()
        write_new(temporary, alias.encode(), 0o444)
        with self._database.writing() as connection:
            install(temporary, alias.file(self._layout))
            self._actions.put_alias(connection, alias)

    def known(self, project: str, family: str, params_digest: Digest) -> bool:
        """Whether any action exists for this task and these parameters, at whatever key."""
        return bool(self._actions.known([(project, family, params_digest)]))

    def known_many(self, tasks: Iterable[tuple[str, str, Digest]]) -> set[tuple[str, str, Digest]]:
        """Which of (project, family, params digest) are :meth:`known`."""
        return self._actions.known(tasks)

    def adopted_keys(self) -> set[Key]:
        """Keys of the actions whose files were there before luisy."""
        return self._actions.adopted()

    def list_actions(self, *, family: str | None = None) -> list[Listed]:
        """All actions, or those of one family, newest first."""
        return self._actions.listed(family)

    def find(self, prefix: str) -> list[Match]:
        """What an abbreviated key or digest may mean.

        :param prefix: 6 to 64 hex digits.
        :raises UsageError: it is something else (``bad-prefix``).
        """
        self._flush()
        return find(self._database, prefix)

    def history(self, project: str, family: str, params_digest: Digest) -> dict[Digest, bool]:
        """The fingerprints of all actions of a task with these parameters.

        :return: for each, whether an action with it might be found by a shallow key.
        """
        return self._actions.history(project, family, params_digest)

    def nearest(self, project: str, family: str, params_digest: Digest) -> Key | None:
        """The newest action of this task and parameters, else the newest of this task."""
        return self._actions.nearest(project, family, params_digest)

    # --- workspace

    def placements(self, paths: Iterable[str]) -> dict[str, Placement]:
        """What workspace paths were last known to hold; compare the token with ``stat_token(path)``."""
        self._flush()
        return self._workspace.placements(paths)

    def place(self, rows: Iterable[Placement]) -> None:
        """Remember that workspace paths hold this content."""
        self._pending.get().placements += rows
        self._added()

    def unplace(self, paths: Iterable[str]) -> None:
        """Forget what workspace paths hold; to be called before they are removed or changed."""
        self._flush()
        with self._database.writing() as connection:
            self._workspace.unplace(connection, paths)

    def rescue(self, path: str) -> Digest:
        """Store a file or folder that was edited by hand, with a record of where it was.

        :return: the file's object, or the folder's manifest object.
        :raises StoreError, OSError: as :meth:`keep`; then the file must not be replaced.
        """
        self._must_write()
        if os.path.isdir(path):
            scanned = scan([(b"", path)], KeepingReader(self._objects))
            digest = self._objects.stage_bytes(manifests.encode(scanned.manifest))
            self._added()
        else:
            digest = self.put(path)
        self._flush()
        record = Rescued(digest, path, time.time())
        temporary = self._layout.temporary()
        write_new(temporary, record.encode(), 0o444)
        with self._database.writing() as connection:
            install(temporary, record.file(self._layout))
            self._workspace.put_rescued(connection, record)
        return digest

    def rescued(self) -> list[Rescued]:
        """All rescued files, newest first."""
        return self._workspace.rescued()

    def see_refs(self, url: str, project: str, refs: Mapping[str, Digest]) -> None:
        """Remember what refs of a project in the remote at *url* name: this store has pushed or taken it."""
        self._must_write()
        known = self.seen_refs(url, project)
        fresh = [
            SeenRef(url, project, name, manifest, time.time())
            for name, manifest in refs.items()
            if known.get(name) != manifest
        ]
        for record in fresh:
            temporary = self._layout.temporary()
            write_new(temporary, record.encode(), 0o444)
            with self._database.writing() as connection:
                install(temporary, record.file(self._layout))
                self._workspace.put_seen_ref(connection, record)

    def seen_refs(self, url: str, project: str) -> dict[str, Digest]:
        """What the refs of a project in a remote named when this store last pushed or took them."""
        return self._workspace.seen_refs(url, project)

    def first_used(self, workspace: str) -> float | None:
        """When luisy first used this workspace, seconds since the epoch; None if never."""
        return self._workspace.first_used(workspace)

    def mark_used(self, workspace: str) -> None:
        """Remember the first use of a workspace. Idempotent."""
        if self.first_used(workspace) is None:
            with self._database.writing() as connection:
                self._workspace.mark_used(connection, workspace)

    # --- the rest

    def sync(self) -> None:
        """Bring everything to the disk at once (``syncfs``), so that a power cut costs no re-hashing."""
        self._flush()
        if self.read_only or not self._stored or not self._index.unsynced():
            return
        with self._database.writing() as connection:
            epoch = self._index.new_epoch(connection)
        folders = {self._layout.root, *self._workspace.unsynced_folders()}
        for folder in _one_per_device(folders):
            sync_file_system(folder)
        self._index.mark_synced(epoch)

    def status(self) -> Status:
        """Counts and bytes."""
        self._flush()
        return Status(*self._index.totals(), *self._actions.totals())

    def lock(self, key: Key) -> AbstractContextManager[bool]:
        """Hold a key against the other processes of this machine; yields whether one of them held it first."""
        if self.read_only or not self._stored:
            return contextlib.nullcontext(False)  # noqa: FBT003 - what the context yields
        return exclusive(self._layout.lock(key))

    def wait_for(self, key: Key) -> None:
        """Return when no other process of this machine holds *key*; costs one ``stat`` if none does."""
        if os.path.lexists(self._layout.lock(key)):
            with self.lock(key):
                pass

    def secret(self) -> bytes:
        """32 random bytes that belong to this store: they key the digests of private parameters."""
        if not self._secret:
            self._secret = _secret(self._layout, writable=self._stored and not self.read_only)
        return self._secret

    def rebuild(self) -> Rebuilt:
        """Make the index again from the files; each is verified."""
        self._must_write()
        self._flush()
        return rebuild(self._layout, self._index, self._actions, self._workspace)

    @classmethod
    def rebuild_at(cls, path: str | os.PathLike[str]) -> Rebuilt:
        """:meth:`rebuild` for a store whose index cannot be opened: it goes to quarantine first."""
        layout = Layout(os.fspath(Path(path).absolute()))
        try:
            store = cls.open(path, create=False)
        except CorruptionError:
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.replace(layout.index + suffix, layout.quarantined(f"index.db{suffix}"))
            store = cls.open(path)
        with store:
            return store.rebuild()


def _writable(layout: Layout) -> bool:
    return all(os.access(path, os.W_OK) for path in (layout.root, layout.index))


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"the store {folder} cannot be made: {error.strerror}",
        slug="store-unwritable",
        hint="Choose another folder with --store, or change its rights.",
    )


def _one_per_device(folders: Iterable[str]) -> list[str]:
    devices: dict[int, str] = {}
    for folder in folders:
        with contextlib.suppress(OSError):  # gone since: nothing to bring to a disk
            devices.setdefault(os.stat(folder).st_dev, folder)
    return list(devices.values())


def _secret(layout: Layout, *, writable: bool) -> bytes:
    """Read the secret, or make it: whoever links its file first has made it."""
    for _ in range(2):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            found = Path(layout.secret).read_bytes()
            if len(found) == _SECRET_BYTES:
                return found
            raise CorruptionError(f"{layout.secret} is damaged", slug="corrupt-secret")
        if not writable:
            break
        temporary = layout.temporary()
        write_new(temporary, os.urandom(_SECRET_BYTES), 0o600)
        with contextlib.suppress(FileExistsError):
            os.link(temporary, layout.secret)
        os.unlink(temporary)
    return os.urandom(_SECRET_BYTES)
