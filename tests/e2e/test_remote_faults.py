"""Runs with a remote that fails: right bytes, or an honest failure."""

from __future__ import annotations

import base64
import os
import pickle
import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from luisy.cas.remote.credentials import Credentials
from tests.azurite import ACCOUNT, Azurite
from tests.azurite import azurite as azurite  # noqa: PLC0414 - a fixture
from tests.e2e.machines import Machine, settings_of
from tests.faults.proxy import Fault, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.faults.proxy import Proxy

_TASKS = """
import os
import pickle
import signal

import luisy


def ran(task):
    with open(os.environ["TRAIL"], "a") as trail:
        trail.write(type(task).__name__ + "\\n")


class Large(luisy.Task):
    def run(self):
        ran(self)
        self.write(list(range(500_000)))  # more than 1 MiB: a blob of its own


class Small(luisy.Task):
    def run(self):
        ran(self)
        if "KILL" in os.environ:
            os.kill(int(os.environ["KILL"]), signal.SIGKILL)
        self.write("small")


class Final(luisy.Task):
    def requires(self):
        return [Large(), Small()]

    def run(self):
        ran(self)
        large, small = (target.read() for target in self.input())
        self.write((sum(large), small))
"""
_ALL = ["Final", "Large", "Small"]
_FINAL = "(124999750000, 'small')"
_BUSY = Fault(status=503)
_FULL = Fault(status=507)


@pytest.fixture
def container(azurite: Azurite) -> str:
    """An empty container."""
    return azurite.new_container()


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Azurite]:
    """An emulator of one's own, to be killed."""
    azurite = Azurite(tmp_path / "azurite")
    azurite.start()
    yield azurite
    azurite.kill()


def _machine(folder: Path, container: str, credentials: Credentials, **variables: str) -> Machine:
    return Machine(folder, _TASKS, {**settings_of(container, credentials), **variables})


