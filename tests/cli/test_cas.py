"""``luisy cas status|ls|show|path``: what is in the store, without importing any pipeline."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from luisy.cas import Store
from luisy.model import Action, Digest, Key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.project import Project


def action_of(store: Store, key: str, family: str) -> None:
    """Put an action with a chosen key into *store*."""
    manifest = store.keep([(b"", __file__)])
    store.record(
        Action(Key(key), manifest.digest, "made", family, {}, Digest("1" * 64), Digest("2" * 64), created=1.0)
    )


def actions(project: Project, *arguments: str) -> list[dict[str, Any]]:
    """The actions that ``ls`` lists."""
    found: list[dict[str, Any]] = project.luisy("cas", "ls", *arguments, "--json").document["actions"]
    return found


def test_what_they_say(finished: Project, snapshot: Callable[[str, str], None]) -> None:
    """Status, list, one action, one object and paths for people."""
    key = actions(finished, "Upper")[0]["key"]
    object_name = finished.luisy("cas", "path", "Upper", "--json").document["objects"][0]["digest"]
    commands = (
        ("status",),
        ("ls", "Upper"),
        ("ls", "Count", "--letter", "B"),
        ("show", key),
        ("show", object_name),
        ("path", key),
    )
    said = [
        f"--- cas {' '.join(command)}\n{finished.luisy('cas', *command, LUISY_MODULE='').out}"
        for command in commands
    ]
    snapshot("cas", "\n".join(said))


def test_no_module_is_imported(project: Project) -> None:
    """They work where the pipeline cannot be imported any more, and where no module is set."""
    project.luisy("run", "Upper")
    project.write("raise RuntimeError")
    for command in (("status",), ("ls", "Upper"), ("show", "Upper"), ("path", "Upper")):
        assert project.luisy("cas", *command).code == 0
        assert project.luisy("cas", *command, LUISY_MODULE="").code == 0


def test_status_counts(finished: Project) -> None:
    """Counts and bytes are integers and those of the store."""
    document = finished.luisy("cas", "status", "--json").document
    with Store.open(finished.store, create=False) as store:
        status = store.status()
    assert document == {
        "store": str(finished.store),
        "exists": True,
        "read_only": False,
        "actions": 3,
        "aliases": 0,
        "result_bytes": status.result_bytes,
        "objects": status.objects,
        "object_bytes": status.object_bytes,
        "dedup_ratio": status.dedup_ratio,
        "rescued": [],
        "remote": None,
        "not_pushed": [],
    }


def test_without_a_store_there_is_nothing(project: Project) -> None:
    """Status and list of a store that is not there are empty and exit with 0; show and path say so and exit with 1."""
    status = project.luisy("cas", "status", "--json")
    assert (status.code, status.document["exists"], status.document["actions"]) == (0, False, 0)
    assert (project.luisy("cas", "status").code, actions(project)) == (0, [])
    for command in ("show", "path"):
        done = project.luisy("cas", command, "abcdef")
        assert (done.code, done.slug) == (1, "no-such-result")


def test_ls_is_newest_first_and_filters(finished: Project) -> None:
    """All actions, those of a task, those with parameters in Luigi's spellings; what fits nothing is an empty list."""
    assert [item["family"] for item in actions(finished)] == ["Count", "Count", "Upper"]
    for spelling in (
        ("--letter", "B"),
        ("--letter=B",),
        ("--Count-letter", "B"),
        ("--letter", "B", "--at-least", "0"),
    ):
        assert [item["params"]["letter"] for item in actions(finished, "Count", *spelling)] == ["B"]
    for nothing in (
        ("Nope",),
        ("Count", "--letter", "Z"),
        ("Count", "--colour", "red"),
        ("Upper", "--letter", "A"),
    ):
        assert actions(finished, *nothing) == []


