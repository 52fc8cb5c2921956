"""Several machines and one remote: who downloads what, and who executes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from luisy.cas.remote.credentials import Credentials
from luisy.cas.remote.opening import open_remote
from tests.azurite import azurite as azurite  # noqa: PLC0414 - a fixture

if TYPE_CHECKING:
    from pathlib import Path

    from tests.azurite import Azurite

_TASKS = """
import os

import luigi
import luisy


@luisy.raw
@luisy.csv_output
class RawA(luisy.ExternalTask):
    def get_file_name(self):
        return "a"


@luisy.raw
@luisy.csv_output
class RawB(luisy.ExternalTask):
    def get_file_name(self):
        return "b"


@luisy.interim
@luisy.requires(RawA)
class Interim(luisy.Task):
    def run(self):
        self.write(self.read_input().sum().to_dict())


@luisy.final
@luisy.requires(Interim, RawB)
class FinalFile(luisy.Task):
    def run(self):
        interim, raw = self.read_input()
        self.write((interim, raw.sum().to_dict()))


class RawFolder(luisy.ExternalTask):
    def output(self):
        return luigi.LocalTarget(os.path.join(os.environ["WORKING_DIR"], "story", "raw", "folder"))


@luisy.requires(RawFolder)
class Names(luisy.Task):
    def run(self):
        self.write(sorted(os.listdir(self.input().path)))


class Everything(luisy.WrapperTask):
    def requires(self):
        return [RawA(), RawB(), Interim()]
