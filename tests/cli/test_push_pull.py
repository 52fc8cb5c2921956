"""``luisy cas push`` and ``pull``, ``ls --remote``, and what ``status`` says of the remote; no pipeline is imported."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from luisy.cli.progress import transfer_line
from tests.azurite import ACCOUNT
from tests.azurite import azurite as azurite  # noqa: PLC0414 - a fixture

if TYPE_CHECKING:
    from tests.azurite import Azurite
    from tests.cli.project import Done, Project

FLAVOURED = """\
import os

import luisy


@luisy.json_output()
class Flavoured(luisy.Task):
    def run(self):
        self.write(os.environ["FLAVOUR"])
"""


class Machines:
    """A machine that ran the pipeline and an empty one, with a remote between them; neither can import it any more."""

    def __init__(self, project: Project, url: str, **environment: str) -> None:
        self.project = project
        self.url = url
        self._environment = {"LUISY_REMOTE": url, **environment}
        self.other_data = project.folder / "other"

    def here(self, *arguments: str, **environment: str) -> Done:
        """``luisy cas`` on the machine with the results."""
        return self.project.luisy("cas", *arguments, **{**self._environment, **environment})

    def there(self, *arguments: str, **environment: str) -> Done:
        """``luisy cas`` on the other one."""
        return self.here(*arguments, WORKING_DIR=str(self.other_data), **environment)

    def key(self, *task: str) -> str:
        """The key of a task's newest result."""
        found: str = self.here("ls", *task, "--json").document["actions"][0]["key"]
        return found

    def keys_there(self) -> set[str]:
        """All keys in the store of the other machine."""
        return {item["key"] for item in self.there("ls", "--json").document["actions"]}


def only(done: Done) -> Any:
    """What the document says of the one project."""
    (found,) = done.document["projects"]
    return found


@pytest.fixture
def machines(project: Project, finished: Project) -> Machines:
    """Two machines and an empty folder between them; the first one's store is a copy of one that is finished."""
    (project.folder / "remote").mkdir()
    shutil.copytree(finished.store, project.store)
    project.write("raise RuntimeError")
    return Machines(project, f"file://{project.folder}/remote")


def test_everything_goes_up_and_comes_down(machines: Machines) -> None:
    """Push without names uploads all results, pull --all brings the same ones into an empty store."""
    pushed, pulled = machines.here("push", "--json"), machines.there("pull", "--all", "--json")
    assert (pushed.code, pulled.code) == (0, 0)
    assert only(pushed)["project"] == only(pulled)["project"] == "pipe"
    assert len(only(pushed)["actions"]) == 3
    assert set(only(pushed)["actions"]) == set(only(pulled)["actions"]) == machines.keys_there()
    assert machines.there("show", "Upper", "--json").document["outputs"][0]["stored"] is True


def test_a_pull_touches_the_store_alone(machines: Machines) -> None:
    """Nothing but the store is in the working dir afterwards; ``get`` is what puts results in place."""
    machines.here("push")
    machines.there("pull", "--all")
    assert os.listdir(machines.other_data) == [".luisy"]


def test_what_is_there_is_not_sent_again(machines: Machines) -> None:
    """The second push and the second pull move nothing."""
    machines.here("push")
    machines.there("pull", "--all")
    again, back = machines.here("push", "--json"), machines.there("pull", "--all", "--json")
    assert (only(again)["actions"], only(again)["objects"], only(again)["bytes"]) == ([], 0, 0)
    assert again.document["remote"]["bytes_up"] == 0
    assert (only(back)["actions"], only(back)["present"], only(back)["objects"]) == ([], 3, 0)


def test_a_dry_run_says_what_the_push_does_and_writes_nothing(machines: Machines) -> None:
    """Its actions, objects and bytes are those of the push; the remote stays empty."""
    planned = machines.here("push", "--dry-run", "--json")
    assert planned.document["dry_run"] is True
    assert planned.document["remote"]["bytes_up"] == 0
    assert os.listdir(machines.project.folder / "remote") == []
    pushed = machines.here("push", "--json")
    for name in ("project", "actions", "objects", "bytes", "held_back"):
        assert only(planned)[name] == only(pushed)[name]
    assert only(planned)["requests"] > 0


@pytest.mark.parametrize("words", [("Count", "--letter", "B"), ("Count", "--Count-letter=B")])
def test_a_task_is_named_by_family_and_parameters(machines: Machines, words: tuple[str, ...]) -> None:
    """Push and pull of one task with a parameter move its result alone."""
    key = machines.key("Count", "--letter", "B")
    assert only(machines.here("push", *words, "--json"))["actions"] == [key]
    machines.here("push")
    assert only(machines.there("pull", *words, "--json"))["actions"] == [key]
    assert machines.keys_there() == {key}


def test_keys_are_named_by_their_beginning(machines: Machines) -> None:
    """Several keys, each by six digits or more, and a task beside them."""
    keys = [machines.key("Count", "--letter", letter) for letter in "AB"]
    assert set(only(machines.here("push", *(key[:8] for key in keys), "--json"))["actions"]) == set(keys)
    machines.here("push")
    pulled = machines.there("pull", keys[0][:8], "Upper", "--json")
    assert set(only(pulled)["actions"]) == {keys[0], machines.key("Upper")}


