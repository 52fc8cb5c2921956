"""``luisy cas gc --remote``: what it says, and what other machines find afterwards."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.azurite import ACCOUNT
from tests.azurite import azurite as azurite  # noqa: PLC0414 - a fixture

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.azurite import Azurite
    from tests.cli.project import Done, Project

ALL = ("gc", "--remote", "--older-than", "0")


class Machine:
    """A machine that has pushed old results and new ones, of which the new ones are its newest complete run."""

    def __init__(self, project: Project) -> None:
        self.project = project
        (project.folder / "remote").mkdir()
        project.luisy("run", "Both")
        tasks = project.folder / "pipe" / "tasks.py"
        project.write(tasks.read_text(encoding="utf-8").replace("word.upper()", "word.upper() + '!'"))
        project.luisy("run", "Both")
        self.cas("push")

    def cas(self, *words: str, **environment: str) -> Done:
        """``luisy cas`` with the remote."""
        return self.project.luisy(
            "cas", *words, LUISY_REMOTE=f"file://{self.project.folder}/remote", **environment
        )

    def only(self, *words: str) -> Any:
        """What the document says of the one project."""
        done = self.cas(*words, "--json")
        assert done.code == 0, done.err
        (found,) = done.document["projects"]
        return found

    def there(self) -> int:
        """How many results a machine finds that has nothing."""
        other = str(self.project.folder / "other")
        return len(self.cas("ls", "--remote", "--json", WORKING_DIR=other).document["actions"])


@pytest.fixture
def machine(project: Project) -> Machine:
    """One that has pushed."""
    return Machine(project)


def test_from_a_plan_to_what_is_left(machine: Machine, snapshot: Callable[[str, str], None]) -> None:
    """A dry run, a refusal where nobody can be asked, the run that says what goes, the run that deletes, and nothing left."""
    said = []
    for code, words in ((0, ("--dry-run",)), (2, ()), (0, ("--yes",)), (0, ("--yes",)), (0, ("--yes",))):
        done = machine.cas(*ALL, *words)
        said.append(f"--- cas {' '.join((*ALL, *words))}\n{done.out}{done.err}")
        assert done.code == code
    snapshot("gc-remote", "\n".join(said))
    assert machine.there() == 3


def test_a_dry_run_writes_nothing(machine: Machine) -> None:
    """The folder is what it was."""
    remote = machine.project.folder / "remote"
    before = {path: path.stat().st_mtime_ns for path in remote.rglob("*~*") if path.name[0] != "~"}
    assert machine.only(*ALL, "--dry-run")["state"] == "planned"
    assert before == {path: path.stat().st_mtime_ns for path in remote.rglob("*~*") if path.name[0] != "~"}


def test_a_machine_with_nothing_pulls_what_is_left(machine: Machine) -> None:
    """After two runs every result that is listed comes down whole."""
    assert len(machine.only(*ALL, "--yes")["tombstoned"]) == 3
    assert len(machine.only(*ALL, "--yes")["deleted"]) == 3
    pulled = machine.cas("pull", "--all", "--json", WORKING_DIR=str(machine.project.folder / "other"))
    (found,) = pulled.document["projects"]
    assert (len(found["actions"]), found["failed"]) == (3, [])


def test_without_a_store_all_projects_are_looked_for(machine: Machine) -> None:
    """And nothing is known of pins and runs, so that only the policy keeps anything."""
    shutil.rmtree(machine.project.store)
    assert len(machine.only(*ALL, "--yes")["tombstoned"]) == 6
    assert not machine.project.store.exists()


def test_who_must_not_delete_is_refused_up_front(project: Project, azurite: Azurite) -> None:
    """Before anything is read: exit code 3, and the setting is named."""
    container = azurite.new_container()
    token = azurite.sas(container, "rcwl").sas_token
    done = project.luisy(
        *("cas", *ALL, "--yes"),
        LUISY_REMOTE=f"azure://{container}",
        LUISY_AZURE_ACCOUNT_NAME=ACCOUNT,
        LUISY_AZURE_ENDPOINT=azurite.endpoint,
        LUISY_AZURE_SAS_TOKEN=token,
    )
    assert (done.code, done.slug) == (3, "remote-misconfigured")
    assert "gc rwdl" in done.err


def test_an_empty_remote_has_nothing_to_delete(project: Project) -> None:
    """And nothing is written there."""
    (project.folder / "remote").mkdir()
    done = project.luisy("cas", *ALL, "--yes", LUISY_REMOTE=f"file://{project.folder}/remote")
    assert (done.code, done.out) == (0, "the remote has no results\n")
