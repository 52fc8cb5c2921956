"""What Azure and its SDK say, in our words: which setting to look at, or that it may pass.

Nothing of an SDK's error is shown but its status and code: its text has URLs with SAS tokens, and strings to sign.
Codes: https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from luisy.cas.remote import BlobMissing, ConditionFailed, Misconfigured, Unreachable, WrongClock
from luisy.cas.remote.azure_answers import seconds
from luisy.cas.remote.credentials import Credentials, Kind
from luisy.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

_PASSES = frozenset({408, 429, 500, 502, 503, 504})
_NO_SPACE = 507  # RFC 4918: what stands between us and the service, or stands in for it, may say so
_PASSING_CODES = frozenset({"ContainerBeingDeleted", "ContainerBeingCreated", "AccountBeingCreated"})
_RIGHTS = re.compile(
    r"PermissionMismatch|InsufficientAccount|AuthorizationFailure|ServiceMismatch|ResourceTypeMism"
)
_ADDRESS = re.compile(r"SourceIPMismatch|ProtocolMismatch|IPAuthorization")
_NO_SUCH_HOST = re.compile(
    r"Name or service not known|nodename nor servname|No address associated|Errno -2\b"
)
_NO_TRUST = re.compile(
    r"CERTIFICATE_VERIFY_FAILED|WRONG_VERSION_NUMBER|doesn't match|Hostname mismatch", re.IGNORECASE
)
_MOST_OFF = 15 * 60
"""Seconds by which the date of a request that is signed with an account key may be off.

Source: https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key ("Specifying the date header")
"""
_CAUSES = 8  # how deep errors are nested at most


class PastTheEnd(RemoteError):
    """A range that begins behind a blob's last byte (416)."""


class BlocksGone(RemoteError):
    """Blocks were staged, and then another writer's commit of that blob threw them away (400)."""


_OF_A_CODE: Mapping[str, tuple[type[RemoteError], str]] = {
    "BlobArchived": (BlobMissing, "is in the Archive tier: rehydrate it to read it"),
    "InvalidBlockList": (BlocksGone, "was written by another meanwhile"),
    "BlobBeingRehydrated": (BlobMissing, "is being rehydrated from the Archive tier"),
}
_OF_A_STATUS: Mapping[int, tuple[type[RemoteError], str]] = {
    404: (BlobMissing, "is not there"),
    409: (ConditionFailed, "is there already"),
    412: (ConditionFailed, "is at another version"),
    416: (PastTheEnd, "ends before that"),
}


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells what is wrong with one container.

    :param url: the remote, without secrets.
    :param container: its name.
    :param host: the endpoint's host.
    """

    url: str
    container: str
    host: str
    credentials: Credentials

    def told(self, error: Exception, name: str = "", *, checking: bool = False) -> RemoteError:
        """*error* of the SDK as one of ours, without any of its text.

        :param name: the blob it was about, if it was about one.
        :param checking: nothing has worked yet, so that a host that is not known is a wrong setting.
        """
        status = getattr(error, "status_code", None)
        if isinstance(status, int):
            return self._refused(status, _code(error), name, _headers(error))
        said = " ".join(map(str, _chain(error)))
        if _NO_TRUST.search(said):
            return self._wrong(
                f"{self.host} does not prove who it is (TLS)",
                "azure_endpoint, or let Python trust your proxy's certificate (REQUESTS_CA_BUNDLE)",
            )
        if checking and _NO_SUCH_HOST.search(said):
            setting = "azure_endpoint" if self.credentials.endpoint else "azure_account_name"
            return self._wrong(f"there is no host {self.host}", f"{setting}, or the network")
        kinds = {kind.__name__ for link in _chain(error) for kind in type(link).__mro__}
        if kinds & {"ClientAuthenticationError", "AzureSigningError", "CredentialUnavailableError"}:
            return self._not_proven(time.time())
        if kinds & {"OSError", "AzureError", "HTTPError", "HTTPException", "TransportError"}:
            return Unreachable(f"{self.url} cannot be reached: {_kind(error)}", hint="is the network up?")
        return RemoteError(f"{self.url}: unexpected {type(error).__name__}", hint="please report this")

    def _refused(self, status: int, code: str, name: str, headers: Mapping[str, str]) -> RemoteError:
        where = f"{name} in {self.url}" if name else self.url
        if status in _PASSES or code in _PASSING_CODES:
            return Unreachable(
                f"{self.url} answered {status} {code}".rstrip(), retry_after=_retry_after(headers)
            )
        if code in {"ContainerNotFound", "ContainerDisabled", "InvalidResourceName"}:
            return self._wrong(
                f"there is no container {self.container} at {self.host}", "azure_container_name"
            )
        if status in {401, 403} or code.startswith("BlobImmutable"):
            return self._forbidden(code, seconds(headers.get("date", "")))
        if (found := _OF_A_CODE.get(code) or _OF_A_STATUS.get(status)) is not None:
            kind, how = found
            return kind(f"{where} {how}")
        if status == _NO_SPACE:
            return self._wrong(
                f"{self.url} has no space left: {status} {code}".rstrip(), "the storage account's limits"
            )
        text = f"{where} was refused: {status} {code}".rstrip()
        return self._wrong(text, "azure_endpoint and azure_container_name")

    def _forbidden(self, code: str, now: float) -> RemoteError:
        """:param now: seconds since the epoch, by the service's clock."""
        if code.startswith("BlobImmutable"):
            return self._wrong(
                f"an immutability policy forbids that in {self.url}", "the container's policies"
            )
        if code == "KeyBasedAuthenticationNotPermitted":
            return self._wrong(
                f"{self.url} takes no account keys",
                "azure_storage_key: leave it out and log in with Entra ID",
            )
        if _ADDRESS.search(code):
            return self._wrong(
                f"{self.url} refuses this machine's address ({code})", "the account's firewall"
            )
        if (
            self._expired(now) is None
            and _RIGHTS.search(code)
            and self.credentials.kind in {Kind.SAS, Kind.IDENTITY}
        ):
            return self._wrong(f"{self.url} does not let us do that ({code})", self._rights)
        ahead = time.time() - now
        if abs(ahead) > _MOST_OFF and self.credentials.kind in {Kind.KEY, Kind.CONNECTION_STRING}:
            return WrongClock(
                f"{self.url} refuses requests by this machine's clock, which is {abs(ahead) / 60:.0f} minutes"
                f" {'fast' if ahead > 0 else 'slow'}",
                hint="set the clock: Azure takes what is signed with an account key if it is at most 15 minutes off",
            )
        return self._not_proven(now)

    def _expired(self, now: float) -> datetime | None:
        return self.credentials.expired(now) if self.credentials.kind is Kind.SAS else None

    @property
    def _rights(self) -> str:
        if self.credentials.kind is Kind.SAS:
            return "azure_sas_token: reading needs the rights rl, pushing rcwl, gc rwdl"
        return "the role: reading needs Storage Blob Data Reader, writing Storage Blob Data Contributor"

    def _not_proven(self, now: float) -> RemoteError:
        if (until := self._expired(now)) is not None:
            return self._wrong(
                f"the SAS token of {self.url} expired on {until:%Y-%m-%d %H:%M} UTC", Kind.SAS.value
            )
        if self.credentials.kind is Kind.IDENTITY:
            return self._wrong(
                f"no Entra ID login opens {self.url}",
                "`az login`, the identity of this machine, its role there",
            )
        return self._wrong(
            f"{self.url} does not accept {self.credentials.kind.value}", self.credentials.kind.value
        )

    def _wrong(self, text: str, setting: str) -> Misconfigured:
        variable = f" (LUISY_{setting.upper()})" if re.fullmatch(r"azure_\w+", setting) else ""
        return Misconfigured(text, hint=f"look at {setting}{variable}")


