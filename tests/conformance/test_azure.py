"""What is particular to Azure: rights and settings, errors on the wire, what a call costs, and secrets."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import io
import ipaddress
import logging
import os
import random
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote

import pytest

from luisy.cas.remote import (
    ConditionFailed,
    ETag,
    Misconfigured,
    Remote,
    Traffic,
    Unreachable,
)
from luisy.cas.remote.azure import AzureRemote
from luisy.cas.remote.counting import Meter
from luisy.cas.remote.credentials import Credentials
from luisy.cas.remote.opening import open_remote
from luisy.cas.remote.retry import Backoff
from luisy.errors import RemoteError
from tests.azurite import ACCOUNT, Azurite
from tests.faults.proxy import Fault, Proxy, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

AT_ONCE = Backoff(sleep=lambda _: None)  # retries without pauses
LARGE = 24 << 20  # three blocks


@pytest.fixture
def container(azurite: Azurite) -> str:
    """An empty one."""
    return azurite.new_container()


@pytest.fixture
def remote(azurite: Azurite, container: str) -> Iterator[AzureRemote]:
    """It, with the account key."""
    remote = AzureRemote(container, credentials=azurite.credentials)
    yield remote
    remote.close()


@pytest.fixture
def proxy(azurite: Azurite) -> Iterator[Proxy]:
    """Between the client and Azurite."""
    with running(azurite) as proxy:
        yield proxy


# Settings and rights


def refused(container: str, credentials: Credentials, *, write: bool = False) -> Misconfigured:
    with pytest.raises(Misconfigured) as raised:
        open_remote(f"azure://{container}", credentials=credentials, backoff=AT_ONCE).check(write=write)
    return raised.value


def test_each_way_to_log_in(azurite: Azurite, container: str) -> None:
    """An account key, a connection string and a SAS token, with and without its question mark, open a container."""
    token = azurite.sas(container, "rcwl")
    for credentials in (
        azurite.credentials,
        Credentials(connection_string=azurite.connection_string),
        replace(azurite.credentials, account_name=""),
        token,
        replace(token, sas_token=f"?{token.sas_token}"),
    ):
        remote = AzureRemote(container, credentials=credentials)
        remote.check(write=True)
        remote.put("a", b"1")
        assert remote.get("a") == b"1"


def test_no_container(azurite: Azurite) -> None:
    """The container and its setting are named."""
    error = refused("no-such-container", azurite.credentials)
    assert "no-such-container" in error.text
    assert "azure_container_name (LUISY_AZURE_CONTAINER_NAME)" in error.hint


@pytest.mark.parametrize("key", ["bm90IHRoZSBrZXk=", "not base64!"])
def test_a_wrong_key(azurite: Azurite, container: str, key: str) -> None:
    """The key's setting is named."""
    error = refused(container, replace(azurite.credentials, storage_key=key))
    assert "azure_storage_key (LUISY_AZURE_STORAGE_KEY)" in error.hint


def test_an_expired_token(azurite: Azurite, container: str) -> None:
    """It is told that it expired, and when."""
    error = refused(container, azurite.sas(container, "rl", hours=-2))
    until = dt.datetime.now(dt.timezone.utc) - dt.timedelta(hours=2)
    assert f"expired on {until:%Y-%m-%d}" in error.text
    assert "azure_sas_token" in error.hint


def test_a_token_of_another_container(azurite: Azurite, container: str) -> None:
    """The token's setting is named."""
    assert "azure_sas_token" in refused(container, azurite.sas(azurite.new_container(), "rl")).hint


def test_a_token_for_readers(azurite: Azurite, container: str, remote: AzureRemote) -> None:
    """With ``rl`` everything can be read; a check for writing names the rights that are missing."""
    remote.put("a", b"1")
    reader = AzureRemote(container, credentials=azurite.sas(container, "rl"))
    reader.check(write=False)
    assert (reader.get("a"), len(reader.list("").blobs)) == (b"1", 1)
    assert reader.head("a") is not None
    error = refused(container, azurite.sas(container, "rl"), write=True)
    assert "rcwl" in error.hint
    with pytest.raises(Misconfigured):
        reader.put("b", b"2")