def _nobody() -> Credentials:
    """An endpoint that accepts no connection."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    key = base64.b64encode(os.urandom(32)).decode()
    return Credentials(ACCOUNT, storage_key=key, endpoint=f"http://127.0.0.1:{port}/{ACCOUNT}")


def _holds_right_bytes(machine: Machine) -> None:
    """The workspace has the right result."""
    said = machine.luisy("get", "Final")
    assert said.code == 0, said.stderr
    (path,) = (machine.root / "data").rglob("Final.pkl")
    assert repr(pickle.loads(path.read_bytes())) == _FINAL


def _push_all(folder: Path, azurite: Azurite, container: str) -> Machine:
    """A machine that has executed everything and uploaded it."""
    machine = _machine(folder, container, azurite.credentials)
    said = machine.run("Final", "--upload")
    assert said.code == 0, said.stderr
    return machine


def _change(azurite: Azurite, container: str, folder: str, change: Callable[[Any], None]) -> int:
    """Do *change* to each blob in *folder* of the namespace; returns how many there are."""
    client = azurite.service().get_container_client(container)
    names = [blob.name for blob in client.list_blobs(f"pipe/.luisy/v1/{folder}/")]
    for name in names:
        change(client.get_blob_client(name))
    return len(names)


def _flip(blob: Any) -> None:
    """Flip a bit of each byte, so of all that is in the blob; its length stays."""
    blob.upload_blob(bytes(byte ^ 0x10 for byte in blob.download_blob().readall()), overwrite=True)


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_busy_remote_recovers(azurite: Azurite, container: str, tmp_path: Path, method: str) -> None:
    """Answers of 503 that end are tried again, and the run is what it is without them."""
    with running(azurite) as proxy:
        proxy.fail_first(3, _BUSY, method=method)
        one = _machine(tmp_path / "one", container, proxy.credentials)
        said = one.run("Final", "--download", "--upload")
    assert said.code == 0, said.stderr
    two = _machine(tmp_path / "two", container, azurite.credentials)
    assert two.run("Final", "--download").outcomes["Final"] == "remote"
    _holds_right_bytes(two)


def test_remote_that_is_down_costs_one_warning(container: str, tmp_path: Path) -> None:
    """With ``--download`` and no answer from the start, everything executes here."""
    machine = _machine(tmp_path / "one", container, _nobody())
    said = machine.run("Final", "--download")
    assert said.code == 0, said.stderr
    assert said.stderr.count("the remote does not answer") == 1
    assert said.stderr.count("127.0.0.1") <= 1
    assert sorted(machine.ran) == _ALL
    _holds_right_bytes(machine)


def test_required_remote_that_is_down_fails(container: str, tmp_path: Path) -> None:
    """With ``--require-remote`` it is an error, before any task runs."""
    machine = _machine(tmp_path / "one", container, _nobody())
    said = machine.run("Final", "--download", "--require-remote")
    assert said.code == 3
    assert said.document["error"]["slug"] == "remote-unreachable"
    assert machine.ran == []


def test_remote_that_dies_in_the_run(mortal: Azurite, tmp_path: Path) -> None:
    """The results are kept, the exit code says that the upload is not complete, and a later one completes it."""
    container = mortal.new_container()
    database = mortal.folder / "__azurite_db_blob__.json"
    while (
        not database.exists() or container not in database.read_text()
    ):  # the emulator writes it now and then
        time.sleep(0.05)
    assert mortal.process is not None
    machine = _machine(tmp_path / "one", container, mortal.credentials, KILL=str(mortal.process.pid))
    said = machine.run("Final", "--upload")
    assert said.code == 3, said.stderr
    assert said.document["status"] == "success"
    assert "luisy cas push" in said.stderr
    assert sorted(machine.ran) == _ALL
    mortal.kill()
    mortal.start()
    machine.settings = settings_of(container, mortal.credentials)
    assert machine.run("Final", "--upload").code == 0
    assert sorted(machine.ran) == _ALL
    other = _machine(tmp_path / "two", container, mortal.credentials)
    assert other.run("Final", "--download").outcomes["Final"] == "remote"
    _holds_right_bytes(other)


def test_remote_that_dies_before_what_was_planned_came(
    azurite: Azurite, container: str, tmp_path: Path
) -> None:
    """What was to be downloaded executes here in the same run."""
    _push_all(tmp_path / "one", azurite, container)
    machine = _machine(tmp_path / "two", container, azurite.credentials)
    with running(azurite) as proxy:
        machine.settings = settings_of(container, proxy.credentials)
        proxy.fault = lambda method, path: _BUSY if "/packs/" in path or "/objects/" in path else None
        said = machine.run("Final", "--download")
    assert said.code == 0, said.stderr
    assert said.stderr.count("the remote does not answer") == 1
    assert sorted(machine.ran) == _ALL
    _holds_right_bytes(machine)


def _no_account_key(credentials: Credentials) -> Credentials:
    return replace(credentials, storage_key=base64.b64encode(os.urandom(32)).decode())


@pytest.mark.parametrize("direction", ["--download", "--upload"])
@pytest.mark.parametrize("wrong", ["azure_container_name", "azure_storage_key", "azure_sas_token"])
def test_misconfiguration_fails_before_work(
    azurite: Azurite, container: str, tmp_path: Path, direction: str, wrong: str
) -> None:
    """No such container, a wrong key, an expired token: the error names the setting, and no task has run."""
    credentials = {
        "azure_container_name": azurite.credentials,
        "azure_storage_key": _no_account_key(azurite.credentials),
        "azure_sas_token": azurite.sas(container, "rcwl", hours=-1),
    }[wrong]
    name = "no-such-container" if wrong == "azure_container_name" else container
    machine = _machine(tmp_path / "one", name, credentials)
    said = machine.run("Final", direction)
    assert said.code == 3
    error = said.document["error"]
    assert wrong in error["text"] + error["hint"]
    assert machine.ran == []


def test_reader_cannot_upload(azurite: Azurite, container: str, tmp_path: Path) -> None:
    """A token without the right to write is told before any work if something is to go up."""
    machine = _machine(tmp_path / "one", container, azurite.sas(container, "rl"))
    said = machine.run("Final", "--upload")
    assert said.code == 3
    assert "azure_sas_token" in said.document["error"]["hint"]
    assert machine.ran == []


@pytest.mark.parametrize("folder", ["packs", "objects"])
def test_damaged_blob_is_a_miss(azurite: Azurite, container: str, tmp_path: Path, folder: str) -> None:
    """A result whose bytes are not what they should be executes here, and its bytes are right."""
    _push_all(tmp_path / "one", azurite, container)
    assert _change(azurite, container, folder, _flip) == 1
    machine = _machine(tmp_path / "two", container, azurite.credentials)
    task = "Final" if folder == "packs" else "Large"
    said = machine.run(task, "--download")
    assert said.code == 0, said.stderr
    assert said.outcomes[task] == "executed"
    assert task in machine.ran
    if task == "Final":
        assert said.outcomes["Large"] == "remote"
        _holds_right_bytes(machine)


def test_vanished_blob_is_planned_around(azurite: Azurite, container: str, tmp_path: Path) -> None:
    """What a deleted blob held executes in the same run; what is still there comes from the remote."""
    _push_all(tmp_path / "one", azurite, container)
    assert _change(azurite, container, "packs", lambda blob: blob.delete_blob()) == 1
    machine = _machine(tmp_path / "two", container, azurite.credentials)
    said = machine.run("Final", "--download")
    assert said.code == 0, said.stderr
    assert said.outcomes == {"Final": "executed", "Small": "executed", "Large": "remote"}
    assert sorted(machine.ran) == ["Final", "Small"]
    _holds_right_bytes(machine)


def test_damage_is_repaired_by_the_next_upload(azurite: Azurite, container: str, tmp_path: Path) -> None:
    """Who met a damaged blob replaces it, and a third machine downloads again."""
    _push_all(tmp_path / "one", azurite, container)
    _change(azurite, container, "packs", _flip)
    two = _machine(tmp_path / "two", container, azurite.credentials)
    assert two.run("Final", "--download", "--upload").code == 0
    three = _machine(tmp_path / "three", container, azurite.credentials)
    assert three.run("Final", "--download").outcomes["Final"] == "remote"
    assert three.ran == []
    _holds_right_bytes(three)


def _flaws(machine: Machine, *repair: str, code: int) -> set[tuple[str, str | None]]:
    """What ``verify --remote`` finds, and what became of it."""
    said = machine.luisy("cas", "verify", "--remote", "--json", *repair)
    assert said.code == code, said.stderr
    return {(one["kind"], one["repair"]) for one in said.document["problems"]}


@pytest.mark.parametrize(
    ("change", "kind"),
    [(_flip, "damaged-object"), (lambda blob: blob.delete_blob(), "lost-object")],
    ids=["flipped", "deleted"],
)
@pytest.mark.parametrize("folder", ["packs", "objects"])
def test_a_remote_is_repaired_from_the_store(  # noqa: PLR0917 - fixtures and parameters
    azurite: Azurite,
    container: str,
    tmp_path: Path,
    folder: str,
    change: Callable[[Any], None],
    kind: str,
) -> None:
    """Damage is told with exit code 4, the repair puts the store's copies there, and another machine has them."""
    one = _push_all(tmp_path / "one", azurite, container)
    assert _change(azurite, container, folder, change) == 1
    assert _flaws(one, code=4) == {(kind, None), ("dangling-action", None)}
    assert _flaws(one, "--repair", code=0) == {(kind, "replaced"), ("dangling-action", "replaced")}
    assert _flaws(one, code=0) == set()
    two = _machine(tmp_path / "two", container, azurite.credentials)
    assert two.run("Large", "--download").outcomes["Large"] == "remote"
    assert two.run("Final", "--download").outcomes["Final"] == "remote"
    assert two.ran == []
    _holds_right_bytes(two)


