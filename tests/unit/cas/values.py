"""Actions and files as the tests of the store need them."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from luisy.model import Action, Digest, Input, Key, Manifest

if TYPE_CHECKING:
    from pathlib import Path

    from luisy.cas import Store


def key(number: int) -> Key:
    """A key that tells its number."""
    return Key(f"{number:064x}")


def digest(number: int) -> Digest:
    """A digest that tells its number; no object has it."""
    return Digest(f"{number:064x}")


def action(manifest: Manifest | Digest, number: int = 1, **changes: Any) -> Action:
    """An action with everything filled in that a test does not care about."""
    made = Action(
        key=key(number),
        manifest=manifest.digest if isinstance(manifest, Manifest) else manifest,
        project="weather",
        family="Clean",
        params={"year": str(number)},
        params_digest=digest(number),
        fingerprint=digest(7),
        inputs=(Input(key(2), digest(3)), Input(None, digest(4))),
        created=float(number),
        seconds=0.5,
        size=3,
    )
    return replace(made, **changes)


def kept(store: Store, path: Path, text: str = "abc") -> Manifest:
    """Write a file and keep it as the single output."""
    path.write_text(text)
    return store.keep([(b"", str(path))])


def object_file(store: Store, name: Digest) -> Path:
    """Where an object's bytes lie."""
    return store.path / "objects" / name[:2] / name[2:]


def corrupt(path: Path) -> None:
    """Flip one bit without changing size, name or times: what only hashing can find."""
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(bytes(data))
    path.chmod(0o444)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def power_cut(store: Store) -> None:
    """As if the machine had been started again: what was not synced belongs to an earlier boot."""
    with store._database.writing() as connection:
        connection.execute("UPDATE epochs SET boot = x'00'")


def leave_a_folder(store: Store) -> None:
    """A process dies in a temporary folder of the store."""
    child = os.fork()
    if child == 0:
        with store.temporary_folder():
            os._exit(0)
    os.waitpid(child, 0)
    assert len(os.listdir(store.path / "tmp")) == 1
