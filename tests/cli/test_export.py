"""``luisy cas export`` and ``import``: results from one working dir to another in a file."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from luisy.cas import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.project import Project


@pytest.fixture
def there(finished: Project, tmp_path: Path) -> str:
    """Another working dir, with the raw file and nothing else."""
    raw = tmp_path / "there" / "pipe" / "raw" / "Words.json"
    raw.parent.mkdir(parents=True)
    raw.write_bytes(finished.output("raw/Words.json").read_bytes())
    return str(tmp_path / "there")


def test_what_they_say(
    finished: Project, there: str, tmp_path: Path, snapshot: Callable[[str, str], None]
) -> None:
    """An export, its import, the same again, and where another result is there already."""
    file = str(tmp_path / "results.tar")
    said = []
    for words, place in (
        (("export", "Count", "-o", file), ""),
        (("import", file), there),
        (("import", file), there),
        (("export", "--all", "-q", "-o", file), ""),
        (("import", file), there),
    ):
        done = finished.luisy("cas", *words, **({"WORKING_DIR": place} if place else {}))
        said.append(f"--- cas {' '.join(words)}\n{done.out}{done.err}".replace(str(tmp_path), "DIR"))
        assert done.code == 0
    snapshot("export", "\n".join(said))


def test_what_was_imported_is_not_executed(finished: Project, there: str, tmp_path: Path) -> None:
    """On the other side a run finds the results, and puts them in place."""
    file = str(tmp_path / "results.tar")
    assert finished.luisy("cas", "export", "--all", "-o", file).code == 0
    assert finished.luisy("cas", "import", file, WORKING_DIR=there).code == 0
    document = finished.luisy("run", "Both", "--json", WORKING_DIR=there).document
    assert document["counts"]["executed"] == 0
    assert len(list((tmp_path / "there" / "pipe" / "final").iterdir())) == 2


def test_documents(finished: Project, there: str, tmp_path: Path) -> None:
    """Both say what went and came, bytes as integers, keys in order."""
    file = str(tmp_path / "results.tar")
    made = finished.luisy("cas", "export", "--all", "-o", file, "--json").document
    done = finished.luisy("cas", "import", file, "--json", WORKING_DIR=there).document
    keys = sorted(item["key"] for item in finished.luisy("cas", "ls", "--json").document["actions"])
    size, objects = made["bytes"], made["objects"]
    assert made == {"file": file, "actions": keys, "aliases": 0, "objects": objects, "bytes": size}
    assert done == {
        "file": file,
        "actions": keys,
        "present": 0,
        "outvoted": [],
        "aliases": 0,
        "objects": objects,
        "bytes": size,
    }
    with Store.open(finished.store, create=False) as store:
        assert (objects, size) == (store.status().objects, store.status().object_bytes)


def test_through_a_pipe(finished: Project, there: str) -> None:
    """Without -o the file is stdout, and - is stdin: both are bytes and nothing else."""

    def piped(*words: str, data: bytes = b"", **environment: str) -> bytes:
        return subprocess.run(
            [sys.executable, "-m", "luisy", "cas", *words],
            cwd=finished.folder,
            env=finished.environment(**environment),
            input=data,
            stdout=subprocess.PIPE,
            check=True,
        ).stdout

    said = piped("import", "-", data=piped("export", "Upper"), WORKING_DIR=there)
    assert said.startswith(b"1 results imported")


@pytest.mark.parametrize(
    "words",
    [
        ("export",),
        ("export", "--all", "Upper", "-o", "x"),
        ("export", "Upper", "--json"),
        ("export", "abcde", "-o", "x"),
        ("import",),
    ],
)
def test_what_does_not_fit_is_usage(finished: Project, words: tuple[str, ...]) -> None:
    """Nothing named, too much, a prefix that is too short, a document into the same stdout: exit code 2, and no file."""
    done = finished.luisy("cas", *words)
    assert done.code == 2
    assert not (finished.folder / "x").exists()


def test_what_is_not_there_is_no_such_result(finished: Project, project: Project) -> None:
    """A task or key without results, and a store that is not there, are exit code 1."""
    for words in (("export", "Nope", "-o", "x"), ("export", "abcdef", "-o", "x")):
        done = finished.luisy("cas", *words)
        assert (done.code, done.slug) == (1, "no-such-result")
    assert project.luisy("cas", "export", "--all", "-o", "x").code == 1


def test_files_that_cannot_be_opened_are_named(finished: Project) -> None:
    """Neither of them is a failure of luisy: exit code 2, with the path."""
    for words, slug in (
        (("import", "no/such/file"), "cannot-read"),
        (("import", "pipe"), "cannot-read"),
        (("export", "--all", "-o", "no/such/file"), "cannot-write"),
        (("export", "--all", "-o", "pipe/tasks.py/x"), "cannot-write"),
    ):
        done = finished.luisy("cas", *words)
        assert (done.code, done.slug) == (2, slug)
        assert words[-1].split("/")[0] in done.err


def test_a_failed_export_leaves_the_old_file(project: Project, tmp_path: Path) -> None:
    """The file takes its name when it is whole; a device is written to as it is."""
    project.luisy("run", "Both")
    file = tmp_path / "results.tar"
    file.write_text("precious")
    with Store.open(project.store, create=False) as store:
        name = store.list_actions(family="Upper")[0].manifest
        (project.store / "objects" / name[:2] / name[2:]).unlink()
    assert project.luisy("cas", "export", "Upper", "-o", str(file)).code == 1
    assert [path.name for path in tmp_path.glob("results*")] == ["results.tar"]
    assert file.read_text() == "precious"
    done = project.luisy("cas", "export", "Count", "-o", "/dev/full")
    assert (done.code, done.slug) == (2, "cannot-write")


@pytest.mark.parametrize("data", [b"rubbish", b""])
def test_what_is_no_export_is_corruption(finished: Project, there: str, tmp_path: Path, data: bytes) -> None:
    """Rubbish and an empty file are exit code 4, and leave no result."""
    (tmp_path / "file").write_bytes(data)
    done = finished.luisy("cas", "import", str(tmp_path / "file"), WORKING_DIR=there)
    assert (done.code, done.slug) == (4, "bad-export")
    assert finished.luisy("cas", "ls", "--json", WORKING_DIR=there).document == {"actions": []}


def test_nothing_unsigned_comes_in_where_only_signed_results_count(
    finished: Project, there: str, tmp_path: Path
) -> None:
    """With trusted_keys set an import is refused with exit code 2, unless the user vouches for it."""
    file = str(tmp_path / "results.tar")
    finished.luisy("cas", "export", "--all", "-o", file)
    settings = tmp_path / "there" / "pyproject.toml"
    settings.write_text(f"[tool.luisy]\ntrusted_keys = ['{'ab' * 32}']\n")
    command = [sys.executable, "-m", "luisy", "cas", "import", file]
    codes = [
        subprocess.run(
            [*command, *more], cwd=there, env=finished.environment(WORKING_DIR=there), check=False
        ).returncode
        for more in ((), ("--unsigned",))
    ]
    assert codes == [2, 0]