def test_ls_tells_all_of_an_action(finished: Project) -> None:
    """The document of one action, with bytes as integers and its time in UTC."""
    (item,) = actions(finished, "Upper")
    moment = datetime.fromisoformat(item.pop("created"))
    assert moment.utcoffset() is not None
    assert not moment.utcoffset()
    assert type(item.pop("seconds")) is float
    assert (len(item.pop("key")), len(item.pop("manifest"))) == (64, 64)
    assert item == {
        "family": "Upper",
        "project": "pipe",
        "params": {},
        "bytes": finished.output("interim/Upper.json").stat().st_size,
        "adopted": False,
        "held_back": "",
        "pins": [],
    }


def test_ls_reads_flags_as_luigi_does(project: Project) -> None:
    """``--deep`` alone means true, and long parameters that the index leaves out are found, too."""
    long = "x" * 400
    project.odd(
        "class Flagged(luisy.Task):\n    deep = luigi.BoolParameter()\n    text = luigi.Parameter()\n"
        "    def output(self):\n        return luigi.LocalTarget(f'data/{self.task_id}')\n"
        "    def run(self):\n        Path(self.output().path).write_text('x')\n"
    )
    project.luisy("run", "Flagged", "--deep", "--text", long)
    assert [item["params"]["deep"] for item in actions(project, "Flagged", "--deep")] == ["True"]
    assert actions(project, "Flagged", "--deep", "false") == []
    assert actions(project, "Flagged", "--text", long)[0]["params"]["text"] == long


@pytest.mark.parametrize("words", [("Count", "Upper"), ("--letter", "B")])
def test_ls_wants_one_task(finished: Project, words: tuple[str, ...]) -> None:
    """Two tasks, or parameters of none, are exit code 2."""
    done = finished.luisy("cas", "ls", *words)
    assert (done.code, done.slug) == (2, "usage")


def test_adopted_and_held_back_are_marked(project: Project) -> None:
    """``ls`` marks what was there before luisy and says why it would not be uploaded."""
    project.output("interim").mkdir(parents=True)
    project.output("interim/Upper.json").write_text('["OLD"]')
    project.luisy("run", "Upper")
    (item,) = actions(project, "Upper")
    assert item["adopted"] is True
    assert item["held_back"].startswith("adopted")
    assert "[adopted, held back]" in project.luisy("cas", "ls").out


def test_show_tells_everything_about_an_action(finished: Project) -> None:
    """Inputs, outputs, parts, sources and trace; the inputs are the results that it was made from."""
    upper, count = actions(finished, "Upper")[0], actions(finished, "Count", "--letter", "A")[0]
    document = finished.luisy("cas", "show", count["key"][:6], "--json").document
    assert document["kind"] == "action"
    assert document["key"] == count["key"]
    assert document["inputs"] == [{"key": upper["key"], "digest": upper["manifest"]}]
    assert document["parts"]["parameter letter"] == "A"
    sources = document["sources"]["sources"].values()
    assert any("class Count" in source["text"] for statements in sources for source in statements)
    (output,) = document["outputs"]
    assert (output["path"], output["kind"], output["stored"]) == ("", "file", True)
    assert output["bytes"] == document["bytes"] == count["bytes"]
    assert (document["trace"], document["adopted"], document["pins"]) == ([], False, [])


def test_show_tells_the_trace_of_dynamic_dependencies(project: Project) -> None:
    """What ``run()`` yielded stands in the action's trace, with module, parameters and key."""
    project.write(
        (project.folder / "pipe/tasks.py").read_text()
        + "\n\n@luisy.final\n@luisy.json_output()\nclass Dynamic(luisy.Task):\n    def run(self):\n"
        "        target = yield Count(letter='B')\n        self.write(target.read())\n"
    )
    assert project.luisy("run", "Dynamic").code == 0
    document = project.luisy("cas", "show", "Dynamic", "--json").document
    (dependency,) = document["trace"]
    assert (dependency["family"], dependency["module"]) == ("Count", "pipe.tasks")
    assert dependency["params"]["letter"] == "B"
    assert document["base_key"] != document["key"]


