"""``luisy get``: results back, old ones and rescued files included; nothing executed, nothing else touched."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_plan import stats

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.project import Project

PAIR = """
class Pair(luisy.Task):
    first = luigi.Parameter(default="one")

    def output(self):
        return {"l": luigi.LocalTarget("data/left/x.txt"), "r": luigi.LocalTarget("data/right/x.txt")}

    def run(self):
        for name, target in self.output().items():
            Path(target.path).parent.mkdir(parents=True, exist_ok=True)
            Path(target.path).write_text(name)


class Folder(luisy.Task):
    def output(self):
        return luigi.LocalTarget("data/folder")

    def run(self):
        Path("data/folder/empty").mkdir(parents=True)
        Path("data/folder/file").write_text("in a folder")


class All(luisy.WrapperTask):
    def requires(self):
        return [Pair(), Folder()]
"""


@pytest.fixture
def ran(project: Project) -> Project:
    """A pipeline of its own that has run."""
    assert project.luisy("run", "Both").code == 0
    return project


def count_file(project: Project, letter: str = "A") -> Path:
    """The output of ``Count``."""
    return project.output(f"final/Count_at_least=0_letter={letter}.json")


def keys_of(project: Project, family: str) -> list[str]:
    """The keys of a task's actions, newest first."""
    return [item["key"] for item in project.luisy("cas", "ls", family, "--json").document["actions"]]


def test_it_restores_at_the_tasks_own_path_and_executes_nothing(ran: Project) -> None:
    """A result whose file is gone is put back; no ``run()`` is called, no other output comes back."""
    count_file(ran).unlink()
    upper = ran.output("interim/Upper.json")
    upper.unlink()
    done = ran.luisy("get", "Count")
    assert (done.code, done.out) == (0, f"{count_file(ran)}\n")
    assert json.loads(count_file(ran).read_text()) == {"A": 5}
    assert not upper.exists()


def test_it_touches_nothing_but_what_was_asked(ran: Project, tmp_path: Path) -> None:
    """With ``--to`` elsewhere the whole project, store and workspace, is as it was."""
    before = stats(ran.folder)
    assert ran.luisy("get", "Both", "--to", str(tmp_path / "elsewhere")).code == 0
    after = stats(ran.folder)
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert changed <= {"data/.luisy/tmp"}  # where a lock comes and goes
    assert sorted(path.name for path in (tmp_path / "elsewhere").iterdir()) == [
        "Count_at_least=0_letter=A.json",
        "Count_at_least=0_letter=B.json",
    ]


def test_a_wrapper_stands_for_its_inputs(ran: Project) -> None:
    """``get`` of a wrapper restores what it requires."""
    for letter in "AB":
        count_file(ran, letter).unlink()
    assert ran.luisy("get", "Both").code == 0
    assert count_file(ran, "A").exists()
    assert count_file(ran, "B").exists()


def test_a_single_output_goes_to_the_path(ran: Project, tmp_path: Path) -> None:
    """``--to PATH`` is the file itself, its folder made where need be; an existing folder takes it under its own name."""
    ran.luisy("get", "Upper", "--to", str(tmp_path / "new" / "words.json"))
    assert json.loads((tmp_path / "new" / "words.json").read_text())[0] == "APPLE"
    for folder in (str(tmp_path / "new"), f"{tmp_path}/other/"):
        done = ran.luisy("get", "Upper", "--to", folder)
        assert done.out.strip().endswith("/Upper.json")
    assert (tmp_path / "new" / "Upper.json").read_bytes() == (tmp_path / "other" / "Upper.json").read_bytes()


def test_several_outputs_never_overwrite_each_other(project: Project) -> None:
    """Outputs with equal base names are put below the folder as they lie to each other; folders come with their content."""
    project.odd(PAIR)
    project.luisy("run", "All")
    assert project.luisy("get", "All", "--to", "out").code == 0
    found = {
        str(path.relative_to(project.folder / "out")): path.read_text() if path.is_file() else None
        for path in sorted((project.folder / "out").rglob("*"))
    }
    assert found == {
        "folder": None,
        "folder/empty": None,
        "folder/file": "in a folder",
        "left": None,
        "left/x.txt": "l",
        "right": None,
        "right/x.txt": "r",
    }


def test_several_outputs_do_not_fit_into_a_file(ran: Project) -> None:
    """Several outputs and ``--to`` a file is exit code 2, and the file stays."""
    target = ran.folder / "a-file"
    target.write_text("mine")
    done = ran.luisy("get", "Both", "--to", str(target))
    assert (done.code, done.slug, target.read_text()) == (2, "not-a-folder", "mine")