@pytest.mark.parametrize(
    ("words", "code", "slug"),
    [
        (("Nope",), 1, "no-such-result"),
        (("Count", "--letter", "Z"), 1, "no-such-result"),
        (("0" * 12,), 1, "no-such-result"),
        (("abc",), 2, "bad-prefix"),
        (("--letter", "B"), 2, "usage"),
    ],
)
@pytest.mark.parametrize("command", ["push", "pull"])
def test_a_name_of_nothing(
    machines: Machines, command: str, words: tuple[str, ...], code: int, slug: str
) -> None:
    """What is not there is exit code 1, what is no name 2, for both commands alike; the document tells it, too."""
    machines.here("push")
    done = machines.here(command, *words, "--json")
    assert (done.code, done.slug, done.document["error"]["slug"]) == (code, slug, slug)


@pytest.mark.parametrize("words", [(), ("Upper", "--all")])
def test_pull_wants_names_or_all(machines: Machines, words: tuple[str, ...]) -> None:
    """Neither or both is exit code 2: everything is never downloaded by accident."""
    done = machines.there("pull", *words)
    assert (done.code, done.slug) == (2, "usage")


def test_what_is_held_back_is_listed(project: Project) -> None:
    """Adopted files stay, exit code 0, with the reason; ``--push-adopted`` uploads them."""
    (project.folder / "remote").mkdir()
    project.output("interim").mkdir(parents=True)
    project.output("interim/Upper.json").write_text('["OLD"]')
    project.luisy("run", "Upper")
    machines = Machines(project, f"file://{project.folder}/remote")
    key = machines.key("Upper")
    status = machines.here("status", "--json").document["not_pushed"]
    assert [(one["actions"], one["held_back"]) for one in status] == [(0, 1)]
    for options in ((), ("--dry-run",)):
        done = machines.here("push", *options, "--json")
        assert (done.code, only(done)["actions"]) == (0, [])
        (held,) = only(done)["held_back"]
        assert (held["key"], held["family"]) == (key, "Upper")
        assert held["reason"]["slug"] in ("adopted", "held-back")
        assert f"held back {key[:12]}  Upper: " in machines.here("push", *options).out


def test_a_result_that_the_remote_has_otherwise_stays(project: Project) -> None:
    """Who comes second is outvoted; ``--force`` puts its result in place of the other."""
    (project.folder / "remote").mkdir()
    project.write(FLAVOURED)
    machines = Machines(project, f"file://{project.folder}/remote")
    project.luisy("run", "Flavoured", FLAVOUR="first")
    project.luisy("run", "Flavoured", FLAVOUR="second", WORKING_DIR=str(machines.other_data))
    key = machines.key("Flavoured")
    machines.here("push")
    outvoted = machines.there("push", "--json")
    assert (outvoted.code, only(outvoted)["actions"], only(outvoted)["outvoted"]) == (0, [], [key])
    forced = machines.there("push", "--force", "--json")
    assert (only(forced)["actions"], only(forced)["outvoted"]) == ([key], [])
    manifest = machines.there("show", key, "--json").document["manifest"]
    assert manifest != machines.here("show", key, "--json").document["manifest"]
    machines.here("pull", "Flavoured")
    assert machines.here("show", key, "--json").document["manifest"] == manifest


def test_status_says_what_is_not_pushed(machines: Machines) -> None:
    """All before a push, nothing after it; without a remote, null."""
    before = machines.here("status", "--json").document
    assert before["remote"] == machines.url
    assert before["not_pushed"] == [
        {"project": "pipe", "actions": 3, "bytes": before["result_bytes"], "held_back": 0}
    ]
    machines.here("push", "Upper")
    assert machines.here("status", "--json").document["not_pushed"][0]["actions"] == 2
    machines.here("push")
    assert machines.here("status", "--json").document["not_pushed"][0]["actions"] == 0
    without = machines.here("status", "--json", LUISY_REMOTE="").document
    assert (without["remote"], without["not_pushed"]) == (None, [])


def test_status_asks_no_remote(machines: Machines) -> None:
    """It answers from what was merged last, also when the remote is gone, and writes nothing to the store."""
    machines.here("push", "Upper")
    shutil.rmtree(machines.project.folder / "remote")
    index = machines.project.store / "index.db"
    before = index.read_bytes()
    done = machines.here("status", "--json")
    assert (done.code, done.document["not_pushed"][0]["actions"]) == (0, 2)
    elsewhere = machines.here("status", "--json", LUISY_REMOTE="file:///never/seen")
    assert (elsewhere.code, elsewhere.document["not_pushed"][0]["actions"]) == (0, 3)
    assert index.read_bytes() == before