def test_what_nobody_has_a_copy_of_is_a_miss_after_the_repair(
    azurite: Azurite, container: str, tmp_path: Path
) -> None:
    """Repaired by a machine with an empty store: what was lost executes again, and what was not is downloaded."""
    _push_all(tmp_path / "one", azurite, container)
    assert _change(azurite, container, "objects", _flip) == 1
    two = _machine(tmp_path / "two", container, azurite.credentials)
    assert _flaws(two, "--repair", code=0) == {
        ("damaged-object", "quarantined"),
        ("dangling-action", "forgotten"),
    }
    assert _flaws(two, code=0) == set()
    said = two.run("Large", "--download", "--upload")
    assert said.outcomes["Large"] == "executed"
    assert "damaged" not in said.stderr
    assert two.run("Final", "--download").outcomes["Final"] == "remote"
    _holds_right_bytes(two)
    assert _flaws(two, code=0) == set()


def _commits(proxy: Proxy, fault: Fault) -> None:
    """The first commit meets *fault*: the second time that a segment's blob is put; the first time opens the slot."""
    opened: list[str] = []

    def decide(method: str, path: str) -> Fault | None:
        if method != "PUT" or "/index/" not in path:
            return None
        opened.append(path)
        return fault if opened.count(path) == 2 and len(set(opened)) == 1 else None

    proxy.fault = decide


