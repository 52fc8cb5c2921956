"""URLs of remotes and their credentials."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from luisy.cas.remote import Traffic
from luisy.cas.remote.counting import Meter
from luisy.cas.remote.credentials import Credentials, Kind
from luisy.cas.remote.opening import open_remote
from luisy.errors import RemoteError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

NONE = Credentials()


def test_a_folder(tmp_path: Path) -> None:
    """``file:///DIR`` is a folder, percent signs undone."""
    folder = tmp_path / "a b"
    folder.mkdir()
    meter = Meter()
    remote = open_remote(f"file://{str(folder).replace(' ', '%20')}", credentials=NONE, meter=meter)
    remote.put("x", b"12")
    assert next(folder.glob("x~*")).read_bytes() == b"12"
    assert meter.traffic == Traffic(requests=1, bytes_up=2)


def test_a_name_in_memory_is_one_place() -> None:
    """``memory:NAME`` is the same for everybody in this process, other names are others."""
    open_remote("memory:test-opening", credentials=NONE).put("a", b"1")
    assert open_remote("memory:test-opening", credentials=NONE).get("a") == b"1"
    assert open_remote("memory:test-opening-2", credentials=NONE).head("a") is None


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("azure://results", "azure://results"),
        ("azure://results/", "azure://results"),
        ("azure://results/team/a/", "azure://results/team/a"),
        ("azure://$root", "azure://$root"),
    ],
)
def test_a_container(url: str, told: str) -> None:
    """``azure://CONTAINER[/PREFIX]`` is a folder in a container."""
    assert open_remote(url, credentials=NONE).url == told


@pytest.mark.parametrize(
    "url",
    [
        *("", "results", "s3://results", "azure:results", "azure://", "azure://Results", "azure://ab"),
        *("azure://a--b", "file://relative", "file://host/dir", "https://x.blob.core.windows.net/results"),
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    """With what they should be, and the URL as it was given."""
    with pytest.raises(UsageError) as raised:
        open_remote(url, credentials=NONE)
    assert raised.value.slug == "bad-setting"
    assert url in raised.value.text


@pytest.mark.parametrize(
    "url",
    [
        "https://x.blob.core.windows.net/results?sv=2021&sig=MARKED",
        "azure://results?sig=MARKED",
        "azure://user:MARKED@results",
        "azure://results/a#MARKED",
    ],
)
def test_a_secret_in_a_url_is_not_told(url: str) -> None:
    """A URL that may hold a token is refused without being repeated."""
    with pytest.raises(UsageError) as raised:
        open_remote(url, credentials=NONE)
    assert "MARKED" not in str(raised.value)


def test_a_bad_prefix_is_refused() -> None:
    """A prefix is checked as blob names are."""
    with pytest.raises(RemoteError) as raised:
        open_remote("azure://results/../x", credentials=NONE)
    assert raised.value.slug == "bad-blob-name"


def test_the_sdk_is_imported_on_first_use_only() -> None:
    """Opening a remote imports neither the SDK nor what it brings: that takes most of a second."""
    code = """
import sys
from luisy.cas.remote.credentials import Credentials
from luisy.cas.remote.opening import open_remote
open_remote("azure://results", credentials=Credentials("a", "a2V5"))
assert not {"azure", "azure.core", "requests", "urllib3"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("credentials", "kind"),
    [
        (Credentials("a", "key", "sas", "string"), Kind.CONNECTION_STRING),
        (Credentials("a", "key", "sas"), Kind.SAS),
        (Credentials("a", "key"), Kind.KEY),
        (Credentials("a"), Kind.IDENTITY),
    ],
)
def test_the_strongest_credential_is_used(credentials: Credentials, kind: Kind) -> None:
    """A connection string, a SAS token, a key, else the Entra ID login."""
    assert credentials.kind is kind


def test_credentials_are_in_no_repr() -> None:
    """Whatever prints them shows only account and endpoint."""
    assert "SECRET" not in repr(Credentials("account", "SECRET1", "SECRET2", "SECRET3", "https://x"))


@pytest.mark.parametrize(
    ("credentials", "account", "host"),
    [
        (Credentials("acc", "k"), "acc", "acc.blob.core.windows.net"),
        (
            Credentials("", "k", endpoint="https://acc.blob.core.chinacloudapi.cn"),
            "acc",
            "acc.blob.core.chinacloudapi.cn",
        ),
        (
            Credentials("", "k", endpoint="http://127.0.0.1:10000/devstoreaccount1"),
            "devstoreaccount1",
            "127.0.0.1:10000",
        ),
        (
            Credentials("", connection_string="AccountName=acc;AccountKey=k=="),
            "acc",
            "acc.blob.core.windows.net",
        ),
        (
            Credentials("", connection_string="BlobEndpoint=http://h:1/acc;AccountName=acc;AccountKey=k"),
            *("acc", "h:1"),
        ),
    ],
)
def test_account_and_host(credentials: Credentials, account: str, host: str) -> None:
    """They are found in whatever was set."""
    assert (credentials.account, credentials.host) == (account, host)


@pytest.mark.parametrize(
    ("token", "expired"),
    [
        ("se=2001-01-01T00%3A00%3A00Z&sig=x", True),
        ("se=2001-01-01", True),
        ("se=2999-01-01T00:00:00Z", False),
        ("sig=x", False),
        ("se=rubbish", False),
    ],
)
def test_expiry_of_a_token(token: str, expired: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """The end of a SAS token is read from it."""
    assert (Credentials("a", sas_token=token).expired(time.time()) is not None) is expired