"""
_RAW = {"a": "x\n1\n2\n", "b": "x\n40\n"}
_FINAL = ({"x": 3}, {"x": 40})


@dataclass
class Cloud:
    """A remote, and machines that have nothing but it in common.

    :param settings: environment variables that name the remote and open it.
    """

    root: Path
    url: str
    settings: dict[str, str]
    credentials: Credentials

    def __post_init__(self) -> None:
        """Write the pipeline's code."""
        package = self.root / "code" / "story"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "tasks.py").write_text(_TASKS)

    def environment(self, machine: str) -> dict[str, str]:
        """The variables of a process on *machine*; its working dir is made."""
        working_dir = self.root / machine
        working_dir.mkdir(exist_ok=True)
        return {**os.environ, "WORKING_DIR": str(working_dir), "LUISY_MODULE": "story.tasks", **self.settings}

    def luisy(self, machine: str, *arguments: str, code: int = 0) -> dict[str, Any]:
        """What ``luisy ... --json`` says on *machine*; it must exit with *code*."""
        done = subprocess.run(
            [sys.executable, "-m", "luisy", *arguments, "--json"],
            cwd=self.root / "code",
            env=self.environment(machine),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return document

    def run(self, machine: str, *arguments: str) -> dict[str, str]:
        """The outcome of each family of a run."""
        return {task["family"]: task["outcome"] for task in self.luisy(machine, "run", *arguments)["tasks"]}

    def push(self, machine: str, *arguments: str) -> dict[str, Any]:
        """What ``luisy cas push`` says of the one project."""
        (project,) = self.luisy(machine, "cas", "push", *arguments)["projects"]
        found: dict[str, Any] = project
        return found

    def python(self, machine: str, code: str) -> str:
        """What *code* prints on *machine*."""
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=self.root / "code",
            env={**self.environment(machine), "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    def put_raw_locally(self, machine: str) -> None:
        """The raw files are on *machine*."""
        folder = self.root / machine / "story" / "raw"
        folder.mkdir(parents=True)
        for name, text in _RAW.items():
            (folder / f"{name}.csv").write_text(text)

    def put_raw_blobs(self, **texts: str) -> None:
        """Another system puts raw files into the remote: those of the pipeline, or *texts* by name."""
        remote = open_remote(self.url, credentials=self.credentials)
        for name, text in (texts or _RAW).items():
            remote.put(f"story/raw/{name}.csv", text.encode())
        remote.close()

    def refs(self) -> dict[str, Any]:
        """What the remote says that raw files are, by name."""
        remote = open_remote(self.url, credentials=self.credentials)
        found: dict[str, Any] = json.loads(remote.get("story/.luisy/v1/refs.json"))["refs"]
        remote.close()
        return found

    def files(self, machine: str) -> set[str]:
        """The pipeline's files on *machine*."""
        root = self.root / machine / "story"
        return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


@pytest.fixture(params=["directory", "azure"])
def cloud(request: pytest.FixtureRequest, tmp_path: Path) -> Cloud:
    """An empty remote of each kind that machines can share."""
    made: Cloud = request.getfixturevalue(f"{request.param}_cloud")
    return made


@pytest.fixture
def directory_cloud(tmp_path: Path) -> Cloud:
    """A shared folder."""
    folder = tmp_path / "remote"
    folder.mkdir()
    url = f"file://{folder}"
    return Cloud(tmp_path, url, {"LUISY_REMOTE": url}, Credentials())


@pytest.fixture
def azure_cloud(tmp_path: Path, azurite: Azurite) -> Cloud:
    """A container, named by luisy 1.x's three variables."""
    container = azurite.new_container()
    credentials = azurite.credentials
    settings = {
        "LUISY_AZURE_ACCOUNT_NAME": credentials.account_name,
        "LUISY_AZURE_STORAGE_KEY": credentials.storage_key,
        "LUISY_AZURE_CONTAINER_NAME": container,
        "LUISY_AZURE_ENDPOINT": credentials.endpoint,
    }
    return Cloud(tmp_path, f"azure://{container}", settings, credentials)


def _tutorial(cloud: Cloud) -> None:
    """What follows on machines 2 and 3, once the raw files and the interim result are in the remote."""
    second = cloud.run("machine2", "FinalFile", "--download")
    assert second == {"RawA": "not_needed", "Interim": "remote", "RawB": "remote", "FinalFile": "executed"}
    assert cloud.files("machine2") == {"raw/b.csv", "interim/Interim.pkl", "final/FinalFile.pkl"}
    again = cloud.run("machine2", "FinalFile", "--download", "--upload")
    assert "executed" not in again.values()
    read = "import luisy; from story.tasks import FinalFile; luisy.activate_download(); print(FinalFile().read())"
    assert cloud.python("machine3", read) == str(_FINAL)
    assert cloud.files("machine3") == {"final/FinalFile.pkl"}


def test_results_and_raw_files_that_a_machine_pushed(cloud: Cloud) -> None:
    """An empty machine downloads the two files that it needs, executes one task, and a third one only reads."""
    cloud.put_raw_locally("machine1")
    cloud.run("machine1", "Everything", "--upload")
    _tutorial(cloud)


def test_results_that_a_machine_pushed_later(directory_cloud: Cloud) -> None:
    """``cas push`` makes of a run what ``--upload`` would have made of it, raw files included."""
    directory_cloud.put_raw_locally("machine1")
    directory_cloud.run("machine1", "Everything")
    pushed = directory_cloud.push("machine1")
    assert (pushed["refs"], pushed["refs_held_back"]) == (["raw/a.csv", "raw/b.csv"], [])
    assert directory_cloud.push("machine1")["refs"] == []
    _tutorial(directory_cloud)


def test_a_push_of_a_task_brings_the_raw_files_behind_it(directory_cloud: Cloud) -> None:
    """By way of what it was made from, too; those of other tasks stay here."""
    directory_cloud.put_raw_locally("machine1")
    directory_cloud.run("machine1", "FinalFile")
    assert directory_cloud.push("machine1", "Interim", "--dry-run")["refs"] == ["raw/a.csv"]
    assert directory_cloud.push("machine1", "Interim")["refs"] == ["raw/a.csv"]
    assert directory_cloud.push("machine1", "FinalFile")["refs"] == ["raw/b.csv"]


def test_a_dry_run_knows_the_raw_files(directory_cloud: Cloud) -> None:
    """Their bytes are in its sum, and neither the remote nor the store gets anything."""
    directory_cloud.put_raw_locally("machine1")
    directory_cloud.run("machine1", "Interim")
    before = directory_cloud.luisy("machine1", "cas", "status")["objects"]
    planned = directory_cloud.push("machine1", "--dry-run")
    assert directory_cloud.luisy("machine1", "cas", "status")["objects"] == before
    assert not any((directory_cloud.root / "remote").iterdir())
    pushed = directory_cloud.push("machine1")
    assert [planned[name] for name in ("refs", "objects", "bytes")] == [
        pushed[name] for name in ("refs", "objects", "bytes")
    ]
    assert abs(planned["requests"] - pushed["requests"]) <= 4


def test_a_raw_file_that_is_gone_is_held_back(directory_cloud: Cloud) -> None:
    """So is one that was changed since the run; the results go up."""
    directory_cloud.put_raw_locally("machine1")
    directory_cloud.run("machine1", "FinalFile")
    raw = directory_cloud.root / "machine1" / "story" / "raw"
    (raw / "a.csv").unlink()
    (raw / "b.csv").write_text("x\n41\n")
    pushed = directory_cloud.push("machine1")
    assert (len(pushed["actions"]), pushed["refs"]) == (2, [])
    assert [(held["name"], held["reason"]["slug"]) for held in pushed["refs_held_back"]] == [
        ("raw/a.csv", "files-gone"),
        ("raw/b.csv", "files-gone"),
    ]


def test_a_raw_file_that_somebody_else_pushed_stops_the_push(directory_cloud: Cloud) -> None:
    """Before anything is sent; --replace-refs puts ours in its place, a second time it is ours already."""
    for machine, text in (("machine1", "x\n1\n"), ("machine2", "x\n2\n")):
        directory_cloud.put_raw_locally(machine)
        (directory_cloud.root / machine / "story" / "raw" / "a.csv").write_text(text)
        directory_cloud.run(machine, "Interim")
    directory_cloud.push("machine1")
    before = directory_cloud.refs()
    refused = directory_cloud.luisy("machine2", "cas", "push", code=3)
    assert (refused["error"]["slug"], "raw/a.csv" in refused["error"]["text"]) == ("ref-moved", True)
    assert (refused["projects"], refused["remote"]["bytes_up"]) == ([], 0)
    assert directory_cloud.refs() == before
    uploaded = directory_cloud.luisy("machine2", "run", "Interim", "--upload", code=3)
    assert uploaded["status"] == "success"
    assert directory_cloud.push("machine2", "--replace-refs")["refs"] == ["raw/a.csv"]
    assert directory_cloud.refs() != before
    assert directory_cloud.push("machine2")["refs"] == []
    assert directory_cloud.luisy("machine1", "cas", "push", code=3)["error"]["slug"] == "ref-moved"


def test_raw_files_that_another_system_put_there(cloud: Cloud) -> None:
    """Plain blobs serve as well: who hashed them tells the others what they are."""
    cloud.put_raw_blobs()
    first = cloud.run("machine1", "Interim", "--download", "--upload")
    assert first == {"RawA": "remote", "Interim": "executed"}
    _tutorial(cloud)


@pytest.mark.parametrize("whose", ["ours", "other system's"])
def test_a_root_hit_costs_few_requests(cloud: Cloud, whose: str) -> None:
    """On an empty machine, with raw files upstream: at most 6, and with nothing new to learn no more."""
    if whose == "ours":
        cloud.put_raw_locally("machine1")
    else:
        cloud.put_raw_blobs()
    cloud.run("machine1", "FinalFile", "--download", "--upload")
    done = cloud.luisy("machine2", "run", "FinalFile", "--download")
    assert done["counts"]["remote"] == 1
    assert done["remote"]["requests"] <= 6
    again = cloud.luisy("machine2", "run", "FinalFile", "--download")
    assert (again["counts"]["remote"], again["counts"]["executed"]) == (0, 0)
    assert again["remote"]["requests"] <= 4


def test_plan_downloads_no_raw_blob(directory_cloud: Cloud) -> None:
    """What depends on a blob that nobody has hashed is undecided, and stays where it is."""
    directory_cloud.put_raw_blobs()
    plan = directory_cloud.luisy("machine1", "plan", "FinalFile", "--download")
    assert {task["outcome"] for task in plan["tasks"]} <= {"undecided", "executed"}
    assert directory_cloud.files("machine1") == set()


def test_plan_hashes_raw_blobs_on_request(cloud: Cloud) -> None:
    """With --fetch-raw nothing is undecided; they wait in the store, so that the run does not download them again."""
    cloud.put_raw_blobs()
    plan = cloud.luisy("machine1", "plan", "FinalFile", "--download", "--fetch-raw")
    assert {task["family"]: task["outcome"] for task in plan["tasks"]} == {
        "RawA": "remote",
        "Interim": "executed",
        "RawB": "remote",
        "FinalFile": "executed",
    }
    assert plan["remote"]["bytes_down"] == sum(map(len, _RAW.values()))
    assert cloud.files("machine1") == set()
    done = cloud.luisy("machine1", "run", "FinalFile", "--download")
    assert (done["counts"]["executed"], done["remote"]["bytes_down"]) == (2, 0)


def test_changed_raw_blob_is_noticed(directory_cloud: Cloud) -> None:
    """A raw file that luisy itself downloaded is no original: the remote is asked in each run."""
    directory_cloud.put_raw_blobs()
    directory_cloud.run("machine1", "Interim", "--download")
    directory_cloud.put_raw_blobs(a="x\n100\n")
    assert directory_cloud.run("machine1", "Interim", "--download")["Interim"] == "executed"
    read = "from story.tasks import Interim; print(Interim().read())"
    assert directory_cloud.python("machine1", read) == "{'x': 100}"


def test_a_hashed_blob_stays_the_other_systems(directory_cloud: Cloud) -> None:
    """However often who hashed it uploads, with or without asking again: nothing of it is stored twice."""
    directory_cloud.put_raw_blobs()
    directory_cloud.run("machine1", "Interim", "--download", "--upload")
    before = directory_cloud.refs()
    assert set(before["raw/a.csv"]["raw"]) == {"a.csv"}
    directory_cloud.run("machine1", "Interim", "--download", "--upload")
    directory_cloud.run("machine1", "Interim", "--upload")
    assert directory_cloud.refs() == before


def test_a_blob_that_changed_is_hashed_anew_by_whoever_comes(directory_cloud: Cloud) -> None:
    """What others said of the old one is not theirs to keep: a machine that never saw it tells the new one."""
    directory_cloud.put_raw_blobs()
    directory_cloud.run("machine1", "Interim", "--download", "--upload")
    before = directory_cloud.refs()["raw/a.csv"]
    directory_cloud.put_raw_blobs(a="x\n100\n")
    assert directory_cloud.run("machine2", "Interim", "--download", "--upload")["Interim"] == "executed"
    assert directory_cloud.refs()["raw/a.csv"]["manifest"] != before["manifest"]


def test_a_folder_of_blobs_that_got_one_more_is_another(directory_cloud: Cloud) -> None:
    """Also where somebody has told what it was before; what has gone from it counts, too."""
    read = "import luisy; from story.tasks import Names; print(Names().read())"
    directory_cloud.put_raw_blobs(**{"folder/one": "1", "folder/two": "2"})
    directory_cloud.run("machine1", "Names", "--download", "--upload")
    assert directory_cloud.run("machine2", "Names", "--download")["Names"] == "remote"
    directory_cloud.put_raw_blobs(**{"folder/three": "3"})
    for machine in ("machine1", "machine2"):
        assert directory_cloud.run(machine, "Names", "--download")["Names"] == "executed"
        assert directory_cloud.python(machine, read) == "['one.csv', 'three.csv', 'two.csv']"


def test_a_blob_is_downloaded_once_for_its_hash(directory_cloud: Cloud) -> None:
    """Also by who may not tell others what it is."""
    directory_cloud.put_raw_blobs()
    directory_cloud.run("machine1", "Interim", "--download")
    again = directory_cloud.luisy("machine1", "run", "Interim", "--download")
    assert again["remote"]["bytes_down"] == 0


def test_a_raw_file_that_was_taken_is_no_original(directory_cloud: Cloud) -> None:
    """Uploading it again does not make it one: who took it hears of the next version."""
    directory_cloud.put_raw_locally("machine1")
    directory_cloud.run("machine1", "Interim", "--upload")
    taken = directory_cloud.run("machine2", "RawA", "--download", "--upload", "--force-all")
    assert taken == {"RawA": "remote"}
    (directory_cloud.root / "machine1" / "story" / "raw" / "a.csv").write_text("x\n100\n")
    directory_cloud.run("machine1", "Interim", "--upload")
    assert directory_cloud.run("machine2", "Interim", "--download")["RawA"] == "not_needed"
    read = "from story.tasks import Interim; print(Interim().read())"
    assert directory_cloud.python("machine2", read) == "{'x': 100}"


def test_early_cutoff_elsewhere_costs_no_execution(cloud: Cloud) -> None:
    """Which key led to which result is told to nobody, and found again by the contents that the remote names."""
    cloud.put_raw_locally("machine1")
    cloud.run("machine1", "FinalFile", "--upload")
    code = cloud.root / "code" / "story" / "tasks.py"
    code.write_text(
        code.read_text().replace(
            "self.write(self.read_input()", "_ = 1\n        self.write(self.read_input()"
        )
    )
    changed = cloud.run("machine1", "FinalFile", "--upload")
    assert changed == {"RawA": "local", "Interim": "executed", "RawB": "local", "FinalFile": "reused"}
    done = cloud.luisy("machine2", "run", "FinalFile", "--download")
    assert done["counts"]["executed"] == 0
    assert cloud.files("machine2") == {"final/FinalFile.pkl"}
    assert cloud.luisy("machine2", "run", "FinalFile", "--download")["counts"]["executed"] == 0


def test_upload_brings_what_was_executed_earlier(directory_cloud: Cloud) -> None:
    """A run with nothing left to do still makes the remote complete."""
    directory_cloud.put_raw_locally("machine1")
    directory_cloud.run("machine1", "FinalFile")
    assert "executed" not in directory_cloud.run("machine1", "FinalFile", "--upload").values()
    assert directory_cloud.run("machine2", "FinalFile", "--download")["FinalFile"] == "remote"


def test_no_request_without_download_or_upload(directory_cloud: Cloud) -> None:
    """Settings of a remote that is not asked for are not even checked."""
    directory_cloud.put_raw_locally("machine1")
    directory_cloud.settings = {"LUISY_REMOTE": "file:///nowhere/at/all"}
    document = directory_cloud.luisy("machine1", "run", "FinalFile")
    assert document["remote"] == {"url": None, "requests": 0, "bytes_down": 0, "bytes_up": 0}


@pytest.mark.parametrize(
    "missing", ["LUISY_AZURE_ACCOUNT_NAME", "LUISY_AZURE_STORAGE_KEY", "LUISY_AZURE_CONTAINER_NAME"]
)
def test_missing_variable_is_named(directory_cloud: Cloud, missing: str) -> None:
    """With one of luisy 1.x's three variables missing, the error says which, before any work."""
    names = ("LUISY_AZURE_ACCOUNT_NAME", "LUISY_AZURE_STORAGE_KEY", "LUISY_AZURE_CONTAINER_NAME")
    directory_cloud.settings = {name: "somename" for name in names if name != missing}
    done = subprocess.run(
        [sys.executable, "-m", "luisy", "run", "FinalFile", "--download"],
        cwd=directory_cloud.root / "code",
        env=directory_cloud.environment("machine1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert missing in done.stderr
