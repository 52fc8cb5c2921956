"""Secrets are nowhere: everything that talks runs with marked ones, and every byte that it left is searched."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest
import zstandard

from luisy.cas.remote.credentials import Credentials
from luisy.cas.remote.opening import open_remote
from luisy.cas.signing import generate
from luisy.cas.signing import load as load_key
from luisy.settings import load
from tests.azurite import azurite as azurite  # noqa: PLC0414 - a fixture
from tests.e2e.machines import Machine, Said, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.azurite import Azurite

_PRIVATE = "private-7f3a91c2-value"
_HIDDEN = "hidden-52bd08e6-value"

# Values come by luigi.cfg, or from the task above: on a command line, they would stand there by the user's own hand.
_CONFIG = f"""
[Guarded]
password = {_PRIVATE}
[Lonely]
password = {_PRIVATE}
[options]
token = {_PRIVATE}
"""
_TASKS = """
import os
import time

import luigi
import luisy
from luigi.parameter import ParameterVisibility


def ran(task):
    with open(os.environ["TRAIL"], "a") as trail:
        trail.write(type(task).__name__ + "\\n")


class options(luigi.Config):
    token = luigi.Parameter(visibility=ParameterVisibility.PRIVATE)


class Guarded(luisy.Task):
    password = luigi.Parameter(visibility=ParameterVisibility.PRIVATE)
    hint = luigi.Parameter(visibility=ParameterVisibility.HIDDEN)

    def run(self):
        ran(self)
        self.write(len(self.password) + len(self.hint) + len(options().token))


class Lonely(luisy.Task):
    password = luigi.Parameter(visibility=ParameterVisibility.PRIVATE)

    def run(self):
        ran(self)
        self.write(len(self.password))


class Dynamic(luisy.Task):
    def run(self):
        target = yield Guarded(hint=HINT)
        ran(self)
        self.write(target.read())


class Root(luisy.Task):
    def requires(self):
        return [Guarded(hint=HINT), Lonely(), Dynamic()]

    def run(self):
        ran(self)
        self.write(sum(target.read() for target in self.input()))


class Slow(luisy.Task):
    def run(self):
        ran(self)
        time.sleep(600)


class Broken(luisy.Task):
    password = luigi.Parameter(default=Lonely().password, visibility=ParameterVisibility.PRIVATE)

    def requires(self):
        return Guarded(hint=HINT)

    def run(self):
        ran(self)
        with open(self.output().path + ".beside", "w") as beside:
            beside.write("x")
        raise ValueError("on purpose")
