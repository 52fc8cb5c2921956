"""A stateful model: whatever happens to a store, it says what a dictionary would, or less, never something else."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from luisy.cas import Store
from luisy.cas.hashing import digest_bytes
from luisy.errors import NoSuchResult
from luisy.model import Digest, Key, LinkMode, Manifest
from tests.unit.cas.values import action, corrupt, key, object_file, power_cut

contents = st.sampled_from(["", "a", "bb", "large"]).map(
    lambda name: name.encode() * (20_000 if name == "large" else 1)
)
numbers = st.integers(1, 5)


class StoreModel(RuleBasedStateMachine):
    """Puts, keeps, restores, damages, crashes and rebuilds against plain dictionaries.

    ``objects`` and ``actions`` are what was promised; ``lost`` is what was damaged since and may be a miss.
    """

    digests = Bundle("digests")
    kept = Bundle("kept")

    @initialize()
    def start(self) -> None:
        """A new store and workspace."""
        self.folder = Path(tempfile.mkdtemp(prefix="luisy-model-"))
        self.store = Store.open(self.folder / "store")
        self.objects: dict[Digest, bytes] = {}
        self.lost: set[Digest] = set()
        self.actions: dict[Key, Digest] = {}
        self.manifests: dict[Digest, Manifest] = {}

    def teardown(self) -> None:
        """Leave nothing."""
        self.store.close()
        shutil.rmtree(self.folder)

    def promise(self, digest: Digest, data: bytes) -> None:
        """The store says that it has these bytes now."""
        self.objects[digest] = data
        self.lost.discard(digest)

    # --- what users do

    @rule(target=digests, data=contents)
    def put(self, data: bytes) -> Digest:
        """Bytes get a name and come back by it."""
        digest = self.store.put(data)
        self.promise(digest, data)
        return digest

    @rule(target=kept, files=st.dictionaries(st.sampled_from(["x", "y"]), contents, min_size=1))
    def keep(self, files: dict[str, bytes]) -> Manifest:
        """A folder output with some files."""
        folder = self.folder / "output"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name, data in files.items():
            (folder / name).write_bytes(data)
        manifest = self.store.keep([(b"", str(folder))])
        for entry in manifest.entries:
            if entry.digest:
                self.promise(entry.digest, files[entry.path.decode()])
        self.promise(manifest.digest, self.store.get(manifest.digest))
        self.manifests[manifest.digest] = manifest
        return manifest

    @rule(manifest=kept, number=numbers, superseding=st.booleans())
    def record(self, manifest: Manifest, number: int, *, superseding: bool) -> None:
        """The first action of a key stays while its bytes do, unless it is superseded."""
        needed = {manifest.digest, *manifest.objects}
        if needed & self.lost:
            return
        filed = self.store.record(action(manifest, number), superseding=superseding)
        earlier = self.actions.get(key(number))
        complete = earlier and not {earlier, *self.manifests[earlier].objects} & self.lost
        assert filed.manifest == (earlier if complete and not superseding else manifest.digest)
        self.actions[key(number)] = filed.manifest

    @rule(manifest=kept, mode=st.sampled_from(LinkMode))
    def restore(self, manifest: Manifest, mode: LinkMode) -> None:
        """All files come back, or none where one was lost."""
        target = self.folder / "restored"
        shutil.rmtree(target, ignore_errors=True)
        try:
            self.store.restore(manifest, {b"": str(target)}, mode=mode)
        except NoSuchResult:
            assert set(manifest.objects) & self.lost
            assert not target.exists()
        else:
            found = {path.name.encode(): path.read_bytes() for path in target.iterdir()}
            assert found == {
                entry.path: self.objects[entry.digest] for entry in manifest.entries if entry.digest
            }

    # --- what happens to them

    @rule(digest=digests)
    def delete(self, digest: Digest) -> None:
        """Somebody removes a file."""
        object_file(self.store, digest).unlink(missing_ok=True)
        self.lost.add(digest)

    @rule(digest=digests)
    def damage(self, digest: Digest) -> None:
        """A bit flips."""
        path = object_file(self.store, digest)
        if path.exists() and path.stat().st_size:
            corrupt(path)
            self.lost.add(digest)

    @rule(data=contents)
    def half_written(self, data: bytes) -> None:
        """A crash left half an object at a name that nobody was promised."""
        digest = digest_bytes(data + b"!")
        path = object_file(self.store, digest)
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
        assert self.store.check([digest]) == set()

    @rule()
    def reopen(self) -> None:
        """The process ends, the next one starts."""
        self.store.close()
        self.store = Store.open(self.folder / "store")

    @rule()
    def crash(self) -> None:
        """The process is killed: nothing is closed."""
        child = os.fork()
        if child == 0:
            self.store.put(os.urandom(8))
            os._exit(0)
        os.waitpid(child, 0)
        self.store._database.close()
        self.store = Store.open(self.folder / "store")

    @rule()
    def lose_power(self) -> None:
        """Another boot: unsynced rows are doubted."""
        power_cut(self.store)

    @rule()
    def sync(self) -> None:
        """The end of a run."""
        self.store.sync()

    @rule()
    def rebuild(self) -> None:
        """All rows are made again; actions whose objects are gone are forgotten."""
        self.store.rebuild()
        self.actions = {
            name: manifest
            for name, manifest in self.actions.items()
            if not {manifest, *self.manifests[manifest].objects} & self.lost
        }

    # --- what must hold

    @invariant()
    def objects_are_right_or_missing(self) -> None:
        """Every object that was promised and not lost is there, and none has other bytes."""
        there = self.store.check(self.objects)
        assert there == set(self.objects) - self.lost
        for digest in there:
            assert self.store.get(digest) == self.objects[digest]

    @invariant()
    def actions_are_as_filed(self) -> None:
        """The index and the action files say what was recorded last."""
        found = self.store.results([key(number) for number in range(1, 6)])
        assert {name: row.manifest for name, row in found.items()} == self.actions
        for name, manifest in self.actions.items():
            filed = self.store.action(name)
            assert filed is not None
            assert filed.manifest == manifest

    @invariant()
    def nothing_is_left_in_tmp(self) -> None:
        """Staged files are installed or removed."""
        assert os.listdir(self.folder / "store" / "tmp") == []


TestStoreModel = StoreModel.TestCase
TestStoreModel.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
