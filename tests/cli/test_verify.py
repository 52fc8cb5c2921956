"""``luisy cas verify``: exit codes, what it says, and what a run makes of a repaired store."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.project import Done, Project


def objects_of(project: Project, task: str) -> list[Path]:
    """The object files of a task's newest result."""
    found = project.luisy("cas", "path", task, "--json").document["objects"]
    return [project.store / "objects" / item["digest"][:2] / item["digest"][2:] for item in found]


def damage(path: Path, *, at: int = 0) -> None:
    """Flip a bit; the size stays."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.chmod(0o644)
    path.write_bytes(bytes(data))


def test_from_damage_to_a_run_that_makes_up_for_it(
    project: Project, snapshot: Callable[[str, str], None]
) -> None:
    """A sound store is 0, a damaged one 4 until it is repaired, and then the one task executes again."""
    project.luisy("run", "Both")
    said = []

    def verify(code: int, *words: str) -> None:
        done = project.luisy("cas", "verify", *words)
        said.append(f"--- cas verify {' '.join(words)}\n{done.out}")
        assert done.code == code

    verify(0)
    damage(objects_of(project, "Upper")[0])
    verify(4)
    verify(4, "-q")
    verify(0, "--repair")
    verify(0, "-q")
    again = project.luisy("run", "Both", "--force", "--json").document
    assert again["status"] == "success"
    verify(0)
    snapshot("verify", "\n".join(said))


def test_what_is_repaired_executes_again(project: Project) -> None:
    """The task whose object was damaged, and no other."""
    project.luisy("run", "Both")
    damage(objects_of(project, "Upper")[0])
    project.luisy("cas", "verify", "--repair")
    project.output("interim/Upper.json").unlink()
    executed = [
        project.luisy("run", task, "--json").document["counts"]["executed"] for task in ("Both", "Upper")
    ]
    assert executed == [0, 1]


def test_good_copies_come_from_the_remote(project: Project) -> None:
    """With --download the result stays; without it no request is made."""
    remote = {"LUISY_REMOTE": f"file://{project.folder}/remote"}
    (project.folder / "remote").mkdir()
    project.luisy("run", "Both", "--upload", **remote)
    for words, repair in ((("--repair", "--download"), "replaced"), (("--repair",), "quarantined")):
        damage(objects_of(project, "Upper")[0])
        document = project.luisy("cas", "verify", *words, "--json", **remote).document
        assert {problem["repair"] for problem in document["problems"]} == {repair}
    assert project.luisy("cas", "verify").code == 0
    assert project.luisy("cas", "ls", "Upper", "--json").document["actions"] == []


def test_a_remote_that_does_not_answer_is_told(project: Project) -> None:
    """The repair goes on without copies."""
    project.luisy("run", "Both")
    damage(objects_of(project, "Upper")[0])
    done = project.luisy("cas", "verify", "--repair", "--download", LUISY_REMOTE="file:///nowhere/at/all")
    assert done.code == 0
    assert "no copies from the remote" in done.err


def test_a_corrupt_index_is_told_and_rebuilt(project: Project) -> None:
    """Exit code 4 and a hint; --rebuild is what the hint says, and nothing executes after it."""
    project.luisy("run", "Both")
    (project.store / "index.db").write_bytes(b"rubbish" * 5000)
    done = project.luisy("cas", "verify")
    assert (done.code, done.slug) == (4, "corrupt-index")
    assert "--rebuild" in done.err
    document = project.luisy("cas", "verify", "--rebuild", "--json").document
    assert (document["rebuilt"]["actions"], document["problems"]) == (3, [])
    assert project.luisy("run", "Both", "--json").document["counts"]["executed"] == 0


def test_what_a_rebuild_leaves_out_is_exit_code_4(project: Project) -> None:
    """Until it is put aside."""
    project.luisy("run", "Both")
    damage(objects_of(project, "Upper")[0])
    assert project.luisy("cas", "verify", "--rebuild").code == 4
    assert project.luisy("cas", "verify", "--rebuild", "--repair").code == 0
    assert project.luisy("cas", "verify", "--rebuild").code == 0


def test_without_a_store_nothing_is_wrong(project: Project) -> None:
    """And none is made."""
    for words in ((), ("--repair",), ("--rebuild",)):
        assert project.luisy("cas", "verify", *words).code == 0
    assert not project.store.exists()


def test_a_read_only_store_can_be_looked_at(project: Project) -> None:
    """A repair is refused before anything is done."""
    project.luisy("run", "Both")
    damage(objects_of(project, "Upper")[0])
    for path in [project.store, *project.store.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    assert project.obeying_modes("cas", "verify").code == 4
    refused = project.obeying_modes("cas", "verify", "--repair")
    assert (refused.code, refused.slug) == (2, "store-read-only")


def test_a_damaged_remote_is_found_and_mended(project: Project) -> None:
    """Exit code 4 until it is repaired; from the store that has the results, so that nothing executes again."""
    (project.folder / "remote").mkdir()
    remote = {"LUISY_REMOTE": f"file://{project.folder}/remote"}
    project.luisy("run", "Both", "--upload", **remote)

    def verify(*words: str) -> Done:
        return project.luisy("cas", "verify", "--remote", *words, **remote)

    assert verify().out.endswith("/remote is as it should be\n")
    for pack in (project.folder / "remote").glob("pipe/.luisy/v1/packs/[0-9a-f]*"):
        damage(pack, at=40)  # the first bytes say that it is a pack: nobody reads them
    found = verify("--json")
    assert found.code == 4
    assert {problem["kind"] for problem in found.document["problems"]} >= {"damaged-object"}
    assert {problem["repair"] for problem in found.document["problems"]} == {None}
    repaired = verify("--repair", "-q")
    assert repaired.code == 0
    assert all(line.endswith(": replaced") for line in repaired.out.splitlines())
    assert (verify("-q").code, verify("-q").out) == (0, "")
    elsewhere = project.luisy("run", "Both", "--download", "--store", "other", "--json", **remote).document
    assert elsewhere["counts"]["executed"] == 0


def test_a_rebuild_is_none_of_the_remote(project: Project) -> None:
    """Usage error."""
    assert project.luisy("cas", "verify", "--remote", "--rebuild").code == 2


def test_without_a_remote_there_is_nothing_to_look_at(project: Project) -> None:
    """It says which settings are missing."""
    assert project.luisy("cas", "verify", "--remote").code == 3
