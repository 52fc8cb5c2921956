"""From a URL and credentials to a remote that counts and tries again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from luisy.cas.remote.counting import Counting
from luisy.cas.remote.retry import Backoff, Retrying
from luisy.errors import UsageError

if TYPE_CHECKING:
    from luisy.cas.remote import Remote
    from luisy.cas.remote.counting import Meter
    from luisy.cas.remote.credentials import Credentials

_URL = re.compile(r"(azure|file)://(.*)|(memory):(.*)", re.DOTALL)
_CONTAINER = re.compile(r"(?=.{3,63}\Z)[a-z0-9](-?[a-z0-9])*|\$root")
"""Source: https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata"""


def open_remote(
    url: str, *, credentials: Credentials, meter: Meter | None = None, backoff: Backoff | None = None
) -> Remote:
    """The remote at *url*. Sends nothing yet, and imports no SDK.

    :param url: ``azure://CONTAINER[/PREFIX]``, ``file:///DIR``, or ``memory:NAME`` (this process, for tests).
    :param credentials: for Azure.
    :param meter: counts what the remote costs.
    :param backoff: how often what may pass is tried again.
    :raises UsageError: *url* is none of these.
    :raises RemoteError: the prefix cannot be part of blob names.
    """
    backoff = backoff or Backoff()
    scheme, place = _parts(url)
    if scheme == "azure":
        from luisy.cas.remote.azure import AzureRemote

        container, _, prefix = place.partition("/")
        azure = AzureRemote(
            container, prefix.rstrip("/"), credentials=credentials, meter=meter, backoff=backoff
        )
        return Retrying(azure, backoff)
    if scheme == "file":
        from luisy.cas.remote.directory import DirectoryRemote

        return Retrying(Counting(DirectoryRemote(place), meter), backoff)
    from luisy.cas.remote.memory import named

    return Retrying(Counting(named(place), meter), backoff)


def _parts(url: str) -> tuple[str, str]:
    match = _URL.fullmatch(url)
    scheme, place = (match[1] or match[3], match[2] or match[4] or "") if match else ("", "")
    if scheme == "azure" and _CONTAINER.fullmatch(place.partition("/")[0]) and not set("?#@") & set(place):
        return scheme, place
    if scheme == "file" and place.startswith("/"):
        return scheme, unquote(place)
    if scheme == "memory":
        return scheme, place
    # A URL that was pasted from the portal may have a SAS token in it.
    shown = url if re.fullmatch(r"[\w:/.$~-]*", url) else "(not shown, it may hold a secret)"
    raise UsageError(
        f"remote: not the URL of a remote: {shown}",
        slug="bad-setting",
        hint="azure://CONTAINER[/PREFIX] or file:///DIR; credentials are settings of their own",
    )