def test_an_older_result_comes_back_by_its_key(ran: Project) -> None:
    """``--at`` with a prefix restores what older code made; without it the current result comes back."""
    (old,) = keys_of(ran, "Upper")
    ran.write((ran.folder / "pipe/tasks.py").read_text().replace(".upper()", ".title()"))
    ran.luisy("run", "Upper")
    new = next(key for key in keys_of(ran, "Upper") if key != old)
    upper = ran.output("interim/Upper.json")
    for at, word in (((), "Apple"), (("--at", old[:8]), "APPLE"), (("--at", new.upper()), "Apple")):
        assert ran.luisy("get", "Upper", *at).code == 0
        assert json.loads(upper.read_text())[0] == word
    assert ran.luisy("plan", "Upper", "--json").document["counts"]["local"] == 2


def test_without_a_result_it_tells_the_earlier_ones(
    ran: Project, snapshot: Callable[[str, str], None]
) -> None:
    """After an edit there is no current result: exit code 1, nothing written, earlier keys with their age."""
    ran.write((ran.folder / "pipe/tasks.py").read_text().replace(".upper()", ".title()"))
    before = stats(ran.folder)
    done = ran.luisy("get", "Upper")
    snapshot("get-earlier-results", done.err)
    assert (done.code, done.slug) == (1, "no-such-result")
    assert keys_of(ran, "Upper")[0][:12] in done.err
    assert stats(ran.folder) == before


def test_a_task_that_never_ran_has_no_result(ran: Project, snapshot: Callable[[str, str], None]) -> None:
    """Other parameters' results are not told as earlier ones."""
    done = ran.luisy("get", "Count", "--letter", "Q")
    snapshot("get-no-result", done.err)
    assert (done.code, done.slug) == (1, "no-such-result")


def test_settings_of_a_run_do_not_matter(ran: Project) -> None:
    """Where a run would execute because of ``force``, or take files over, ``get`` asks the store alone."""
    count_file(ran).unlink()
    assert ran.luisy("get", "Count", LUISY_FORCE="yes", LUISY_FORCE_ALL="yes").code == 0
    assert count_file(ran).exists()
    count_file(ran, "Q").write_text("from before luisy")
    os.utime(count_file(ran, "Q"), (1, 1))
    done = ran.luisy("get", "Count", "--letter", "Q", "--store", "new-store")
    assert (done.code, done.slug) == (1, "no-such-result")


def test_an_external_task_has_no_result(ran: Project) -> None:
    """The files of an external task are not luisy's: exit code 1."""
    done = ran.luisy("get", "Words")
    assert (done.code, done.slug) == (1, "no-such-result")


def test_a_hand_edited_file_is_rescued_and_can_be_had_again(ran: Project) -> None:
    """What ``get`` replaces is kept first, and the note's digest brings it back, to its place or elsewhere."""
    count_file(ran).write_text("by hand")
    document = ran.luisy("get", "Count", "--json").document
    assert json.loads(count_file(ran).read_text()) == {"A": 5}
    (note,) = document["notes"]
    assert note["slug"] == "rescued"
    digest = note["text"].split("--at ")[1].split()[0]
    assert ran.luisy("get", "Count", "--at", digest, "--to", "again").code == 0
    assert (ran.folder / "again").read_text() == "by hand"
    result = ran.luisy("get", "Count", "--at", digest, "--json").document["results"][0]
    assert (result["rescued"], result["key"], count_file(ran).read_text()) == (True, None, "by hand")


def test_a_rescued_folder_comes_back_whole(project: Project) -> None:
    """A folder that was edited by hand is rescued and restored with all that was in it."""
    project.odd(PAIR)
    project.luisy("run", "Folder")
    (project.data / "folder" / "more").write_text("by hand")
    project.luisy("get", "Folder")
    assert not (project.data / "folder" / "more").exists()
    (record,) = project.luisy("cas", "status", "--json").document["rescued"]
    assert record["path"] == str(project.data / "folder")
    assert project.luisy("get", "Folder", "--at", record["digest"][:6]).code == 0
    assert (project.data / "folder" / "more").read_text() == "by hand"
    assert (project.data / "folder" / "empty").is_dir()


def test_a_file_at_the_target_is_not_lost(ran: Project) -> None:
    """A file that ``--to`` replaces is rescued, since its bytes may be nowhere else."""
    target = ran.folder / "words.json"
    target.write_text("mine")
    ran.luisy("get", "Upper", "--to", str(target))
    records = ran.luisy("cas", "status", "--json").document["rescued"]
    assert [record["path"] for record in records] == [str(target)]


def test_a_key_of_another_task_is_refused(ran: Project) -> None:
    """A result of another family, or of other parameters, does not land at this task's path: exit code 2."""
    before = stats(ran.data / "pipe")
    for key in (keys_of(ran, "Upper")[0], keys_of(ran, "Count")[0]):
        done = ran.luisy("get", "Count", "--letter", "Z", "--at", key)
        assert (done.code, done.slug) == (2, "other-task")
    assert stats(ran.data / "pipe") == before


