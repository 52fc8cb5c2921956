"""One folder of a directory remote: files as versions of blobs, the lock over them, and what crashes leave.

Why a reader sees the old bytes, none, or all of the new: bytes are written under ``~new-`` and synced, then renamed,
and that rename is the commit. A blob that is replaced has two versions for a moment, or after a crash for longer: the
greater one counts, since versions of one name grow, and the next change of that name removes the others. Names are
only changed by who has the folder's lock, and looked up by who shares it, so a scan never passes between a version
that goes and one that comes, and of two that race for a name one finds the other's. Nothing is locked while bytes
are written or read. The kernel lets go of the lock when its holder dies. What a crash leaves besides (``~new-``,
``~meta-``) is removed after a day by whoever changes something in that folder.

On NFS, ``flock`` is a byte-range lock of the server and holds between machines. What a client remembers of a folder
may be half a minute old, though, until it creates something there: so who changes creates a probe once it has the
lock, and a listing before it looks. Other look-ups may miss what is that new.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from luisy.cas.remote import ETag

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from typing import BinaryIO

PIECE = 1 << 20  # bytes read or written at once
_VERSIONED = re.compile(r"(.+)~([0-9a-f]{32})", re.DOTALL)
_LEFTOVER_AGE = 24 * 3600.0  # seconds since it was last written to


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a blob.

    :param base: last part of the blob's name.
    :param file: name of the file in the folder.
    :param number: grows from version to version; empty for a file of another system, which is older than any.
    """

    base: str
    file: str
    number: str

    def etag(self, stat: os.stat_result) -> ETag:
        """Names this version; of other systems' files the stat has to do."""
        plain = f"plain-{stat.st_ino:x}-{stat.st_size:x}-{stat.st_mtime_ns:x}-{stat.st_ctime_ns:x}"
        return ETag(self.number or plain)


def version_of(file: str) -> Version | None:
    """What the name of a file says; None if the file is no blob."""
    if (match := _VERSIONED.fullmatch(file)) is not None:
        return Version(match[1], file, match[2])
    return None if file.startswith("~") else Version(file, file, "")