"""
# The code itself is kept and pushed, so the hidden value is not to stand in it.
_HINT = 'HINT = open(os.environ["HINT_FILE"]).read()\n'


@dataclass
class Marked:
    """Machines that know secrets of all kinds, and all that can be found out about them.

    :param marks: what must be found nowhere, by what it is.
    """

    root: Path
    azurite: Azurite
    container: str
    marks: dict[str, bytes]

    def machine(self, name: str, credentials: Credentials) -> Machine:
        """A machine that opens the remote by *credentials*."""
        tasks = _TASKS.replace("class options", _HINT + "\n\nclass options", 1)
        machine = Machine(self.root / name, tasks, settings_of(self.container, credentials))
        (machine.root / "code" / "luigi.cfg").write_text(_CONFIG)
        (machine.root / "hint").write_text(_HIDDEN)
        machine.settings = {
            **machine.settings,
            "HINT_FILE": str(machine.root / "hint"),
            "LUISY_SIGNING_KEY": str(self.root / "signing-key"),
            "LUISY_TRUSTED_KEYS": load_key(self.root / "signing-key").public.hex(),
        }
        return machine

    def mark_token(self, credentials: Credentials) -> Credentials:
        """*credentials* whose SAS signature is searched for, too."""
        signature = parse_qs(credentials.sas_token)["sig"][0]
        self.marks[f"signature {len(self.marks)}"] = signature.encode()
        self.marks[f"encoded signature {len(self.marks)}"] = _sent_signature(credentials).encode()
        return credentials

    def hears(self, said: Said) -> Said:
        """Search what a process said."""
        self.found_in("stdout", said.stdout.encode())
        self.found_in("stderr", said.stderr.encode())
        return said

    def found_in(self, place: str, data: bytes) -> None:
        """Fail where a mark is in *data*, or packed into it."""
        layers = [data, *_unpacked(data)]
        for what, mark in self.marks.items():
            assert not any(mark in layer for layer in layers), (
                f"{what} in {place}: ...{data[max(0, data.find(mark) - 200) :][:300]!r}"
            )

    def search_files(self, machine: Machine) -> int:
        """Search all that luisy wrote on *machine*; returns how many files that were."""
        files = [path for path in (machine.root / "data").rglob("*") if path.is_file()]
        for path in files:
            self.found_in(str(path), path.read_bytes())
            self.found_in(f"the name {path}", os.fsencode(path))
        return len(files)

    def search_blobs(self) -> int:
        """Search the remote; returns how many blobs it has."""
        container = self.azurite.service().get_container_client(self.container)
        blobs = list(container.list_blobs(include=["metadata"]))
        for blob in blobs:
            self.found_in(f"blob {blob.name}", container.download_blob(blob.name).readall())
            self.found_in(f"metadata of {blob.name}", repr((blob.name, blob.metadata)).encode())
        return len(blobs)


def _unpacked(data: bytes) -> Iterator[bytes]:
    """All zstd frames in *data*."""
    for place in re.finditer(re.escape(zstandard.FRAME_HEADER), data):
        unpacker = zstandard.ZstdDecompressor().decompressobj()
        with contextlib.suppress(zstandard.ZstdError):  # four bytes that look like the start of one
            yield unpacker.decompress(data[place.start() :])


def _sent_signature(credentials: Credentials) -> str:
    """The signature as it stands in the token."""
    return next(part[4:] for part in credentials.sas_token.split("&") if part.startswith("sig="))


@pytest.fixture
def marked(tmp_path: Path, azurite: Azurite) -> Marked:
    """A container of its own."""
    marks = {"the account key": azurite.key, "a private parameter": _PRIVATE, "a hidden parameter": _HIDDEN}
    found = {what: mark.encode() for what, mark in marks.items()}
    generate(tmp_path / "signing-key")
    pem = (tmp_path / "signing-key").read_bytes().splitlines()[1]
    private = base64.b64decode(pem)[-32:]
    found |= {"the signing key": pem[-40:], "its bytes": private, "its digits": private.hex().encode()}
    return Marked(tmp_path, azurite, azurite.new_container(), found)


@pytest.mark.parametrize("verbosity", [("-v",), ("-v", "--workers", "2"), ("--json",)])
def test_key_while_running(marked: Marked, verbosity: tuple[str, ...]) -> None:
    """Neither a run that uploads nor one that downloads tells the key, or what a parameter is not to show."""
    one, two = (marked.machine(name, marked.azurite.credentials) for name in ("one", "two"))
    assert marked.hears(one.luisy("run", "Root", "--upload", *verbosity)).code == 0
    assert sorted(one.ran) == ["Dynamic", "Guarded", "Lonely", "Root"]
    assert marked.hears(two.luisy("run", "Root", "--download", *verbosity)).code == 0
    # What it yields has a parameter that is not public, so its trace does not say how to build that task again.
    assert set(two.ran) <= {"Dynamic"}
    assert marked.search_files(one) > 10
    assert marked.search_files(two) > 2
    assert marked.search_blobs() > 2


@pytest.mark.parametrize("form", ["-v", "--json"])
def test_other_commands(marked: Marked, form: str) -> None:
    """Commands that look, push and pull tell none of them."""
    machine = marked.machine("one", marked.azurite.credentials)
    assert marked.hears(machine.luisy("run", "Root", form)).code == 0
    for command in (
        ("plan", "Root", "--download"),
        ("key", "Root"),
        ("get", "Lonely"),
        ("cas", "push", "--dry-run"),
        ("cas", "push"),
        ("cas", "pull", "--all"),
        ("cas", "ls", "--remote"),
        ("cas", "status"),
        ("cas", "verify", "--remote", "--repair"),
        ("signing", "list", "--remote"),
        ("signing", "resign"),
        ("doctor",),
    ):
        assert marked.hears(machine.luisy(*command, form)).code == 0, command
    assert marked.search_files(machine) > 10
    assert marked.search_blobs() > 2


def test_connection_string(marked: Marked) -> None:
    """A connection string opens the remote and is told by nothing that happens then."""
    machine = marked.machine("one", Credentials(connection_string=marked.azurite.connection_string))
    assert marked.hears(machine.luisy("run", "Root", "--download", "--upload", "-v")).code == 0
    assert marked.search_files(machine) > 10
    assert marked.search_blobs() > 2


def test_sas_token(marked: Marked) -> None:
    """A token that serves is told by nothing, though it stands in the URL of each request."""
    credentials = marked.mark_token(marked.azurite.sas(marked.container, "rcwl"))
    machine = marked.machine("one", credentials)
    assert marked.hears(machine.luisy("run", "Root", "--download", "--upload", "-v")).code == 0
    assert marked.search_files(machine) > 10
    assert marked.search_blobs() > 2


@pytest.mark.parametrize("form", ["-v", "--json"])
def test_expired_sas_token(marked: Marked, form: str) -> None:
    """The error says when the token expired, not what it is."""
    credentials = marked.mark_token(marked.azurite.sas(marked.container, "rl", hours=-1))
    said = marked.hears(marked.machine("one", credentials).luisy("run", "Root", "--download", form))
    assert said.code == 3
    assert "expired" in said.stderr


@pytest.mark.parametrize("form", ["-v", "--json"])
def test_wrong_key(marked: Marked, form: str) -> None:
    """A key that is refused is not repeated, nor is what was signed by it."""
    wrong = base64.b64encode(b"a key that is not the account's").decode()
    marked.marks["the wrong key"] = wrong.encode()
    machine = marked.machine("one", replace(marked.azurite.credentials, storage_key=wrong))
    said = marked.hears(machine.luisy("run", "Root", "--download", form))
    assert said.code == 3
    assert "azure_storage_key" in said.stderr


@pytest.mark.parametrize(
    "malformed",
    [
        Credentials("account", storage_key="malformed-key-51ab"),
        Credentials(connection_string="malformed-51ab"),
        Credentials(connection_string="AccountName=x;AccountKey=malformed-51ab"),
        Credentials(connection_string="https://x.blob.core.windows.net/?sig=malformed-51ab"),
        Credentials(
            "account", sas_token="https://x/?sig=malformed-51ab", endpoint="http://127.0.0.1:1/account"
        ),
    ],
    ids=["key", "words", "short key", "URL", "token in a URL"],
)
def test_malformed_secret(marked: Marked, malformed: Credentials) -> None:
    """A secret that has not its shape is not repeated either."""
    marked.marks["the malformed one"] = b"51ab"
    said = marked.hears(
        marked.machine("one", malformed).luisy("run", "Root", "--download", "-v", "--require-remote")
    )
    assert said.code == 3


def test_token_in_the_url(marked: Marked) -> None:
    """A URL that was pasted with its token is refused and not repeated."""
    token = marked.mark_token(marked.azurite.sas(marked.container, "rl")).sas_token
    machine = marked.machine("one", marked.azurite.credentials)
    machine.settings = {**machine.settings, "LUISY_REMOTE": f"azure://{marked.container}?{token}"}
    assert marked.hears(machine.luisy("run", "Root", "--download", "-v")).code == 2


def test_failing_task(marked: Marked) -> None:
    """The traceback of a task that failed, and of luisy's own report of it, name public parameters only."""
    machine = marked.machine("one", marked.azurite.credentials)
    said = marked.hears(machine.luisy("run", "Broken", "--download", "--upload", "-v"))
    assert said.code == 1
    assert "on purpose" in said.stderr
    assert marked.search_files(machine) > 3
    marked.search_blobs()