def test_a_token_for_pushers(azurite: Azurite, container: str) -> None:
    """``rcwl`` is enough for everything but deleting."""
    pusher = AzureRemote(container, credentials=azurite.sas(container, "rcwl"))
    pusher.check(write=True)
    slot = pusher.put("slot", b"", if_absent=True)
    etag = pusher.put("slot", b"1", if_match=slot)
    pusher.touch("slot", if_match=etag)
    pusher.put("large", io.BytesIO(bytes(LARGE)))
    with pytest.raises(Misconfigured):
        pusher.delete("slot")
    with pytest.raises(Misconfigured) as raised:
        pusher.check(write=True, delete=True)
    assert "gc rwdl" in raised.value.hint


def test_a_token_for_gc(azurite: Azurite, container: str) -> None:
    """``rwdl`` is enough for deleting, and a check for that deletes nothing."""
    collector = AzureRemote(container, credentials=azurite.sas(container, "rwdl"))
    etag = collector.put("slot", b"", if_absent=True)
    collector.check(write=True, delete=True)
    collector.delete("slot", if_match=etag)
    assert collector.list("").blobs == ()


def test_a_malformed_connection_string(container: str) -> None:
    """Its setting is named."""
    assert "azure_connection_string" in refused(container, Credentials(connection_string="rubbish")).hint


def test_a_host_that_does_not_exist(container: str) -> None:
    """A wrong account name has no host: a wrong setting when it is checked, unreachable later."""
    credentials = Credentials(account_name="no-such-account.invalid", storage_key="a2V5")
    with pytest.raises(Unreachable):
        AzureRemote(container, credentials=credentials).get("a")
    error = refused(container, replace(credentials, endpoint="http://no-such-host.invalid/acc"))
    assert "no-such-host.invalid" in error.text
    assert "azure_endpoint" in error.hint


def test_a_port_where_nobody_listens(azurite: Azurite, container: str) -> None:
    """It may pass: the server may be starting."""
    credentials = replace(azurite.credentials, endpoint=f"http://127.0.0.1:1/{ACCOUNT}")
    with pytest.raises(Unreachable) as raised:
        AzureRemote(container, credentials=credentials).check(write=False)
    assert "does not accept connections" in raised.value.text


def test_no_credentials_and_no_identity(container: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any, and without the package for Entra ID, both ways out are named."""
    monkeypatch.setitem(__import__("sys").modules, "azure.identity", None)
    with pytest.raises(RemoteError) as raised:
        AzureRemote(container, credentials=Credentials(account_name="acc")).check(write=False)
    assert raised.value.slug == "missing-extra"
    assert "luisy[identity]" in raised.value.hint
    assert "azure_storage_key" in raised.value.text


def test_no_account(container: str) -> None:
    """An account key alone opens nothing: the account's setting is named."""
    error = refused(container, Credentials(storage_key="a2V5"))
    assert "azure_account_name (LUISY_AZURE_ACCOUNT_NAME)" in error.hint


def test_a_check_leaves_nothing(azurite: Azurite, container: str, remote: AzureRemote) -> None:
    """Neither a blob nor an uncommitted one."""
    remote.check(write=True)
    client = azurite.service().get_container_client(container)
    assert list(client.list_blobs(include=["uncommittedblobs"])) == []


@pytest.fixture
def https_azurite(tmp_path: Path) -> Iterator[Azurite]:
    """One with a certificate that only those trust who are told to."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.timezone.utc)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    options = ("--cert", str(tmp_path / "cert.pem"), "--key", str(tmp_path / "key.pem"))
    azurite = Azurite(tmp_path / "data", options, scheme="https")
    azurite.start()
    yield azurite
    azurite.kill()


def test_tls_is_verified(https_azurite: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody vouches for is refused at once; one that the user trusts is taken."""
    assert "TLS" in refused("anything", https_azurite.credentials).text
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "cert.pem"))
    assert "anything" in refused("anything", https_azurite.credentials).text