def test_show_tells_who_uses_an_object(finished: Project) -> None:
    """Size, place and users of an output's object, of a manifest, and of the parts of a key."""
    action = finished.luisy("cas", "show", "Upper", "--json").document
    for digest, role in ((action["outputs"][0]["digest"], "output"), (action["manifest"], "manifest")):
        document = finished.luisy("cas", "show", digest[:10], "--json").document
        assert (document["kind"], document["digest"]) == ("object", digest)
        assert document["bytes"] == os.stat(document["path"]).st_size
        assert {"key": action["key"], "family": "Upper", "as": role} in document["used_by"]


def test_show_of_an_alias_leads_to_the_action(project: Project) -> None:
    """A key that early cutoff found shows the action that answers it."""
    project.luisy("run", "Upper")
    (action,) = actions(project)
    with Store.open(project.store) as store:
        store.alias(Key("abcdef" + "0" * 58), Key(action["key"]))
    document = project.luisy("cas", "show", "abcdef", "--json").document
    assert (document["key"], document["alias"]) == (action["key"], "abcdef" + "0" * 58)


def test_path_prints_where_the_bytes_lie(finished: Project) -> None:
    """One path a line; each holds the bytes of the output."""
    (line,) = finished.luisy("cas", "path", actions(finished, "Upper")[0]["key"]).out.splitlines()
    with open(line, "rb") as file:
        assert file.read() == finished.output("interim/Upper.json").read_bytes()
    (item,) = finished.luisy("cas", "path", "Upper", "--json").document["objects"]
    assert (item["path"], item["output"], type(item["bytes"])) == (line, "", int)


def test_path_of_what_is_gone_is_no_result(project: Project) -> None:
    """An object that was removed is exit code 1, not a path to nothing."""
    project.luisy("run", "Upper")
    (path,) = project.luisy("cas", "path", "Upper").out.split()
    os.unlink(path)
    done = project.luisy("cas", "path", "Upper")
    assert (done.code, done.out, done.slug) == (1, "", "no-such-result")


def test_an_ambiguous_prefix_lists_the_candidates(tmp_path: Path, finished: Project) -> None:
    """Two keys with one beginning are exit code 2 and both are told; more digits decide."""
    with Store.open(tmp_path / "store") as store:
        for last in "12":
            action_of(store, "abcdef" + "0" * 57 + last, "Made")
    name = ("--store", str(tmp_path / "store"))
    for command in ("show", "path"):
        done = finished.luisy("cas", command, "abcdef", *name)
        assert (done.code, done.slug) == (2, "ambiguous-prefix")
        assert done.err.count("abcdef000000 (action)") == 2
    assert finished.luisy("cas", "show", "abcdef" + "0" * 57 + "2", *name).code == 0


def test_an_exact_task_name_wins_over_a_prefix(tmp_path: Path, finished: Project) -> None:
    """A task that is called like the beginning of a key is shown, not the key."""
    with Store.open(tmp_path / "store") as store:
        action_of(store, "abcdef" + "0" * 58, "Other")
        action_of(store, "f" * 64, "abcdef")
    document = finished.luisy("cas", "show", "abcdef", "--store", str(tmp_path / "store"), "--json").document
    assert (document["family"], document["key"]) == ("abcdef", "f" * 64)


@pytest.mark.parametrize(
    ("name", "code", "slug"),
    [
        ("Nope", 1, "no-such-result"),
        ("ffffff", 1, "no-such-result"),
        ("abc", 2, "bad-prefix"),
        ("f" * 65, 2, "bad-prefix"),
    ],
)
def test_a_name_that_means_nothing_is_told(finished: Project, name: str, code: int, slug: str) -> None:
    """An unknown task or key is exit code 1; digits that cannot be a key are exit code 2."""
    for command in ("show", "path"):
        done = finished.luisy("cas", command, name)
        assert (done.code, done.slug) == (code, slug)
