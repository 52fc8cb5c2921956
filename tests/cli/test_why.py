"""``luisy why``: a hit, or what changed since the nearest earlier result, down to the root of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.test_output import on_a_terminal
from tests.cli.test_plan import stats

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.project import Project

CLEAN = '''\
LIMIT = 3


def clean(words):
    """Words without white space."""
    return [word.strip() for word in words][:LIMIT]
'''


@pytest.fixture
def ran(project: Project) -> Project:
    """A pipeline whose first task uses a function of another module; it has run."""
    project.write(CLEAN, "features")
    edit(
        project,
        "word.upper() for word in self.input().read()",
        "word.upper() for word in clean(self.input().read())",
    )
    edit(project, "import luisy\n", "import luisy\n\nfrom .features import clean\n")
    assert project.luisy("run", "Both").code == 0
    return project


def edit(project: Project, old: str, new: str, module: str = "tasks") -> None:
    """Change code; *old* must be there."""
    text = (project.folder / f"pipe/{module}.py").read_text()
    assert old in text
    project.write(text.replace(old, new), module)


def changes(project: Project, *task: str) -> list[dict[str, Any]]:
    """The changes of a task without a result."""
    document = project.luisy("why", *task, "--json").document
    assert document["hit"] is False
    found: list[dict[str, Any]] = document["changes"]
    return found


def test_what_people_read(ran: Project, snapshot: Callable[[str, str], None]) -> None:
    """A hit, other parameters, changed code here and upstream, changed bytes, a file that is gone, several causes."""
    said = [f"--- a hit\n{ran.luisy('why', 'Count').out}"]
    said.append(f"--- other parameters\n{ran.luisy('why', 'Count', '--at-least', '2').out}")
    edit(ran, "word.strip()", "word.strip().lower()", "features")
    said.append(f"--- a function that the task uses\n{ran.luisy('why', 'Upper').out}")
    said.append(f"--- a function upstream\n{ran.luisy('why', 'Count').out}")
    said.append(f"--- a wrapper\n{ran.luisy('why', 'Both').out}")
    ran.raw("other", "words")
    edit(ran, "max(self.at_least,", "max(1, self.at_least,")
    said.append(f"--- several causes\n{ran.luisy('why', 'Count').out}")
    ran.output("raw/Words.json").unlink()
    said.append(f"--- a file that is gone\n{ran.luisy('why', 'Upper').out}")
    snapshot("why", "\n".join(said))


def test_a_first_time_has_nothing_to_compare_with(project: Project) -> None:
    """Where nothing was recorded of a task, that is the answer, with exit code 0."""
    done = project.luisy("why", "Count", "--json")
    assert (done.code, done.document["hit"]) == (0, False)
    assert (done.document["compared_with"], done.document["changes"]) == (None, [])
    assert "no result for these parameters yet" in project.luisy("why", "Count").out


def test_a_hit_is_compared_with_nothing(ran: Project) -> None:
    """A task that has a result has no changes."""
    document = ran.luisy("why", "Count", "--json").document
    assert list(document) == ["family", "key", "hit", "compared_with", "changes"]
    assert (document["hit"], document["compared_with"], document["changes"]) == (True, None, [])
    assert document["key"] == ran.luisy("key", "Count", "--json").document["key"]


def test_changed_code_is_named_with_its_diff(ran: Project) -> None:
    """The function, its file and the lines that differ."""
    edit(ran, "word.strip()", "word.lstrip()", "features")
    (change,) = changes(ran, "Upper")
    assert (change["part"], change["name"]) == ("code", "pipe/features.py:clean")
    assert "-    return [word.strip() for word in words][:LIMIT]\n" in change["diff"]
    assert "+    return [word.lstrip() for word in words][:LIMIT]\n" in change["diff"]
    assert change["old"] != change["new"]


def test_the_root_cause_is_named_through_an_unchanged_task(ran: Project) -> None:
    """A constant two tasks upstream is found through a task whose own code is as it was."""
    edit(ran, "LIMIT = 3", "LIMIT = 2", "features")
    (change,) = changes(ran, "Count")
    assert (change["part"], change["name"]) == ("input", "Upper()")
    assert "its code changed: LIMIT in pipe/features.py" in change["diff"]
    assert "-LIMIT = 3" in change["diff"]


def test_changed_bytes_are_told_apart_from_changed_code(ran: Project) -> None:
    """Of an external file the bytes changed."""
    ran.raw("other")
    (change,) = changes(ran, "Upper")
    assert (change["part"], change["name"], change["diff"]) == ("input", "Words()", "")
    (above,) = changes(ran, "Count")
    assert above["diff"] == "Words(): its bytes changed\n"


def test_it_compares_with_the_result_that_differs_in_the_fewest_parameters(ran: Project) -> None:
    """Not the newest result, but the one that is nearest; among those equally near, the newest."""
    for letter, at_least in (("X", "1"), ("Y", "5"), ("Z", "6")):
        assert ran.luisy("run", "Count", "--letter", letter, "--at-least", at_least).code == 0
    (change,) = changes(ran, "Count", "--letter", "C", "--at-least", "5")
    assert (change["part"], change["name"], change["old"], change["new"]) == ("parameter", "letter", "Y", "C")
    both = changes(ran, "Count", "--letter", "C", "--at-least", "9")
    assert [change["old"] for change in both] == ["6", "Z"]


def test_it_compares_with_the_newest_result_of_these_parameters(ran: Project) -> None:
    """Of two versions of the code, the last one that ran is told apart from that of now."""
    edit(ran, "LIMIT = 3", "LIMIT = 2", "features")
    assert ran.luisy("run", "Upper").code == 0
    edit(ran, "LIMIT = 2", "LIMIT = 1", "features")
    (change,) = changes(ran, "Upper")
    assert "-LIMIT = 2" in change["diff"]


def test_a_missing_file_is_named(ran: Project) -> None:
    """Where a task cannot run since a file is gone, its path is the answer."""
    path = ran.output("raw/Words.json")
    path.unlink()
    said = ran.luisy("why", "Count").out
    assert f"not there: {path}" in said


def test_a_long_diff_is_cut_unless_asked_for(ran: Project) -> None:
    """A hundred changed lines are shown with -v only; the document has them all."""
    body = "".join(f"    words += {n} * ['']\n" for n in range(100))
    edit(ran, "    return [word.strip()", f"{body}    return [word.strip()", "features")
    short, long = ran.luisy("why", "Upper").out, ran.luisy("why", "Upper", "-v").out
    assert "more lines (-v shows them)" in short
    assert "words += 99" not in short
    assert "words += 99" in long


def test_the_diff_is_coloured_on_a_terminal_only(ran: Project) -> None:
    """Removed lines are red and added ones green on a terminal, unless NO_COLOR says otherwise."""
    edit(ran, "LIMIT = 3", "LIMIT = 2", "features")
    assert "\x1b" not in ran.luisy("why", "Upper").out
    said = on_a_terminal(ran, "why", "Upper")
    assert "\x1b[31m-LIMIT = 3" in said
    assert "\x1b[32m+LIMIT = 2" in said
    assert "\x1b[3" not in on_a_terminal(ran, "why", "Upper", NO_COLOR="1")


@pytest.mark.parametrize("task", ["Both", "Upper"])
def test_it_touches_nothing(ran: Project, task: str) -> None:
    """Neither workspace nor store are changed by looking."""
    edit(ran, "LIMIT = 3", "LIMIT = 2", "features")
    before = stats(ran.folder)
    assert ran.luisy("why", task).code == 0
    assert stats(ran.folder) == before


def test_what_explains_an_old_result_may_be_gone(ran: Project) -> None:
    """Where the kept sources are lost, it is said that the code changed, and nothing breaks."""
    sources = [path for path in ran.store.glob("objects/*/*") if b"def clean" in path.read_bytes()]
    assert sources
    for path in sources:
        path.unlink()
    edit(ran, "LIMIT = 3", "LIMIT = 2", "features")
    (change,) = changes(ran, "Upper")
    assert (change["part"], change["name"], change["diff"]) == ("code", "fingerprint", "")
