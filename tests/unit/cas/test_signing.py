"""Keys and signatures: frozen bytes, what is refused, and that nothing tells a private key."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from luisy.cas.external_rows import RawBlob
from luisy.cas.remote_records import BadRecord, Block
from luisy.cas.signing import UNSIGNED, Authority, PublicKey, SigningKey, counts, generate, is_signed, load
from luisy.cas.transfer import Ref
from luisy.errors import UsageError
from luisy.model import Digest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def signing_key(number: int) -> SigningKey:
    """A key that is made of a number."""
    private = Ed25519PrivateKey.from_private_bytes(number.to_bytes(32, "big"))
    return SigningKey(PublicKey(private.public_key().public_bytes_raw()), private.sign)


BLOCK = Block(bytes(range(16)), 1_700_000_000_000, b"r" * 32 + b"s" * 32)
REF = Ref(Digest("ab" * 32), {"b.csv": RawBlob("0x1", 7), "a.csv": RawBlob("0x2", 0)})


def test_the_bytes_that_a_block_s_signature_covers_are_frozen() -> None:
    """What was signed once is signed for every later luisy; Ed25519 has one signature for one key and message."""
    signed = BLOCK.signed_by(signing_key(1), "weather")
    assert BLOCK.signed("weather").hex() == "ab2f83a427c7be3b0b07854848292a7f601632cf8f30a0fbc5a598c957044963"
    assert signed.key_id.hex() == "4cb5abf6ad79fbf5abbccafcc269d85cd2651ed4b885b5869f241aedf0a5ba29"
    assert (
        signed.signature.hex()
        == "f13aa3c7b80935b429969b3396f8a1214bff5cc82018b294049f1622b1c97be3eb243e490b2c6ea2b87175b2c28771fb8a241ed113dc71a035f927e381788405"
    )


def test_the_bytes_that_a_ref_s_signature_covers_are_frozen() -> None:
    """Whatever order its blobs came in."""
    assert (
        REF.signed("weather", "raw/a").hex()
        == "f7396ef8eecebcc1d3747d13e2cc196f6500aac36abbd47c3fb2afd174aaad96"
    )
    backwards = Ref(REF.manifest, dict(reversed(list(REF.raw.items()))))
    assert backwards.signed("weather", "raw/a") == REF.signed("weather", "raw/a")


def test_the_word_about_bad_bytes_is_frozen() -> None:
    """It is listed in a block like the other records."""
    assert (
        BadRecord(b"d" * 32, "packs/" + "0" * 32, "0x1", 0).told().hex()
        == "f35d7251a60f639b7f164e6a489b1b6286b475397a12ad3ed40d8c958bdf535e"
    )


@pytest.mark.parametrize(
    ("change", "project"),
    [
        ({"slot": bytes(16)}, "weather"),
        ({"opened": BLOCK.opened - 1}, "weather"),
        ({"records": BLOCK.records[:32]}, "weather"),
        ({"records": BLOCK.records[32:] + BLOCK.records[:32]}, "weather"),
        ({"records": BLOCK.records + b"t" * 32}, "weather"),
        ({"signature": b""}, "weather"),
        ({"signature": bytes(64)}, "weather"),
        ({"key_id": signing_key(2).public}, "weather"),
        ({"key_id": b"short"}, "weather"),
        ({}, "weathe"),
    ],
)
def test_a_block_with_any_field_changed_is_not_signed(change: dict[str, bytes], project: str) -> None:
    """Neither is one that was copied into another project."""
    block = msgspec.structs.replace(BLOCK.signed_by(signing_key(1), "weather"), **change)
    assert not is_signed(block.signed(project), block.signature, PublicKey(block.key_id))


@pytest.mark.parametrize(
    ("change", "project", "name"),
    [
        ({"manifest": Digest("cd" * 32)}, "weather", "raw/a"),
        ({"raw": {}}, "weather", "raw/a"),
        ({"raw": {**REF.raw, "a.csv": RawBlob("0x3", 0)}}, "weather", "raw/a"),
        ({"raw": {**REF.raw, "a.csv": RawBlob("0x2", 1)}}, "weather", "raw/a"),
        ({"signature": "00" * 64}, "weather", "raw/a"),
        ({"signature": "no hexadecimal"}, "weather", "raw/a"),
        ({"key_id": signing_key(2).public.hex()}, "weather", "raw/a"),
        ({}, "other", "raw/a"),
        ({}, "weather", "raw/b"),
    ],
)
def test_a_ref_with_any_field_changed_counts_for_nobody(
    change: dict[str, str], project: str, name: str
) -> None:
    """Neither does one that was moved to another name or project."""
    keys = {signing_key(1).public, signing_key(2).public}
    signed = REF.signed_by(signing_key(1), "weather", "raw/a")
    assert signed.counts("weather", "raw/a", keys)
    assert not replace(signed, **change).counts(project, name, keys)  # type: ignore[arg-type]


def test_who_trusts_nobody_in_particular_takes_everything() -> None:
    """With or without a signature; who trusts somebody takes neither without one, nor with a wrong one."""
    key = signing_key(1)
    assert counts(b"x", b"", UNSIGNED, None)
    assert not counts(b"x", b"", UNSIGNED, {key.public})
    assert not counts(b"x", b"", key.public, {key.public})
    assert counts(b"x", key.sign(b"x"), key.public, {key.public})


def test_what_one_pushes_counts_for_one_s_own_pushes() -> None:
    """Else it would be pushed again each time; it does not count for reading."""
    theirs = signing_key(1).public
    assert Authority(frozenset({theirs})).heard == frozenset({theirs, UNSIGNED})
    assert Authority(frozenset({theirs}), signing_key(2)).heard == frozenset({theirs, signing_key(2).public})
    assert Authority(None, signing_key(2)).heard is None


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o000])
def test_a_key_file_is_its_owner_s_alone(tmp_path: Path, mask: int) -> None:
    """Whatever the umask; and what was written is read as the same key."""
    before = os.umask(mask)
    try:
        made = generate(tmp_path / "new" / "key")
    finally:
        os.umask(before)
    assert (tmp_path / "new" / "key").stat().st_mode & 0o777 == 0o600
    assert load(tmp_path / "new" / "key").public == made.public
    assert is_signed(b"x", load(tmp_path / "new" / "key").sign(b"x"), made.public)


def test_no_key_is_written_over(tmp_path: Path) -> None:
    """It could not be made again."""
    made = generate(tmp_path / "key")
    with pytest.raises(UsageError) as caught:
        generate(tmp_path / "key")
    assert caught.value.slug == "signing-key-exists"
    assert load(tmp_path / "key").public == made.public


def _readable_by_the_group(path: Path) -> None:
    generate(path)
    path.chmod(0o640)


def _rsa(path: Path) -> None:
    private = generate_private_key(65537, 2048)
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)


def _rubbish(path: Path) -> None:
    path.write_bytes(b"-----BEGIN PRIVATE KEY-----\nsecret-rubbish\n-----END PRIVATE KEY-----\n")
    path.chmod(0o600)


@pytest.mark.parametrize("make", [_readable_by_the_group, _rsa, _rubbish, lambda path: None, os.mkdir])
def test_a_file_that_is_no_key_of_one_s_own_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """With the path and what to do; nothing of what is in it is told."""
    make(tmp_path / "key")
    with pytest.raises(UsageError) as caught:
        load(tmp_path / "key")
    assert caught.value.slug == "bad-signing-key"
    assert str(tmp_path / "key") in caught.value.text
    assert "rubbish" not in repr(caught.value.__cause__) + caught.value.text + caught.value.hint


def test_nothing_shows_a_private_key(tmp_path: Path) -> None:
    """Neither the key nor what holds it, in repr or str."""
    key = generate(tmp_path / "key")
    secret = "".join((tmp_path / "key").read_text().splitlines()[1:-1])
    for shown in (key, Authority(None, key)):
        assert secret[-20:] not in f"{shown!r} {shown!s}"


def test_nothing_is_imported_to_sign_with_where_nobody_signs() -> None:
    """A push and a pull without keys leave the package alone."""
    code = """
import sys, tempfile, pathlib
from luisy.cas.remote.memory import MemoryRemote
from tests.mirrors import machine
from tests.unit.cas.values import key
folder, remote = pathlib.Path(tempfile.mkdtemp()), MemoryRemote()
one = machine(folder, "one", remote)
one.result(1, b"a")
one.mirror.push()
assert machine(folder, "two", remote).pull(key(1)) == {key(1): b"a"}
print("cryptography" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
