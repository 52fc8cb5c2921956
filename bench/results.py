"""A store full of results, as a pipeline would have left them, and what a machine has of them later."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from blake3 import blake3

from bench.measure import WrongResult
from luisy.cas import Store
from luisy.cas.remote.credentials import Credentials
from luisy.cas.remote.opening import open_remote
from luisy.cas.transfer import Mirror
from luisy.model import Action, Digest, Input, Key

if TYPE_CHECKING:
    from bench.emulator import Container

PROJECT = "bench"

_LARGE = 1 << 20
"""Bytes: files of which there are never many."""


def key(number: int) -> Key:
    """A key, as evenly spread as real ones are."""
    return Key(blake3(number.to_bytes(8, "big")).hexdigest())


@dataclass(frozen=True, slots=True)
class Results:
    """*count* results, each of one file of *size* random bytes.

    ::

        <folder>/
          source/00000 ...   the files: the workspace, and what the peers move
          store/             luisy's store, with an action, a manifest and the parts of the key for each file
    """

    folder: Path
    count: int
    size: int

    @classmethod
    def make(cls, folder: Path, count: int, size: int) -> Results:
        """Write the files and keep them."""
        made = cls(folder, count, size)
        made.source.mkdir(parents=True)
        with Store.open(made.store) as store:
            sources = store.put(b"def run(self):\n    self.output().write(2)\n" * 40)
            for number in range(count):
                path = made.source / f"{number:05d}"
                _fill(path, size)
                manifest = store.keep([(b"", str(path))])
                store.record(_action(number, manifest.digest, manifest.size, _parts(store, number), sources))
        return made

    @property
    def source(self) -> Path:
        """Where the files are."""
        return self.folder / "source"

    @property
    def store(self) -> Path:
        """Where the store is."""
        return self.folder / "store"

    def expect_folder(self, folder: Path) -> None:
        """Check that *folder* holds the same files.

        :raises WrongResult: it does not.
        """
        names = sorted(os.listdir(self.source))
        if sorted(os.listdir(folder)) != names:
            raise WrongResult(f"{folder} holds other names")
        for name in names:
            if not _same(self.source / name, folder / name):
                raise WrongResult(f"{name} came back with other bytes")

    def expect_store(self, path: Path) -> None:
        """Check that the store at *path* has each result, with the bytes of its file.

        :raises WrongResult: it has not.
        """
        with Store.open(path, create=False) as store:
            found = store.results(map(key, range(self.count)))
            manifests = store.manifests(result.manifest for result in found.values())
            for number in range(self.count):
                result = found.get(key(number))
                manifest = None if result is None else manifests.get(result.manifest)
                if manifest is None or not store.check(manifest.objects):
                    raise WrongResult(f"result {number} is not in {path}")
                stored = Path(store.object_path(manifest.entries[0].digest))
                if not _same(self.source / f"{number:05d}", stored):
                    raise WrongResult(f"result {number} has other bytes in {path}")

    def expect_blobs(self, container: Container) -> None:
        """Check that a container holds a blob for each file, of its size.

        :raises WrongResult: it does not.
        """
        if container.sizes() != {f"{number:05d}": self.size for number in range(self.count)}:
            raise WrongResult(f"{container.name} does not hold the {self.count} files")

    def expect_pushed(self, container: Container) -> None:
        """Check that a machine without a store finds all results in a container.

        :raises WrongResult: it does not.
        """
        credentials = Credentials(
            sas_token=container.environment["BENCH_SAS"], endpoint=container.environment["BENCH_ENDPOINT"]
        )
        remote = open_remote(f"azure://{container.name}", credentials=credentials)
        with Store.ephemeral() as store:
            mirror = Mirror(store, remote, PROJECT)
            mirror.refresh()
            found = len(mirror.results(map(key, range(self.count))))
        remote.close()
        if found != self.count:
            raise WrongResult(f"{container.name} has {found} results, not {self.count}")


def clear(*folders: Path) -> None:
    """Let folders be gone: moved aside, in the same folder; of what they hold only large files are removed.

    For some seconds after many files were deleted ext4 is slow at making new ones, since it passes over their inodes
    (``recently_deleted`` in its ``ialloc.c``): whoever makes more files would pay for it with their square.
    """
    for folder in filter(os.path.lexists, folders):
        aside = folder.rename(folder.with_name(f"{folder.name}-{os.urandom(4).hex()}"))
        for path in aside.rglob("*"):
            if path.is_file() and path.stat().st_size >= _LARGE:
                path.unlink()


def _fill(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for start in range(0, size, 1 << 20):
            file.write(os.urandom(min(1 << 20, size - start)))


def _same(one: Path, other: Path) -> bool:
    """Byte by byte; filecmp remembers files by size and time, and would not look again."""
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as first, other.open("rb") as second:
        while piece := first.read(1 << 20):
            if second.read(1 << 20) != piece:
                return False
    return True


def _parts(store: Store, number: int) -> Digest:
    parts = {
        "family": "Clean",
        "params": {"number": str(number)},
        "fingerprint": key(0),
        "inputs": [key(number + 1)],
    }
    return store.put(json.dumps(parts).encode())


def _action(number: int, manifest: Digest, size: int, parts: Digest, sources: Digest) -> Action:
    return Action(
        key=key(number),
        manifest=manifest,
        project=PROJECT,
        family="Clean",
        params={"number": str(number)},
        params_digest=Digest(blake3(b"params" + number.to_bytes(8, "big")).hexdigest()),
        fingerprint=Digest(blake3(b"code").hexdigest()),
        inputs=(Input(key(number + 1), manifest),),
        shallow_key=Key(blake3(b"shallow" + number.to_bytes(8, "big")).hexdigest()),
        parts=parts,
        sources=sources,
        created=1.7e9 + number,
        seconds=0.5,
        size=size,
        provenance={"host": "bench", "luisy": "2"},
    )