@pytest.mark.parametrize(
    ("fault", "late"),
    [(Fault(lost=True), []), (Fault(late=True), [412])],
    ids=["before the retry", "after it"],
)
def test_a_commit_that_lands_late_happens_once(
    azurite: Azurite, container: str, tmp_path: Path, fault: Fault, late: list[int]
) -> None:
    """Whether the first attempt landed before the second or after it: the push succeeds, with one segment."""
    with running(azurite) as proxy:
        _commits(proxy, fault)
        one = _machine(tmp_path / "one", container, proxy.credentials)
        said = one.run("Final", "--upload")
        assert said.code == 0, said.stderr
        assert proxy.late == late
        puts = [path for method, path in proxy.requests if method == "PUT" and "/index/" in path]
    assert len(puts) == 3
    assert len(set(puts)) == 1
    assert _change(azurite, container, "index", lambda _: None) == 1
    two = _machine(tmp_path / "two", container, azurite.credentials)
    assert two.run("Final", "--download").outcomes["Final"] == "remote"
    assert two.ran == []
    _holds_right_bytes(two)


def test_a_slow_remote_costs_time_only(azurite: Azurite, container: str, tmp_path: Path) -> None:
    """With a fifth of a second on each request all is uploaded, and downloaded, as it is without."""
    with running(azurite) as proxy:
        proxy.fault = lambda *_: Fault(delay=0.2)
        said = _machine(tmp_path / "one", container, proxy.credentials).run("Final", "--upload")
        assert said.code == 0, said.stderr
        two = _machine(tmp_path / "two", container, proxy.credentials)
        assert two.run("Final", "--download").outcomes["Final"] == "remote"
    assert two.ran == []
    _holds_right_bytes(two)


@pytest.mark.parametrize("where", ["/objects/", "/packs/", "/index/"])
def test_a_remote_without_space_loses_nothing(
    azurite: Azurite, container: str, tmp_path: Path, where: str
) -> None:
    """The results are kept here, the exit code says that the upload is not complete, and a push completes it."""
    with running(azurite) as proxy:
        machine = _machine(tmp_path / "one", container, proxy.credentials)
        proxy.fault = lambda method, path: _FULL if method == "PUT" and where in path else None
        said = machine.run("Final", "--upload")
        assert said.code == 3, said.stderr
        assert said.document["status"] == "success"
        assert "luisy cas push" in said.stderr
        assert f"azure://{container} has no space left" in said.stderr
        assert "Unexpected return type" not in said.stderr  # the SDK's own words
        proxy.fault = lambda *_: None
        again = machine.luisy("cas", "push")
        assert again.code == 0, again.stderr
    assert sorted(machine.ran) == _ALL
    two = _machine(tmp_path / "two", container, azurite.credentials)
    assert two.run("Final", "--download").outcomes["Final"] == "remote"
    assert two.ran == []
    _holds_right_bytes(two)