@dataclass(frozen=True, slots=True)
class Folder:
    """The files of one folder. Raises what the system says (``OSError``).

    ::

        c~<version>            the blob c; the version is its ETag
        c                      the blob c, put there by another system
        ~lock                  flock: who looks shares it, who changes a name has it alone
        ~meta-<version>        metadata of that version, JSON, where it has any; written before the version is
        ~new-<random>          being written; no blob yet
    """

    path: str

    @contextlib.contextmanager
    def looking(self) -> Iterator[None]:
        """Share the lock; without a lock file nobody of us has changed anything yet."""
        try:
            descriptor = os.open(f"{self.path}/~lock", os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            yield
            return
        with _held(descriptor, fcntl.LOCK_SH):
            yield

    @contextlib.contextmanager
    def changing(self) -> Iterator[float]:
        """Have the lock alone; the time by the clock of the file system, seconds since the epoch."""
        descriptor = os.open(f"{self.path}/~lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        with _held(descriptor, fcntl.LOCK_EX):
            yield self.probe()

    def probe(self) -> float:
        """When a file made just now was made, by the clock of the file system: seconds since the epoch."""
        path = self.new()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            return os.fstat(descriptor).st_mtime
        finally:
            os.close(descriptor)
            remove(path)

    def is_shared(self) -> bool:
        """True if one of us has changed something here."""
        return os.path.exists(f"{self.path}/~lock")

    def current(self, base: str) -> Version | None:
        """The version of *base* that counts."""
        return max(self._of(base, self._listed()), key=lambda version: version.number, default=None)

    def versions(self, base: str, now: float) -> list[Version]:
        """All versions of *base*, the one that counts last. For who has the lock: sweeps, too.

        :param now: what :meth:`changing` told: this machine's own clock may be days fast.
        """
        files = self._listed()
        self._sweep(files, now)
        return sorted(self._of(base, files), key=lambda version: version.number)

    def etag(self, version: Version) -> ETag:
        """Names *version*."""
        return version.etag(os.stat(f"{self.path}/{version.file}"))

    def new(self) -> str:
        """A fresh path for bytes that are no blob yet."""
        return f"{self.path}/~new-{os.urandom(16).hex()}"

    def install(self, new: str, base: str, olds: Sequence[Version], metadata: Mapping[str, str]) -> ETag:
        """Make the file *new* the version of *base* that counts. For who has the lock."""
        number = _after(olds)
        if metadata:
            write_synced(f"{self.path}/~meta-{number}", json.dumps(dict(metadata)).encode())
        os.rename(new, f"{self.path}/{base}~{number}")
        sync_folder(self.path)
        self.discard(olds)
        return ETag(number)

    def renew(self, base: str, olds: Sequence[Version]) -> ETag:
        """Give the last of *olds* a new number. For who has the lock."""
        number = _after(olds)
        if metadata := self.metadata(olds[-1]):
            write_synced(f"{self.path}/~meta-{number}", json.dumps(metadata).encode())
        os.utime(f"{self.path}/{olds[-1].file}")
        os.rename(f"{self.path}/{olds[-1].file}", f"{self.path}/{base}~{number}")
        sync_folder(self.path)
        self.discard(olds)
        return ETag(number)

    def discard(self, olds: Sequence[Version]) -> None:
        """Unlink *olds*, the current one last: a crash must not bring back an older one."""
        for version in olds:
            remove(f"{self.path}/{version.file}")
            if version.number:
                remove(f"{self.path}/~meta-{version.number}")

    def metadata(self, version: Version) -> dict[str, str]:
        """What was given with the bytes; nothing where that is lost or damaged: then it is nobody's."""
        try:
            with open(f"{self.path}/~meta-{version.number}", "rb") as file:
                return {str(name): str(value) for name, value in json.load(file).items()}
        except (FileNotFoundError, ValueError, AttributeError):
            return {}

    def _listed(self) -> list[str]:
        try:
            return os.listdir(self.path)
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _of(self, base: str, files: Collection[str]) -> list[Version]:
        near = (version_of(file) for file in files if file.startswith(base))
        return [v for v in near if v and v.base == base and os.path.isfile(f"{self.path}/{v.file}")]

    def _sweep(self, files: Collection[str], now: float) -> None:
        """Remove what was left by a crash, a day after it."""
        leftovers = [file for file in files if file.startswith("~new-")]
        if metas := [file for file in files if file.startswith("~meta-")]:
            alive = {version.number for file in files if (version := version_of(file))}
            leftovers += [file for file in metas if file.removeprefix("~meta-") not in alive]
        for file in leftovers:
            with contextlib.suppress(FileNotFoundError):
                if os.stat(f"{self.path}/{file}").st_mtime < now - _LEFTOVER_AGE:
                    os.unlink(f"{self.path}/{file}")


@contextlib.contextmanager
def _held(descriptor: int, mode: int) -> Iterator[None]:
    try:
        fcntl.flock(descriptor, mode)
        yield
    finally:
        # Closing is not enough: a child forked meanwhile by another thread has the same lock open.
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def _after(olds: Sequence[Version]) -> str:
    """A greater number than those before it, half of it random: a blob made again must not get an old one."""
    before = int(olds[-1].number[:16] or "0", 16) if olds else 0
    return f"{max(time.time_ns(), before + 1):016x}{os.urandom(8).hex()}"


def write_synced(path: str, data: bytes | BinaryIO) -> None:
    """Write a new file, from bytes or from where a file stands, and wait until it is on the disk."""
    with open(path, "xb", buffering=0) as file:
        for piece in (data,) if isinstance(data, bytes) else iter(lambda: data.read(PIECE), b""):
            view = memoryview(piece)
            while view:
                view = view[file.write(view) :]
        os.fsync(file.fileno())


def sync_folder(path: str) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # file systems that cannot sync a folder
            raise
    finally:
        os.close(descriptor)


def remove(path: str) -> None:
    """Unlink *path* if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