def test_arguments_of_processes(marked: Marked) -> None:
    """No process of a run has a secret among its arguments."""
    machine = marked.machine("one", Credentials(connection_string=marked.azurite.connection_string))
    process = machine.start("run", "Slow", "--download", "--upload", "--workers", "2")
    while "Slow" not in machine.ran:
        assert process.poll() is None
        time.sleep(0.01)
    arguments = [path.read_bytes() for path in _command_lines()]
    process.terminate()
    stdout, stderr = process.communicate()
    marked.hears(Said(process.returncode, stdout, stderr))
    assert any(b"Slow" in line for line in arguments)
    for line in arguments:
        marked.found_in("the arguments of a process", line)


def _command_lines() -> list[Path]:
    return [path for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]


def test_secret_on_the_command_line_is_refused(marked: Marked) -> None:
    """What stands in the process list is not taken, and not repeated."""
    machine = marked.machine("one", marked.azurite.credentials)
    said = marked.hears(machine.luisy("run", "Root", "--azure-storage-key", marked.azurite.key, "-v"))
    assert said.code == 2
    assert "LUISY_AZURE_STORAGE_KEY" in said.stderr


def test_reprs(marked: Marked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings, credentials and remotes can be printed."""
    token = marked.mark_token(marked.azurite.sas(marked.container, "rl"))
    for credentials in (
        marked.azurite.credentials,
        token,
        Credentials(connection_string=marked.azurite.connection_string),
    ):
        remote = open_remote(f"azure://{marked.container}", credentials=credentials)
        remote.list("")
        for name, value in settings_of(marked.container, credentials).items():
            monkeypatch.setenv(name, value)
        for shown in (remote, credentials, load()):
            marked.found_in(type(shown).__name__, f"{shown!r} {shown!s}".encode())
        remote.close()


def test_marks_would_be_found(marked: Marked) -> None:
    """The search sees what gets out: in what is said, in files, and packed in the remote."""
    machine = marked.machine("one", marked.azurite.credentials)
    assert marked.hears(machine.luisy("run", "Lonely", "--upload", "-v")).code == 0
    marked.marks = {"a class": b"Lonely"}
    with pytest.raises(AssertionError, match="a class in"):
        marked.search_files(machine)
    with pytest.raises(AssertionError, match=r"a class in blob pipe/\.luisy/v1/index"):
        marked.search_blobs()