# Errors on the wire


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_passes_is_tried_again(proxy: Proxy, container: str, status: int) -> None:
    """Throttling and server errors are got over, without the SDK's own retries."""
    remote = open_remote(f"azure://{container}", credentials=proxy.credentials, backoff=AT_ONCE)
    proxy.fail_first(2, Fault(status), method="PUT")
    remote.put("a", b"1")
    assert [method for method, _ in proxy.requests] == ["PUT"] * 3


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"x-ms-retry-after-ms": "2500"}, 2.5),
        ({"Date": "Mon, 01 Jan 2024 00:00:00 GMT", "Retry-After": "Mon, 01 Jan 2024 00:00:09 GMT"}, 9.0),
        ({"Retry-After": "rubbish"}, 0.0),
        ({}, 0.0),
    ],
)
def test_retry_after_is_read(proxy: Proxy, container: str, headers: dict[str, str], seconds: float) -> None:
    """As seconds, milliseconds or a date."""
    proxy.fail_first(1, Fault(503, headers), method="GET")
    with pytest.raises(Unreachable) as raised:
        AzureRemote(container, credentials=proxy.credentials).get("a")
    assert raised.value.retry_after == seconds


def test_a_reset_is_tried_again(proxy: Proxy, container: str) -> None:
    """A put-if-absent whose answer got lost on the wire knows its own success."""
    remote = open_remote(f"azure://{container}", credentials=proxy.credentials, backoff=AT_ONCE)
    proxy.fail_first(1, Fault(lost=True), method="PUT")
    etag = remote.put("slot", b"", if_absent=True, metadata={"writer": "w-1"})
    slot = remote.head("slot")
    assert slot is not None
    assert slot.etag == etag
    proxy.fail_first(1, Fault(lost=True), method="PUT")
    remote.put("slot", b"segment", if_match=etag, metadata={"writer": "w-2"})
    assert remote.get("slot") == b"segment"


def test_a_lost_block_list_does_not_send_the_blocks_again(proxy: Proxy, container: str) -> None:
    """The commit of a large blob is tried again by itself, and knows its own success."""
    remote = open_remote(f"azure://{container}", credentials=proxy.credentials, backoff=AT_ONCE)
    proxy.fail_first(1, Fault(lost=True), method="PUT", having="comp=blocklist")
    remote.put("a", io.BytesIO(bytes(LARGE)), if_absent=True, metadata={"writer": "w-1"})
    assert [path.count("comp=block&") for _, path in proxy.requests].count(1) == 3


def test_a_failed_block_is_sent_again_alone(proxy: Proxy, container: str) -> None:
    """Not the whole blob."""
    remote = open_remote(f"azure://{container}", credentials=proxy.credentials, backoff=AT_ONCE)
    proxy.fail_first(2, Fault(500), method="PUT", having="comp=block&")
    data = random.Random(3).randbytes(LARGE)
    remote.put("a", io.BytesIO(data))
    assert sum("comp=block&" in path for _, path in proxy.requests) == 5
    assert remote.get("a") == data


def test_a_short_answer_is_not_taken_for_the_blob(proxy: Proxy, container: str) -> None:
    """A connection that ends early is an error that passes, in a range and in a stream."""
    remote = open_remote(f"azure://{container}", credentials=proxy.credentials, backoff=AT_ONCE)
    data = random.Random(4).randbytes(LARGE)
    remote.put("a", io.BytesIO(data))
    proxy.fail_first(2, Fault(keep=1000), method="GET")
    assert remote.get("a", 5000, 5000) == data[5000:10_000]
    proxy.fail_first(2, Fault(keep=100_000), method="GET")
    assert b"".join(remote.read("a")) == data


