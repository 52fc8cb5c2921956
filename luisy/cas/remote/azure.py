"""An Azure container as a remote, by ``azure-storage-blob``; the only module that imports it, on first use.

The SDK costs several times the CPU of plain HTTP per request, so requests are few: what has up to 16 MiB goes up in
one Put Blob, more in blocks; down it comes in ranges, several at once. The SDK's own retries are off: blocks are tried
again here, one by one, by the :class:`Backoff` that ``Retrying`` has for whole calls.
"""

from __future__ import annotations

import binascii
import contextlib
import io
import os
import weakref
from base64 import b64decode
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from luisy.cas.remote import (
    Blob,
    BlobMissing,
    ConditionFailed,
    ETag,
    Listing,
    Misconfigured,
    Unreachable,
    as_listing,
    checked_name,
    checked_prefix,
)
from luisy.cas.remote.azure_answers import as_blob, bare, seconds
from luisy.cas.remote.azure_errors import BlocksGone, PastTheEnd, Teller
from luisy.cas.remote.counting import Meter
from luisy.cas.remote.credentials import Kind, hide_signatures, keep_warnings_to_handlers
from luisy.cas.remote.pieces import exactly, in_order, left
from luisy.cas.remote.retry import Backoff, written_by
from luisy.cas.remote.transport import Transport
from luisy.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import BinaryIO

    from azure.storage.blob import BlobClient, ContainerClient

    from luisy.cas.remote.credentials import Credentials

_T = TypeVar("_T")

_ONE_REQUEST = 16 << 20  # bytes; a pack's longest
_BLOCK = 8 << 20  # bytes of a block up and of a range down
_AT_ONCE = 4  # blocks or ranges; times _BLOCK is what a transfer holds in memory
_MOST_BLOCKS = 50_000  # Azure's limit
_CONNECTIONS = 64  # kept open
_CONNECT_SECONDS = 10
_SILENCE_SECONDS = 60  # of a connection, then it counts as broken
_NO_VERSION = ETag("0x0")
_CHECK = ".luisy-check"  # a blob that is never there