def test_ls_lists_the_remote(machines: Machines) -> None:
    """``ls --remote`` has what was pushed, with parameters, where there is no store, and makes none."""
    machines.here("push", "Count")
    here = machines.here("ls", "Count", "--json").document["actions"]
    there = machines.there("ls", "--remote", "--json").document["actions"]
    assert sorted(there, key=lambda item: item["key"]) == sorted(here, key=lambda item: item["key"])
    only_b = machines.there("ls", "Count", "--letter", "B", "--remote", "--json").document["actions"]
    assert [item["params"]["letter"] for item in only_b] == ["B"]
    assert not machines.other_data.exists()


@pytest.mark.parametrize("command", [("push",), ("push", "--dry-run"), ("pull", "--all"), ("ls", "--remote")])
def test_a_misconfigured_remote_is_exit_code_3(machines: Machines, command: tuple[str, ...]) -> None:
    """No remote at all, or one that is not there: told with the setting to look at, before any work."""
    none = machines.here(*command, "--json", LUISY_REMOTE="")
    assert (none.code, none.slug) == (3, "remote-misconfigured")
    assert "LUISY_AZURE_STORAGE_KEY" in none.err
    gone = machines.here(*command, "--json", LUISY_REMOTE="file:///not/there")
    assert (gone.code, gone.document["error"]["slug"]) == (3, "remote-misconfigured")


def test_a_push_without_a_store_pushes_nothing(machines: Machines) -> None:
    """It succeeds, with no projects, and makes no store; a name is exit code 1."""
    done = machines.there("push", "--json")
    assert (done.code, done.document["projects"]) == (0, [])
    assert machines.there("push", "Upper").slug == "no-such-result"
    assert not machines.other_data.exists()


def test_lost_bytes_of_the_remote_are_told(machines: Machines) -> None:
    """What the remote lost is listed as not pulled, exit code 1; the rest comes."""
    machines.here("push", "Upper")
    machines.here("push")
    blobs = (machines.project.folder / "remote/pipe/.luisy/v1/packs").glob("[0-9a-f]*")
    min(blobs, key=os.path.getmtime).unlink()
    done = machines.there("pull", "--all", "--json")
    assert done.code == 1
    (failed,) = only(done)["failed"]
    assert (failed["key"], failed["reason"]["slug"]) == (machines.key("Upper"), "remote-gone")
    assert len(only(done)["actions"]) == 2


def test_an_upload_that_did_not_complete_is_exit_code_3(machines: Machines) -> None:
    """Where the remote refuses in the middle, the document says why and what was asked; later the push completes."""
    packs = machines.project.folder / "remote/pipe/.luisy/v1/packs"
    packs.parent.mkdir(parents=True)
    packs.touch()
    done = machines.here("push", "--json")
    assert (done.code, done.slug, done.document["error"]["slug"]) == (3, *["remote-misconfigured"] * 2)
    assert done.document["projects"] == []
    assert done.document["remote"]["requests"] > 0
    packs.unlink()
    assert len(only(machines.here("push", "--json"))["actions"]) == 3


def test_who_may_only_read_cannot_push(machines: Machines, azurite: Azurite) -> None:
    """The push says so before any work; the dry run, which writes nothing, succeeds."""
    container = azurite.new_container()
    token = azurite.sas(container, "rl").sas_token
    reader = {
        "LUISY_REMOTE": f"azure://{container}",
        "LUISY_AZURE_ENDPOINT": azurite.endpoint,
        "LUISY_AZURE_SAS_TOKEN": token,
    }
    assert machines.here("push", "--dry-run", **reader).code == 0
    done = machines.here("push", "--json", **reader)
    assert (done.code, done.slug) == (3, "remote-misconfigured")
    assert token not in done.out + done.err


def test_azure_by_the_three_old_variables(machines: Machines, azurite: Azurite) -> None:
    """Account, key and container of luisy 1.x suffice; what went up comes down."""
    old = {
        "LUISY_REMOTE": "",
        "LUISY_AZURE_ACCOUNT_NAME": ACCOUNT,
        "LUISY_AZURE_STORAGE_KEY": azurite.key,
        "LUISY_AZURE_CONTAINER_NAME": azurite.new_container(),
        "LUISY_AZURE_ENDPOINT": azurite.endpoint,
    }
    pushed, pulled = machines.here("push", "--json", **old), machines.there("pull", "--all", "--json", **old)
    assert (pushed.code, pulled.code) == (0, 0)
    assert set(only(pushed)["actions"]) == set(only(pulled)["actions"]) == machines.keys_there()
    assert pushed.document["remote"]["url"] == f"azure://{old['LUISY_AZURE_CONTAINER_NAME']}"


def test_the_line_tells_rate_and_time_left() -> None:
    """Bytes, percent, bytes per second and minutes that are left at this rate."""
    mib = 1 << 20
    assert transfer_line("pipe", 0, mib, 0.0) == "pipe    0%  0 B of 1.0 MiB"
    assert (
        transfer_line("pipe", 25 * mib, 100 * mib, 25.0)
        == "pipe   25%  25.0 MiB of 100.0 MiB  1.0 MiB/s  1:15 left"
    )