def test_short_data_without_an_error_is_an_error(proxy: Proxy, container: str) -> None:
    """An answer that is whole in itself, but shorter than the range, is tried again."""
    remote = open_remote(f"azure://{container}", credentials=proxy.credentials, backoff=AT_ONCE)
    data = random.Random(5).randbytes(LARGE)
    remote.put("a", io.BytesIO(data))
    proxy.fail_first(2, Fault(keep=10, quietly=True), method="GET")
    assert remote.get("a", 5000, 5000) == data[5000:10_000]
    assert [method for method, _ in proxy.requests].count("GET") == 3
    proxy.fail_first(3, Fault(keep=10, quietly=True), method="GET")
    assert b"".join(remote.read("a")) == data


def test_a_blob_that_shrinks_while_it_is_read(remote: AzureRemote) -> None:
    """It is an error that passes, not a short blob."""
    remote.put("a", io.BytesIO(bytes(LARGE)))
    pieces = remote.read("a")
    next(pieces)
    remote.put("a", bytes(9 << 20))
    with pytest.raises(Unreachable):
        list(pieces)


def test_azurite_stopped_and_started_again(tmp_path: Path) -> None:
    """A client goes on with what was written before, when the server is back."""
    azurite = Azurite(tmp_path / "azurite")
    azurite.start()
    try:
        container = azurite.new_container()
        meter = Meter()

        def restart(_: float) -> None:
            if azurite.process is None:
                azurite.start()

        remote = open_remote(
            f"azure://{container}",
            credentials=azurite.credentials,
            meter=meter,
            backoff=Backoff(sleep=restart),
        )
        remote.put("a", b"1")
        azurite.stop()
        remote.put("b", b"2")
        assert (remote.get("a"), remote.get("b")) == (b"1", b"2")
    finally:
        azurite.kill()


# Connections and forks