class AzureRemote:
    """Blobs of one container, below a prefix.

    :param container: its name.
    :param prefix: a folder in it; empty for the whole container.
    :param backoff: for the blocks of a large blob; whole calls are tried again by ``Retrying``.
    :param page_size: blobs per page of a listing; None leaves it to the service (5,000).
    """

    def __init__(
        self,
        container: str,
        prefix: str = "",
        *,
        credentials: Credentials,
        meter: Meter | None = None,
        backoff: Backoff | None = None,
        page_size: int | None = None,
    ) -> None:
        self._container_name = container
        self._below = f"{checked_name(prefix)}/" if prefix else ""
        self._credentials = credentials
        self._meter = meter or Meter()
        self._backoff = backoff or Backoff()
        self._page_size = page_size
        self._teller = Teller(self.url, container, credentials.host, credentials)
        self._transport = Transport(self._meter, _connected)
        self._opened: ContainerClient | None = None
        _remotes.add(self)

    def __repr__(self) -> str:
        return f"AzureRemote({self.url!r})"

    @property
    def url(self) -> str:
        """Where this is."""
        return f"azure://{self._container_name}/{self._below}".rstrip("/")

    def check(self, *, write: bool, delete: bool = False) -> None:
        """See :meth:`Remote.check`. One request, and one more each for *write* and *delete*, which change nothing."""
        container = self._container()
        pages = container.list_blobs(name_starts_with=self._below, results_per_page=1).by_page()
        self._ask(lambda: next(pages, None), checking=True)
        if write:
            # Rights come before conditions, so with a condition that cannot hold 412 says that we might.
            with contextlib.suppress(ConditionFailed):
                self._upload(_CHECK, b"", _over(_NO_VERSION), {})
        if delete:
            client = self._client(_CHECK)
            with contextlib.suppress(ConditionFailed, BlobMissing):
                self._ask(lambda: client.delete_blob(**_over(_NO_VERSION)), _CHECK)

    def list(self, prefix: str) -> Listing:
        """See :meth:`Remote.list`."""
        start = self._below + checked_prefix(prefix)
        dates: list[str] = []

        def first_date(response: Any) -> None:
            dates.append(response.http_response.headers.get("Date", ""))

        container = self._container()
        # Only metadata tells a folder of a hierarchical namespace from an empty blob.
        found = self._ask(
            lambda: [
                as_blob(item.name[len(self._below) :], item)
                for item in container.list_blobs(
                    name_starts_with=start,
                    include=["metadata"],
                    results_per_page=self._page_size,
                    raw_response_hook=first_date,
                )
                if not (item.metadata and "hdi_isfolder" in {name.lower() for name in item.metadata})
            ]
        )
        return as_listing(found, seconds(dates[0] if dates else ""))

    def head(self, name: str) -> Blob | None:
        """See :meth:`Remote.head`."""
        client = self._client(name)
        try:
            item = self._ask(client.get_blob_properties, name)
        except BlobMissing:
            return None
        metadata = {key.lower(): value for key, value in (item.metadata or {}).items()}
        return as_blob(name, item, metadata)

    def get(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """See :meth:`Remote.get`. One request; one more if the blob turns out to be empty."""
        if length == 0:
            return b""
        return self._range(name, offset, length).data

    def read(self, name: str, offset: int = 0) -> Iterator[bytes]:
        """See :meth:`Remote.read`."""
        first = self._range(name, offset, _BLOCK)
        if first.data:
            yield first.data
        rest = range(offset + len(first.data), first.total, _BLOCK)
        if not rest:
            return

        def piece(start: int) -> bytes:
            data = self._range(name, start, _BLOCK).data
            if len(data) != min(_BLOCK, first.total - start):
                raise Unreachable(f"{name} in {self.url} was replaced while it was read")
            return data

        yield from in_order(piece, rest, at_once=_AT_ONCE)

    def put(
        self,
        name: str,
        data: bytes | BinaryIO,
        *,
        if_absent: bool = False,
        if_match: ETag | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ETag:
        """See :meth:`Remote.put`."""
        condition = _absent() if if_absent else _over(if_match) if if_match is not None else {}
        stream = io.BytesIO(data) if isinstance(data, bytes) else data
        size = len(data) if isinstance(data, bytes) else left(data)
        if size <= _ONE_REQUEST:
            whole = data if isinstance(data, bytes) else exactly(stream, size, name)
            return self._upload(name, whole, condition, metadata or {})
        blocks = self._stage(name, stream, size)
        try:
            return self._backoff.run_once(
                lambda: self._commit(name, blocks, condition, metadata or {}),
                lambda: written_by(self, name, metadata or {}, if_match),
            )
        except BlocksGone as error:
            # Whoever was quicker also changed what the condition is about; without one, all is to be sent again.
            gone = (ConditionFailed if condition else Unreachable)(error.text)
        raise gone

    def touch(self, name: str, *, if_match: ETag) -> ETag:
        """See :meth:`Remote.touch`. Two requests: Set Blob Metadata replaces all of it."""
        blob = self.head(name)
        if blob is None:
            raise BlobMissing(f"{name} in {self.url} is not there")
        client = self._client(name)
        metadata = dict(blob.metadata)
        answer = self._ask(lambda: client.set_blob_metadata(metadata, **_over(if_match)), name)
        return bare(str(answer["etag"]))

    def delete(self, name: str, *, if_match: ETag | None = None) -> None:
        """See :meth:`Remote.delete`."""
        client = self._client(name)
        condition = {} if if_match is None else _over(if_match)
        try:
            self._ask(lambda: client.delete_blob(**condition), name)
        except BlobMissing:
            pass
        except ConditionFailed:
            # Azure says 412 of a blob that is not there, too.
            if self.head(name) is not None:
                raise

    def close(self) -> None:
        """See :meth:`Remote.close`."""
        self._transport.close()

    def forget(self) -> None:
        """In a forked child: leave what may be in use by a thread that does not exist here."""
        self._transport = Transport(self._meter, _connected)
        self._opened = None

    def _full(self, name: str) -> str:
        return checked_name(self._below + checked_name(name))

    def _client(self, name: str) -> BlobClient:
        full = self._full(name)
        return self._container().get_blob_client(full)

    def _container(self) -> ContainerClient:
        if self._opened is None:  # two threads may make two, which share the transport
            self._opened = self._ask(
                lambda: container_client(self._credentials, self._container_name, self._transport)
            )
        return self._opened

    def _ask(self, call: Callable[[], _T], name: str = "", *, checking: bool = False) -> _T:
        try:
            return call()
        except RemoteError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the SDK raises, its text may have secrets
            failure = self._teller.told(error, name, checking=checking)
        raise failure  # not while the SDK's error is handled: it would be the context of ours

    def _range(self, name: str, offset: int, length: int | None) -> _Range:
        """Some bytes of a blob by one request, and how many it has in all."""
        client = self._client(name)
        start = None if offset == 0 and length is None else offset
        try:
            answer = self._ask(lambda: client.download_blob(start, length, max_concurrency=1), name)
        except PastTheEnd:
            return _Range(b"", 0)
        data = self._ask(answer.readall, name)
        total = int((answer.properties.content_range or "/0").rpartition("/")[2])
        if len(data) != (total - offset if length is None else min(length, total - offset)):
            raise Unreachable(f"{name} in {self.url} came short")
        return _Range(data, total)

    def _upload(
        self, name: str, data: bytes, condition: Mapping[str, Any], metadata: Mapping[str, str]
    ) -> ETag:
        """One Put Blob."""
        client = self._client(name)
        # With conditions of its own, "overwrite" only keeps the SDK from adding another.
        options: dict[str, Any] = {"metadata": dict(metadata), "overwrite": True, **condition}
        answer = self._ask(lambda: client.upload_blob(data, length=len(data), **options), name)
        return bare(str(answer["etag"]))

    def _stage(self, name: str, stream: BinaryIO, size: int) -> Sequence[str]:
        """Put Block for each part, several at once. Returns the ids in order; readers see nothing yet."""
        client = self._client(name)
        length = max(_BLOCK, -(-size // _MOST_BLOCKS))

        def stage(data: bytes) -> str:
            # Random and as long as can be: two writers that stage equal ids on one blob would mix their bytes.
            block_id = os.urandom(32).hex()
            self._backoff.run(
                lambda: self._ask(lambda: client.stage_block(block_id, data, length=len(data)), name)
            )
            return block_id

        parts = (exactly(stream, min(length, size - start), name) for start in range(0, size, length))
        return [*in_order(stage, parts, at_once=_AT_ONCE)]

    def _commit(
        self, name: str, blocks: Sequence[str], condition: Mapping[str, Any], metadata: Mapping[str, str]
    ) -> ETag:
        """Put Block List: the write."""
        from azure.storage.blob import BlobBlock

        client = self._client(name)
        options: dict[str, Any] = {"metadata": dict(metadata), **condition}
        answer = self._ask(lambda: client.commit_block_list([BlobBlock(i) for i in blocks], **options), name)
        return bare(str(answer["etag"]))


@dataclass(frozen=True, slots=True)
class _Range:
    """:param total: bytes of the whole blob."""

    data: bytes
    total: int


def _connected() -> tuple[Any, Any]:
    """A session, and the SDK's transport over it."""
    import requests
    from azure.core.pipeline.transport import RequestsTransport

    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, requests.adapters.HTTPAdapter(pool_maxsize=_CONNECTIONS))
    return session, RequestsTransport(
        session=session,
        session_owner=False,
        connection_timeout=_CONNECT_SECONDS,
        read_timeout=_SILENCE_SECONDS,
        connection_data_block_size=_BLOCK,
    )


def container_client(credentials: Credentials, container: str, transport: Transport) -> ContainerClient:
    """The SDK's client. Sends nothing.

    :raises Misconfigured: a setting is missing or has not its shape.
    """
    from azure.storage.blob import ContainerClient

    hide_signatures()
    keep_warnings_to_handlers()
    options: dict[str, Any] = {
        "transport": transport,
        "retry_total": 0,
        "max_single_put_size": _ONE_REQUEST,
        "max_block_size": _BLOCK,
        "max_single_get_size": 1 << 40,  # each download is one request
    }
    if credentials.kind is Kind.CONNECTION_STRING:
        try:
            return ContainerClient.from_connection_string(credentials.connection_string, container, **options)
        except ValueError:
            raise _malformed(Kind.CONNECTION_STRING.value, "is no connection string") from None
    if not credentials.account:
        raise _malformed("azure_account_name", "is not set")
    return ContainerClient(
        credentials.account_url, container, credential=_sdk_credential(credentials), **options
    )


def _sdk_credential(credentials: Credentials) -> Any:
    if credentials.kind is Kind.SAS:
        from azure.core.credentials import AzureSasCredential

        return AzureSasCredential(credentials.sas_token.lstrip("?"))
    if credentials.kind is Kind.KEY:
        try:
            b64decode(credentials.storage_key, validate=True)
        except (binascii.Error, ValueError):
            raise _malformed(Kind.KEY.value, "is not Base64") from None
        return {"account_name": credentials.account, "account_key": credentials.storage_key}
    try:
        return import_module("azure.identity").DefaultAzureCredential()
    except ImportError:
        raise RemoteError(
            "no azure_storage_key, azure_sas_token or azure_connection_string is set, and Entra ID logins need "
            "azure-identity, which is not installed",
            slug="missing-extra",
            hint="set one of them, or pip install 'luisy[identity]'",
        ) from None


_remotes: weakref.WeakSet[AzureRemote] = weakref.WeakSet()


def _before_fork() -> None:
    for remote in list(_remotes):
        remote.close()


def _after_in_child() -> None:
    for remote in list(_remotes):
        remote.forget()


os.register_at_fork(before=_before_fork, after_in_child=_after_in_child)


def _malformed(setting: str, how: str) -> Misconfigured:
    return Misconfigured(f"{setting} {how}", hint=f"look at {setting} (LUISY_{setting.upper()})")


def _absent() -> dict[str, Any]:
    from azure.core import MatchConditions

    return {"match_condition": MatchConditions.IfMissing}


def _over(etag: ETag) -> dict[str, Any]:
    from azure.core import MatchConditions

    return {"etag": f'"{etag}"', "match_condition": MatchConditions.IfNotModified}
