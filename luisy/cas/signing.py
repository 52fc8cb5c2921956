"""Signatures: who vouches for what a remote says, and whom this machine believes.

Ed25519 (RFC 8032) by the ``cryptography`` package, which is imported only here, and only when a signature is made or
looked at. A public key is its 32 raw bytes, shown as 64 hexadecimal digits; it is also the key's id in a block.
What is signed is never a document itself but :func:`message` of its parts, under a context of its own for each kind of
document: so no signature can be taken for one of something else.
"""

from __future__ import annotations

import logging
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, NewType

from blake3 import blake3

from luisy.cas._layout import write_new
from luisy.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

logger = logging.getLogger("luisy")

PublicKey = NewType("PublicKey", bytes)
"""32 bytes."""

UNSIGNED = PublicKey(b"")
"""Stands where a key would for what nobody has signed."""

KEY_BYTES = 32
_FILE_BYTES = 4096
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def message(context: str, parts: Iterable[bytes]) -> bytes:
    """The 32 bytes that a signature covers: BLAKE3, derived with *context*, of the parts, each after its length."""
    hasher = blake3(derive_key_context=context, max_threads=1)
    for part in parts:
        hasher.update(len(part).to_bytes(8, "big") + part)
    return hasher.digest()


class SigningKey:
    """A private key. Nothing that shows it tells more than the public one.

    :ivar public: what others trust.
    """

    __slots__ = ("_sign", "public")

    def __init__(self, public: PublicKey, sign: Callable[[bytes], bytes]) -> None:
        self.public = public
        self._sign = sign

    def __repr__(self) -> str:
        return f"SigningKey({self.public.hex()!r})"

    def sign(self, told: bytes) -> bytes:
        """The signature of *told*, 64 bytes."""
        return self._sign(told)


def generate(path: Path) -> SigningKey:
    """Make a new key and write it to *path*, for its owner alone (0600, PEM, PKCS #8, as ``openssl`` reads it).

    :raises UsageError: there is a file already, which is never written over, or the folder cannot be written.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    private = Ed25519PrivateKey.generate()
    data = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_new(os.fspath(path), data, 0o600)
    except FileExistsError:
        raise UsageError(
            f"there is a file already at {path}",
            slug="signing-key-exists",
            hint="a key that is lost cannot be made again, so none is written over: name another file",
        ) from None
    except OSError as error:
        raise _refused(path, f"cannot be written: {error.strerror or error}", "name another file") from None
    return SigningKey(PublicKey(private.public_key().public_bytes_raw()), private.sign)


def load(path: Path) -> SigningKey:
    """The key in a file of :func:`generate`.

    :raises UsageError: it is not there, others may read it, or it is no such key (slug ``bad-signing-key``).
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            data = file.read(_FILE_BYTES)
    except OSError as error:
        raise _refused(
            path, f"cannot be read: {error.strerror or error}", "`luisy signing generate` makes one"
        ) from None
    # As ssh has it: what somebody else owns was put there by whoever runs this machine (a mounted secret).
    if status.st_uid == os.getuid() and status.st_mode & _OTHERS:
        raise _refused(path, "may be read by others", f"chmod 600 {path}; if others have read it, revoke it")
    try:
        private = load_pem_private_key(data, password=None)
    except Exception:  # noqa: BLE001 - of many types; and its text may have some of the file in it
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise _refused(path, "is no Ed25519 key in PEM", "`luisy signing generate` makes one")
    return SigningKey(PublicKey(private.public_key().public_bytes_raw()), private.sign)


def is_signed(told: bytes, signature: bytes, by: PublicKey) -> bool:
    """Whether *signature* is one of *told* by the holder of the private key to *by*."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(by).verify(signature, told)
    except (InvalidSignature, ValueError):
        return False
    return True


def counts(told: bytes, signature: bytes, by: PublicKey, keys: Collection[PublicKey] | None) -> bool:
    """Whether *told* is by one of *keys*; of :data:`UNSIGNED`, anything is. None: everything counts."""
    if keys is None:
        return True
    return by in keys and (by == UNSIGNED or is_signed(told, signature, by))


def _refused(path: Path, how: str, what_to_do: str) -> UsageError:
    return UsageError(f"signing_key: {path} {how}", slug="bad-signing-key", hint=what_to_do)


@dataclass(slots=True)
class Authority:
    """Whom this process believes, and as whom it speaks. One for all mirrors of a run, so that it warns once.

    :param trusted: the keys whose signature counts; None: whatever anybody says counts, signed or not.
    :param signer: signs what is pushed; None leaves it unsigned.
    :ivar told: whether it has warned.
    """

    trusted: frozenset[PublicKey] | None = None
    signer: SigningKey | None = None
    told: bool = False

    @property
    def own(self) -> PublicKey:
        """The key of what is pushed from here."""
        return UNSIGNED if self.signer is None else self.signer.public

    def require_signer(self) -> SigningKey:
        """The key to sign with.

        :raises UsageError: there is none (slug ``no-signing-key``).
        """
        if self.signer is None:
            raise UsageError(
                "there is no key to sign with",
                slug="no-signing-key",
                hint="set signing_key (LUISY_SIGNING_KEY) to a file of `luisy signing generate`",
            )
        return self.signer

    @property
    def heard(self) -> frozenset[PublicKey] | None:
        """Whose word counts for what has to be pushed: also one's own, or it would be pushed again each time."""
        return None if self.trusted is None else self.trusted | {self.own}

    @property
    def verifiable(self) -> frozenset[PublicKey]:
        """The keys whose signatures it is worth to verify."""
        return (self.heard or frozenset()) - {UNSIGNED}

    def refuses(self, what: str) -> None:
        """Say, the first time, that something there is of no use."""
        if not self.told:
            self.told = True
            logger.warning("%s by none of the trusted keys: what they do not sign counts as missing", what)