def child_passes(claim: Callable[[], bool]) -> bool:
    """True if *claim* holds in a forked child."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if claim() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_connections_are_kept(proxy: Proxy, container: str) -> None:
    """Requests that follow each other go by one connection."""
    remote = AzureRemote(container, credentials=proxy.credentials)
    for _ in range(3):
        remote.head("a")
    assert len(set(proxy.connections)) == 1


def test_no_connection_is_shared_with_a_child(proxy: Proxy, container: str) -> None:
    """Parent and child each open their own after a fork."""
    remote = AzureRemote(container, credentials=proxy.credentials)
    remote.head("a")
    assert child_passes(lambda: remote.head("a") is None)
    remote.head("a")
    before, child, after = proxy.connections
    assert child not in {before, after}


def test_no_connection_is_carried_into_a_child(azurite: Azurite, container: str) -> None:
    """A child inherits no open socket of a remote, so the server sees it closed when the parent closes it."""
    before = sockets()
    remote = AzureRemote(container, credentials=azurite.credentials)
    remote.head("a")
    assert len(sockets() - before) == 1
    assert child_passes(lambda: not sockets() - before)


def sockets() -> set[str]:
    """The open sockets of this process."""
    links = set()
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):
            links.add(os.readlink(f"/proc/self/fd/{descriptor}"))
    return {link for link in links if link.startswith("socket:")}


# What is stored by others


def test_folders_of_a_hierarchical_namespace_are_no_blobs(
    azurite: Azurite, container: str, remote: AzureRemote
) -> None:
    """Entries with ``hdi_isfolder`` are left out of listings."""
    client = azurite.service().get_container_client(container)
    client.upload_blob("index", b"", metadata={"hdi_isfolder": "true"})
    client.upload_blob("objects", b"", metadata={"Hdi_isfolder": "true"})
    remote.put("index/a", b"1")
    assert [blob.name for blob in remote.list("").blobs] == ["index/a"]


def test_names_that_are_refused_are_listed_apart(
    azurite: Azurite, container: str, remote: AzureRemote
) -> None:
    """A blob whose name no other adapter could hold is told, not hidden and not passed off as one."""
    client = azurite.service().get_container_client(container)
    client.upload_blob("raw//b", b"1")
    client.upload_blob("raw/a", b"1")
    listing = remote.list("raw/")
    assert ([blob.name for blob in listing.blobs], listing.refused) == (["raw/a"], ("raw//b",))


def test_encoded_content_comes_as_it_is_stored(azurite: Azurite, container: str, remote: AzureRemote) -> None:
    """A blob with ``Content-Encoding: gzip`` is not unpacked on the way: its size and digest are those of the blob."""
    from azure.storage.blob import ContentSettings

    stored = gzip.compress(b"x" * 1000)
    client = azurite.service().get_container_client(container)
    client.upload_blob("raw/a", stored, content_settings=ContentSettings(content_encoding="gzip"))
    assert (remote.get("raw/a"), b"".join(remote.read("raw/a"))) == (stored, stored)


# What it costs


def cost(meter: Meter, call: Callable[[], object]) -> Traffic:
    before = meter.traffic
    call()
    return meter.traffic - before


def test_requests_and_bytes_of_each_call(azurite: Azurite, container: str) -> None:
    """Every round trip is counted: pages, blocks and block lists, too."""
    meter = Meter()
    remote = open_remote(f"azure://{container}", credentials=azurite.credentials, meter=meter)
    assert cost(meter, lambda: remote.check(write=False)) == Traffic(1)
    assert cost(meter, lambda: remote.check(write=True)) == Traffic(2)
    assert cost(meter, lambda: remote.check(write=True, delete=True)) == Traffic(3)
    pack = bytes(16 << 20)
    assert cost(meter, lambda: remote.put("pack", pack, if_absent=True)) == Traffic(1, bytes_up=16 << 20)
    assert cost(meter, lambda: remote.put("large", io.BytesIO(bytes(LARGE)))) == Traffic(4, bytes_up=LARGE)
    assert cost(meter, lambda: remote.get("pack", 100, 50)) == Traffic(1, bytes_down=50)
    assert cost(meter, lambda: remote.get("pack")) == Traffic(1, bytes_down=16 << 20)
    assert cost(meter, lambda: list(remote.read("large"))) == Traffic(3, bytes_down=LARGE)
    assert cost(meter, lambda: remote.head("pack")) == Traffic(1)
    assert cost(meter, lambda: remote.list("")) == Traffic(1)
    assert cost(meter, lambda: remote.delete("pack")) == Traffic(1)
    with pytest.raises(ConditionFailed):
        remote.put("large", b"", if_match=ETag("0x1"))


def test_each_page_of_a_listing_is_counted(azurite: Azurite, container: str) -> None:
    """A listing costs as many requests as it has pages."""
    meter = Meter()
    remote = AzureRemote(container, credentials=azurite.credentials, meter=meter, page_size=3)
    for i in range(7):
        remote.put(f"a{i}", b"")
    assert cost(meter, lambda: remote.list("")) == Traffic(3)


def test_failed_attempts_are_counted(proxy: Proxy, container: str) -> None:
    """They cost as much."""
    meter = Meter()
    remote = open_remote(f"azure://{container}", credentials=proxy.credentials, meter=meter, backoff=AT_ONCE)
    proxy.fail_first(2, Fault(503), method="PUT")
    assert cost(meter, lambda: remote.put("a", b"12345")) == Traffic(3, bytes_up=15)


@pytest.mark.slow
def test_memory_is_bounded_both_ways(azurite: Azurite, container: str, tmp_path: Path) -> None:
    """A blob of 200 MiB passes through a process that needs less than 160 MiB more, up and down."""
    (tmp_path / "large").write_bytes(b"")
    os.truncate(tmp_path / "large", 200 << 20)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = _pass_through(azurite, container, tmp_path / "large")
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _resident_peak() -> int:
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))


def _pass_through(azurite: Azurite, container: str, large: Path) -> int:
    with open("/proc/self/clear_refs", "w", encoding="ascii") as peak:
        peak.write("5")  # the peak of this process begins here
    before = _resident_peak()
    remote = AzureRemote(container, credentials=azurite.credentials)
    with large.open("rb") as file:
        remote.put("large", file)
    size = sum(map(len, remote.read("large")))
    return 0 if size == 200 << 20 and _resident_peak() - before < 160 << 20 else 1


# Secrets


def error_of(call: Callable[[], object]) -> RemoteError | None:
    try:
        call()
    except RemoteError as error:
        return error
    return None


def everything_that_fails(remote: Remote) -> Iterator[Exception]:
    calls: list[Callable[[], object]] = [
        lambda: remote.check(write=True),
        lambda: remote.list(""),
        lambda: remote.head("a"),
        lambda: remote.get("a"),
        lambda: list(remote.read("a")),
        lambda: remote.put("a", b"1"),
        lambda: remote.put("a", io.BytesIO(bytes(17 << 20))),
        lambda: remote.touch("a", if_match=ETag("0x1")),
        lambda: remote.delete("a"),
    ]
    for call in calls:
        error = error_of(call)
        if error is not None:
            yield error


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("fault", [None, 403, 500, "reset", "refused"])
@pytest.mark.parametrize("kind", ["key", "sas", "connection string"])
def test_secrets_are_told_nowhere(
    proxy: Proxy, container: str, kind: str, fault: object, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither messages, reprs, exception chains nor logs, down to the debug messages of the libraries, have one."""
    azurite = proxy.azurite
    caplog.set_level(logging.DEBUG)
    sas = azurite.sas(container, "rl", hours=-1 if fault == 403 else 1)
    token = replace(sas, endpoint=proxy.credentials.endpoint)
    string = azurite.connection_string.replace(azurite.endpoint, proxy.credentials.endpoint)
    wrong = "d3Jvbmc=" if fault == 403 else azurite.key
    credentials = {
        "key": replace(proxy.credentials, storage_key=wrong),
        "sas": token,
        "connection string": Credentials(connection_string=string.replace(azurite.key, wrong)),
    }[kind]
    if fault == "refused":
        nobody = f"http://127.0.0.1:1/{ACCOUNT}"
        credentials = replace(
            credentials,
            endpoint=nobody,
            connection_string=credentials.connection_string.replace(proxy.credentials.endpoint, nobody),
        )
    if fault == 500:
        proxy.fault = lambda method, path: Fault(500)
    if fault == "reset":
        proxy.fault = lambda method, path: Fault(lost=True)
    remote = open_remote(
        f"azure://{container}", credentials=credentials, backoff=Backoff(2, sleep=lambda _: None)
    )
    errors = list(everything_that_fails(remote))
    links = [link for error in errors for link in chain_of(error)]
    told = (
        [str(link) for link in links]
        + [repr(link) for link in links]
        + [getattr(e, "hint", "") for e in links]
    )
    told += ["".join(traceback.format_exception(error)) for error in errors]
    told += [repr(remote), repr(credentials), caplog.text]
    told += [repr(record.__dict__) for record in caplog.records]
    signature = parse_qs(sas.sas_token)["sig"][0]
    secrets = {azurite.key, wrong, signature, quote(signature), quote(signature, safe="")}
    assert [text for text in told for secret in secrets if secret in text] == []
    if fault is not None:
        assert len(errors) == 9
        assert all(isinstance(link, RemoteError) for link in links)


def test_debug_messages_have_urls_without_signatures(
    azurite: Azurite, container: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The libraries' debug messages are there, so the claim about secrets in logs is not an empty one."""
    caplog.set_level(logging.DEBUG)
    AzureRemote(container, credentials=azurite.sas(container, "rl")).list("")
    assert "sig=..." in caplog.text