def test_a_result_of_other_parameters_may_go_elsewhere(ran: Project) -> None:
    """With ``--to`` a result of the same family is handed out whatever its parameters, and the document says which."""
    action = ran.luisy("cas", "ls", "Count", "--letter", "B", "--json").document["actions"][0]
    done = ran.luisy("get", "Count", "--letter", "Z", "--at", action["key"], "--to", "b.json", "--json")
    assert done.document["results"][0]["params"]["letter"] == "B"
    assert json.loads((ran.folder / "b.json").read_text()) == {"B": 3}


def test_outputs_that_the_task_no_longer_has_need_a_place(project: Project) -> None:
    """An old result with other outputs than today's is exit code 2 without ``--to``; with it, it is handed out."""
    project.odd(PAIR)
    project.luisy("run", "Pair")
    (key,) = keys_of(project, "Pair")
    project.odd(PAIR.replace('"r": luigi', '"right": luigi'))
    done = project.luisy("get", "Pair", "--at", key)
    assert (done.code, done.slug) == (2, "other-outputs")
    assert project.luisy("get", "Pair", "--at", key, "--to", "old").code == 0
    assert sorted(path.name for path in (project.folder / "old").iterdir()) == ["r", "x.txt"]


@pytest.mark.parametrize("at", ["abc", "not-hex!", "ffffffffffff"])
def test_an_impossible_key_is_refused(ran: Project, at: str) -> None:
    """What is no key, no rescued file and, without a repository, no revision either is exit code 1."""
    done = ran.luisy("get", "Upper", "--at", at)
    assert (done.code, done.slug) == (1, "no-such-result")


def test_the_store_is_no_place_to_put_things(ran: Project) -> None:
    """``--to`` below the store, or the store itself, is exit code 2."""
    for place in (ran.store / "objects" / "mine", ran.store):
        done = ran.luisy("get", "Upper", "--to", str(place))
        assert (done.code, done.slug) == (2, "inside-store")


def test_a_place_that_cannot_be_written_is_told(ran: Project) -> None:
    """A target below a file is exit code 2 and names the path."""
    (ran.folder / "file").write_text("a file")
    done = ran.luisy("get", "Upper", "--to", "file/below")
    assert (done.code, done.slug) == (2, "cannot-write")
    assert "file" in done.err


def test_a_damaged_object_is_no_result(ran: Project) -> None:
    """Bytes that are not what their name says are never handed out: exit code 1, nothing written."""
    (path,) = ran.luisy("cas", "path", "Upper").out.split()
    Path(path).chmod(0o644)
    Path(path).write_bytes(b"other bytes")
    done = ran.luisy("get", "Upper", "--at", keys_of(ran, "Upper")[0], "--to", "words.json")
    assert (done.code, done.slug) == (1, "no-such-result")
    assert not (ran.folder / "words.json").exists()


@pytest.fixture
def elsewhere(ran: Project) -> Project:
    """A pipeline whose results are in a remote, and nowhere else."""
    (ran.folder / "remote").mkdir()
    (ran.folder / "pyproject.toml").write_text(f'[tool.luisy]\nremote = "file://{ran.folder}/remote"\n')
    assert ran.luisy("cas", "push").code == 0
    shutil.rmtree(ran.store)
    shutil.rmtree(ran.data / "pipe" / "final")
    return ran


def test_it_downloads_what_the_store_lacks(elsewhere: Project) -> None:
    """With --download the current result comes from the remote, and nothing else; without, it is not there."""
    assert elsewhere.luisy("get", "Count").slug == "no-such-result"
    assert elsewhere.luisy("get", "Count", "--download").code == 0
    assert json.loads(count_file(elsewhere).read_text()) == {"A": 5}
    assert keys_of(elsewhere, "Upper") == []


def test_it_downloads_what_a_key_names(elsewhere: Project) -> None:
    """A result that only the remote has is found by the beginning of its key, for `diff` too."""
    remote = elsewhere.luisy("cas", "ls", "Count", "--remote", "--json").document["actions"]
    key = next(item["key"] for item in remote if item["params"]["letter"] == "B")
    task = ("Count", "--letter", "B", "--at", key[:12])
    assert elsewhere.luisy("get", *task).slug == "no-such-result"
    assert elsewhere.luisy("get", *task, "--download").code == 0
    assert json.loads(count_file(elsewhere, "B").read_text()) == {"B": 3}
    compared = elsewhere.luisy("diff", "Count", "--at", key, "--download", "--json").document
    assert [change["name"] for change in compared["changes"]] == ["letter"]
    assert compared["outputs"][0]["equal"] is False
