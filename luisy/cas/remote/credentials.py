"""What opens an Azure container, and which of it is used."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from urllib.parse import parse_qs, urlsplit


class Kind(Enum):
    """How a client proves who it is. The values name the settings."""

    CONNECTION_STRING = "azure_connection_string"
    SAS = "azure_sas_token"
    KEY = "azure_storage_key"
    IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The settings of Azure as plain values. The secret ones are in no ``repr``.

    The strongest that is there is used: a connection string, a SAS token, an account key, else the default Entra ID
    chain (environment, workload identity, managed identity, Azure CLI).

    :param account_name: the storage account.
    :param storage_key: one of its two keys, Base64.
    :param sas_token: what stands behind the ``?`` of a shared access signature's URL.
    :param connection_string: as the portal shows it.
    :param endpoint: the account's blob endpoint, where it is not ``https://<account>.blob.core.windows.net``.
    """

    account_name: str = ""
    storage_key: str = field(default="", repr=False)
    sas_token: str = field(default="", repr=False)
    connection_string: str = field(default="", repr=False)
    endpoint: str = ""

    @property
    def kind(self) -> Kind:
        """Which of them is used."""
        if self.connection_string:
            return Kind.CONNECTION_STRING
        if self.sas_token:
            return Kind.SAS
        return Kind.KEY if self.storage_key else Kind.IDENTITY

    @property
    def account_url(self) -> str:
        """The account's blob endpoint; of a connection string, only what it says of it."""
        if self.kind is Kind.CONNECTION_STRING:
            parts = dict(part.partition("=")[::2] for part in self.connection_string.split(";"))
            return parts.get("BlobEndpoint") or _public(parts.get("AccountName", ""))
        return self.endpoint.rstrip("/") or _public(self.account_name)

    @property
    def host(self) -> str:
        """The host of the endpoint, with its port; for messages."""
        return urlsplit(self.account_url).netloc.rpartition("@")[2]

    @property
    def account(self) -> str:
        """The storage account's name; an emulator's endpoint has it in its path."""
        parts = urlsplit(self.account_url)
        return self.account_name or parts.path.strip("/") or parts.netloc.partition(".")[0]

    def expired(self, now: float) -> datetime | None:
        """When the SAS token expired, UTC; None if it did not, or does not say.

        :param now: seconds since the epoch, by the service's clock.
        """
        try:
            until = datetime.fromisoformat(parse_qs(self.sas_token)["se"][0].replace("Z", "+00:00"))
        except (KeyError, ValueError):
            return None
        if until.tzinfo is None:
            until = until.replace(tzinfo=timezone.utc)
        return until if until.timestamp() < now else None


def _public(account: str) -> str:
    return f"https://{account}.blob.core.windows.net" if account else ""


_SIGNATURE = re.compile(r"(sig=)[^&\s'\"]+")


class _NoSignatures(logging.Filter):
    """Takes SAS signatures out of what is logged."""

    def filter(self, record: logging.LogRecord) -> bool:
        if "sig=" in (text := record.getMessage()):
            record.msg, record.args = _SIGNATURE.sub(r"\1...", text), ()
        return True


_no_signatures = _NoSignatures()


def hide_signatures() -> None:
    """Have the libraries log URLs without signatures, also where the user asked for debug messages. Idempotent."""
    for name in (
        "urllib3.connectionpool",
        "urllib3.util.retry",
        "azure.core.pipeline.policies.http_logging_policy",
    ):
        logging.getLogger(name).addFilter(_no_signatures)


_nowhere = logging.NullHandler()


def keep_warnings_to_handlers() -> None:
    """Have Azure's warnings go where the user's handlers put them; without any, Python prints them bare. Idempotent."""
    logging.getLogger("azure").addHandler(_nowhere)