def _code(error: Exception) -> str:
    """The service's error code; only if it has the shape of one."""
    code = getattr(error, "error_code", None) or _headers(error).get("x-ms-error-code", "")
    text = str(getattr(code, "value", code) or "")
    return text if re.fullmatch(r"[A-Za-z]{1,60}", text) else ""


def _headers(error: Exception) -> Mapping[str, str]:
    headers: Any = getattr(getattr(error, "response", None), "headers", None)
    return {} if headers is None else {str(name).lower(): str(value) for name, value in headers.items()}


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that the server asks to wait: RFC 9110 knows a number of seconds or a date; Azure, milliseconds."""
    try:
        if (milliseconds := headers.get("retry-after-ms") or headers.get("x-ms-retry-after-ms")) is not None:
            return max(0.0, float(milliseconds) / 1000)
        if (text := headers.get("retry-after", "0")).isdigit():
            return float(text)
        since = parsedate_to_datetime(headers["date"]) if "date" in headers else None
        return 0.0 if since is None else max(0.0, (parsedate_to_datetime(text) - since).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _chain(error: BaseException) -> Iterator[BaseException]:
    """*error* and those that brought it, of which the SDK keeps some in ``inner_exception``."""
    link: Any = error
    for _ in range(_CAUSES):
        if not isinstance(link, BaseException):
            return
        yield link
        link = link.__cause__ or link.__context__ or getattr(link, "inner_exception", None)


def _kind(error: Exception) -> str:
    """A few words for what happened, by the types of the errors."""
    names = " ".join(type(link).__name__ for link in _chain(error))
    for pattern, words in (
        (r"Timeout", "it did not answer in time"),
        (r"NameResolution|gaierror", "its host name cannot be resolved"),
        (r"Refused|NewConnection", "it does not accept connections"),
        (r"Reset|Aborted|Disconnected|IncompleteRead|BrokenPipe|Protocol|Chunked", "the connection broke"),
    ):
        if re.search(pattern, names):
            return words
    return type(error).__name__
