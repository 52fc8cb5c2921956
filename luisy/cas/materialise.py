"""Bring an object's bytes to a path: reflink where the file system can, else copy; hard link on request.

A hard link is never a fallback: whoever writes through it would change our object.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import functools
import os
import shutil
import stat
from typing import Any

from luisy.cas._layout import remove, write_all
from luisy.model import LinkMode

FICLONE = 0x40049409
"""``_IOW(0x94, 9, int)``, ioctl_ficlone(2): share all blocks of one file with another."""

_BUFFER = 256 << 10
_ALL = 1 << 62
_CANNOT_CLONE = {
    errno.EOPNOTSUPP,
    errno.ENOTTY,
    errno.ENOSYS,
    errno.EINVAL,
    errno.EXDEV,
    errno.EPERM,
    errno.ETXTBSY,
}
_CANNOT_LINK = {errno.EXDEV, errno.EMLINK, errno.EPERM, errno.EACCES, errno.EOPNOTSUPP}
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def clone(source: int, target: int) -> bool:
    """Make open file *target* share *source*'s blocks; False if these two cannot.

    :raises OSError: the disk is full or broken.
    """
    try:
        fcntl.ioctl(target, FICLONE, source)
    except OSError as error:
        if error.errno in _CANNOT_CLONE:
            return False
        raise
    return True


def copy(source: int, target: int, count: int = _ALL) -> int:
    """Copy up to *count* bytes from where both files are; returns how many there were.

    Through one buffer that stays in the processor's cache, which is faster than ``sendfile(2)``.
    ``copy_file_range(2)`` would share blocks where it can, and then a copy that was asked for would be none.

    :raises OSError: the disk is full or broken.
    """
    buffer = memoryview(bytearray(min(_BUFFER, count)))
    copied = 0
    while copied < count and (got := os.readv(source, [buffer[: count - copied]])):
        write_all(target, buffer[:got])
        copied += got
    return copied


def fill(source: str, path: str, mode: LinkMode, *, executable: bool = False) -> LinkMode:
    """Make *path*, which must not exist, from the object file *source*. Nothing is left on an error.

    :return: the mode that was really used.
    :raises OSError: *source* is not there, the disk is full, *path* exists.
    """
    if mode is LinkMode.HARDLINK and not executable and _link(source, path):
        return LinkMode.HARDLINK
    reading = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        writing = os.open(path, flags, 0o777 if executable else 0o666)
        try:
            if mode is not LinkMode.COPY and clone(reading, writing):
                return LinkMode.REFLINK
            copy(reading, writing)
        except BaseException:
            remove(path)
            raise
        finally:
            os.close(writing)
    finally:
        os.close(reading)
    return LinkMode.COPY


def place_file(source: str, path: str, mode: LinkMode, *, executable: bool = False) -> LinkMode:
    """Put the bytes of object file *source* at *path*, whatever is there, atomically.

    :return: the mode that was really used.
    :raises OSError: the disk is full, the folder is not there or read-only; *path* is as it was.
    """
    temporary = beside(path)
    used = fill(source, temporary, mode, executable=executable)
    swap(temporary, path)
    return used


def beside(path: str) -> str:
    """A fresh name in the folder of *path*, hidden and short (names have a limit of 255 bytes)."""
    return os.path.join(os.path.dirname(path), f".luisy-{os.urandom(8).hex()}")


def swap(temporary: str, path: str) -> None:
    """Rename *temporary* to *path* in place of the file, link or folder that is there.

    Atomic where one rename does it, or Linux exchanges the two; else a reader may for a moment find nothing.
    *temporary* is gone afterwards, whatever happened.
    """
    try:
        _swap(temporary, path)
    finally:
        discard(temporary)


def _swap(temporary: str, path: str) -> None:
    try:
        # A file replaces a file, a folder an empty one; two links to one inode are left as they are.
        os.replace(temporary, path)
    except OSError as error:
        if error.errno not in (errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY, errno.EEXIST):
            raise
    else:
        return
    if _exchange(temporary, path):
        return
    old = beside(path)
    os.rename(path, old)
    try:
        os.rename(temporary, path)
    except BaseException:
        os.rename(old, path)
        raise
    discard(old)


def discard(path: str) -> None:
    """Remove a file, link or whole folder, if it is there."""
    try:
        is_folder = stat.S_ISDIR(os.lstat(path).st_mode)
    except FileNotFoundError:
        return
    if is_folder:
        shutil.rmtree(path, ignore_errors=True)
    else:
        remove(path)


def _link(source: str, path: str) -> bool:
    try:
        os.link(source, path)
    except OSError as error:
        if error.errno in _CANNOT_LINK:
            return False
        raise
    return True


def _exchange(first: str, second: str) -> bool:
    """Swap two paths by ``renameat2(2)``; False where it is not to be had."""
    call = getattr(c_library(), "renameat2", None)
    if call is None:
        return False
    a, b = os.fsencode(first), os.fsencode(second)
    return bool(call(_AT_FDCWD, a, _AT_FDCWD, b, _RENAME_EXCHANGE) == 0)


@functools.cache
def c_library() -> Any:
    """The C library, for the two calls that Python does not have."""
    return ctypes.CDLL(None, use_errno=True)


def sync_file_system(path: str) -> None:
    """Write everything of the file system that *path* lies on to the disk (``syncfs(2)``)."""
    call = getattr(c_library(), "syncfs", None)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if call is None or call(descriptor) != 0:
            os.sync()
    finally:
        os.close(descriptor)
