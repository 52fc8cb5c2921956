"""What luisy finds where it is told to work: settings, working dir, store and remotes, each really tried."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from luisy import settings as configuration
from luisy.cas import Store
from luisy.cas.materialise import fill
from luisy.cas.migrations import SCHEMA_VERSION
from luisy.cas.remote import Unreachable
from luisy.cas.remote.opening import open_remote
from luisy.cas.remote.retry import Backoff
from luisy.errors import LuisyError, RemoteError
from luisy.model import LinkMode
from luisy.runner.remote.remotes import credentials_of, default_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from luisy.cas.remote import Remote
    from luisy.settings import Settings

_TRIES = Backoff(attempts=2)
"""Whoever asks the doctor waits for the answer."""

_ABOUT_REMOTES = (
    "remote",
    "read",
    "write",
    "azure_account_name",
    "azure_container_name",
    "azure_storage_key",
    "azure_sas_token",
    "azure_connection_string",
    "azure_endpoint",
)


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting as it may be shown.

    :param value: of a secret only ``set``.
    :param origin: a variable, a file, a flag, or ``default``.
    """

    name: str
    value: Any
    origin: str


@dataclass(frozen=True, slots=True)
class Links:
    """How bytes of the store get into the working dir.

    :param folder: where it was tried: the working dir, or what is there above it.
    :param reflink: whether files can share their blocks; None if it could not be tried.
    :param hardlink: whether a file can have a second name.
    """

    folder: str
    reflink: bool | None = None
    hardlink: bool | None = None


@dataclass(frozen=True, slots=True)
class StoreFound:
    """The store.

    :param schema: number of the index's schema; None where there is no store, or none that opens.
    """

    path: str
    exists: bool
    read_only: bool = False
    schema: int | None = None


@dataclass(frozen=True, slots=True)
class RemoteFound:
    """A remote.

    :param uses: ``read``, ``write`` or both.
    :param credential: what is shown to Azure: the name of a setting, or ``identity``; None for others.
    :param readable: whether it answered, and lets us read.
    :param writable: whether it lets us write; None if that was not tried, since nothing is written there.
    """

    url: str
    uses: tuple[str, ...]
    credential: str | None
    readable: bool
    writable: bool | None


@dataclass(slots=True)
class Diagnosis:
    """All that was found.

    :ivar problems: what is wrong.
    :ivar misconfigured: whether a remote is among that.
    """

    versions: dict[str, str | None] = field(default_factory=dict)
    settings: list[Setting] = field(default_factory=list)
    links: Links | None = None
    store: StoreFound | None = None
    remotes: list[RemoteFound] = field(default_factory=list)
    problems: list[LuisyError] = field(default_factory=list)
    misconfigured: bool = False


def versions() -> dict[str, str | None]:
    """Of luisy, Python and what decides how luisy works; None for what is not installed."""
    packages = ("luisy", "luigi", "azure-storage-blob", "azure-identity")
    return {"python": platform.python_version(), **{name: _version(name) for name in packages}}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def examine(settings: Settings) -> Diagnosis:
    """Look at everything, try it, and go on whatever is wrong."""
    found = Diagnosis(versions(), list(shown(settings)))
    found.store = _store(settings, found)
    found.links = _links(settings, found)
    for url, uses in _urls(settings, found).items():
        _remote(url, uses, settings, found)
    return found


def shown(settings: Settings) -> Iterator[Setting]:
    """Every setting with its value and where it came from."""
    for name in configuration.NAMES:
        value = getattr(settings, name)
        if name in configuration.SECRETS and value is not None:
            value = "set"
        elif isinstance(value, tuple):
            value = [_without_secrets(one) for one in value]
        elif isinstance(value, str):
            value = _without_secrets(value)
        yield Setting(name, value, settings.provenance.get(name, "default"))


def _without_secrets(value: str) -> str:
    """A URL that was pasted from the portal may have a SAS token in it, and one for a proxy a password."""
    holds = "://" in value and set("?#@") & set(value)
    return "(not shown, it may hold a secret)" if holds else value


# --- this machine


def _store(settings: Settings, found: Diagnosis) -> StoreFound:
    path = settings.store_path or os.path.join(os.getcwd(), ".luisy")
    try:
        with Store.open(path, create=False) as store:
            return StoreFound(path, exists=True, read_only=store.read_only, schema=SCHEMA_VERSION)
    except LuisyError as error:
        if error.slug == "no-store":
            return StoreFound(path, exists=False)
        found.problems.append(error)
        return StoreFound(path, exists=True)


def _links(settings: Settings, found: Diagnosis) -> Links:
    """Try links from the store, if it is there, to the working dir, on files that are gone afterwards."""
    folder = _existing(settings.working_dir or os.getcwd())
    source = folder
    if found.store is not None and found.store.exists and not found.store.read_only:
        source = os.path.join(found.store.path, "tmp")
    try:
        with (
            tempfile.TemporaryDirectory(prefix=".luisy-", dir=folder) as here,
            tempfile.NamedTemporaryFile(prefix=".luisy-", dir=source) as original,
        ):
            original.write(b"luisy doctor\n" * 1024)
            original.flush()
            used = [
                fill(original.name, os.path.join(here, mode.value), mode)
                for mode in (LinkMode.REFLINK, LinkMode.HARDLINK)
            ]
    except OSError as error:
        found.problems.append(
            LuisyError(
                f"no file can be written in {folder}: {error.strerror or error}",
                slug="unwritable-working-dir",
                hint="change the rights of the folder, or set another working_dir",
            )
        )
        return Links(folder)
    return Links(folder, used[0] is LinkMode.REFLINK, used[1] is LinkMode.HARDLINK)


def _existing(path: str) -> str:
    """The folder *path*, or the nearest above it that is there."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


# --- remotes


def _urls(settings: Settings, found: Diagnosis) -> dict[str, tuple[str, ...]]:
    """The remotes that the settings name, and what for; none where nothing is said of any."""
    wanted = settings.download or settings.upload
    if not wanted and not any(getattr(settings, name) for name in _ABOUT_REMOTES):
        return {}
    try:
        read = settings.read or (default_url(settings),)
        write = settings.write or default_url(settings)
    except RemoteError as error:
        _misconfigured(found, error)
        return {}
    uses = dict.fromkeys(read, ("read",))
    return {**uses, write: (*uses.get(write, ()), "write")}


def _remote(url: str, uses: tuple[str, ...], settings: Settings, found: Diagnosis) -> None:
    """Ask one remote; what it refuses is a problem if the settings want it."""
    credentials = credentials_of(settings)
    try:
        remote = open_remote(url, credentials=credentials, backoff=_TRIES)
    except LuisyError as error:
        _misconfigured(found, error)
        return
    try:
        refused = _refused(remote, write=False)
        readable, writable = refused is None, None
        if readable and "write" in uses:
            refused = _refused(remote, write=True)
            writable = refused is None
    finally:
        remote.close()
    kind = credentials.kind.value if url.startswith("azure:") else None
    found.remotes.append(RemoteFound(remote.url, uses, kind, readable, writable))
    if refused is not None and (not readable or settings.upload or settings.write is not None):
        _misconfigured(found, refused)


def _refused(remote: Remote, *, write: bool) -> RemoteError | None:
    """What the remote says against reading, or writing."""
    try:
        remote.check(write=write)
    except RemoteError as error:
        return error
    return None


def _misconfigured(found: Diagnosis, error: LuisyError) -> None:
    """Note a problem with a remote; that it does not answer is not the settings' fault."""
    found.problems.append(error)
    found.misconfigured |= not isinstance(error, Unreachable)
