"""``--json``: stdout is one parseable document, with exactly the fields that docs/cli.md and CLI scripts rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.project import TASKS, Project

if TYPE_CHECKING:
    from tests.e2e.projects import Warm

OUTCOMES = ("local", "remote", "reused", "executed", "complete", "failed", "missing", "blocked", "not_needed",
            "undecided")  # fmt: skip
REPORT: Any = {
    "status": str,
    "error": None,
    "root": {"family": str, "key": str},
    "counts": dict.fromkeys(OUTCOMES, int),
    "tasks": [
        {
            "family": str,
            "params": dict,
            "key": str,
            "outcome": str,
            "cacheable": bool,
            "adopted": bool,
            "reason": {"slug": str, "text": str},
            "seconds": float,
            "bytes": int,
            "outputs": list,
        }
    ],
    "remote": {"url": None, "requests": int, "bytes_down": int, "bytes_up": int},
    "seconds": float,
}
FAILED: Any = {
    **REPORT,
    "error": {"slug": str, "text": str, "hint": str},
    "root": {"family": None, "key": None},
    "tasks": [],
}
NOISY = 'print("the module prints")\n' + TASKS.replace(
    'print("Count runs")', 'print("Count runs", flush=True); import os; os.system("echo a child prints")'
)


def mismatches(found: Any, wanted: Any, where: str = "") -> list[str]:
    """Where *found* has other fields or types than *wanted*; every item of a list is held against the one of *wanted*."""
    if isinstance(wanted, dict):
        if not isinstance(found, dict) or list(found) != list(wanted):
            return [f"{where}: {list(found)} are not {list(wanted)}"]
        return [line for name in wanted for line in mismatches(found[name], wanted[name], f"{where}.{name}")]
    if isinstance(wanted, list):
        if not isinstance(found, list) or bool(found) != bool(wanted):
            return [f"{where}: {found!r}"]
        return [line for item in found for line in mismatches(item, wanted[0], f"{where}[]")]
    if wanted is None:
        return [] if found is None else [f"{where}: {found!r} is not null"]
    return [] if type(found) is wanted else [f"{where}: {found!r} is no {wanted.__name__}"]


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory, warm: Warm) -> Project:
    """A pipeline that prints at import, in ``run()`` and from a child process."""
    project = Project(tmp_path_factory.mktemp("noisy") / "project", warm)
    project.write(NOISY)
    return project


@pytest.mark.parametrize("workers", ["1", "2"])
def test_stdout_is_one_document_whatever_user_code_prints(noisy: Project, workers: str) -> None:
    """Prints of the module, of ``run()`` and of its children go to stderr, with forked workers too."""
    done = noisy.cold("run", "Both", "--json", "--force-all", "--workers", workers)
    assert mismatches(done.document, REPORT) == []
    for line in ("the module prints", "Count runs", "a child prints"):
        assert line in done.err


@pytest.mark.parametrize("command", [("plan", "Both"), ("key", "Both"), ("get", "Upper")])
def test_commands_that_execute_nothing_keep_stdout_free_too(noisy: Project, command: tuple[str, ...]) -> None:
    """The module's prints go to stderr for ``plan``, ``key`` and ``get`` as well."""
    noisy.luisy("run", "Upper")
    done = noisy.cold(*command, "--json")
    assert isinstance(done.document, dict)
    assert "the module prints" in done.err


def test_a_plan_has_the_fields_of_a_run(finished: Project) -> None:
    """``plan --json`` is ``run --json`` with the status ``planned``."""
    document = finished.luisy("plan", "Both", "--json").document
    assert mismatches(document, REPORT) == []
    assert document["status"] == "planned"


def test_tasks_are_listed_once_and_counts_sum_to_them(finished: Project) -> None:
    """Every task of the DAG is in ``tasks`` once; ``counts`` count them."""
    document = finished.luisy("run", "Both", "--json").document
    named = [(task["family"], *task["params"].items()) for task in document["tasks"]]
    assert len(named) == len(set(named)) == sum(document["counts"].values()) == 5
    assert document["status"] == "success"
    assert document["root"] == {"family": "Both", "key": document["tasks"][-1]["key"]}


def test_a_failed_run_prints_a_whole_document(project: Project) -> None:
    """Where tasks failed, the document lists all of them, with ``error`` null and null for keys that are not known."""
    (project.output("raw/Words.json")).unlink()
    done = project.luisy("run", "Both", "--json")
    document = done.document
    assert (done.code, document["status"]) == (1, "failed")
    assert {task["outcome"] for task in document["tasks"]} == {"missing", "blocked"}
    known = {**document, "root": {"family": "Both", "key": ""}}
    known["tasks"] = [{**task, "key": task["key"] or ""} for task in document["tasks"]]
    assert mismatches(known, REPORT) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "Cuont"),
        ("plan", "Cuont"),
        ("run", "Both", "--module", "nope"),
        ("run", "Both", "--workers", "x"),
    ],
)
def test_where_there_is_no_dag_the_document_holds_the_error(
    finished: Project, arguments: tuple[str, ...]
) -> None:
    """``tasks`` is empty and ``error`` filled, also for what click refuses; stderr says the same."""
    done = finished.luisy(*arguments, "--json")
    assert mismatches(done.document, FAILED) == []
    assert (done.code, done.document["status"]) == (2, "failed")
    assert done.document["error"]["slug"] == done.slug
    assert done.document["error"]["text"] in done.err


@pytest.mark.parametrize("arguments", [("key", "Cuont"), ("get", "Cuont"), ("cas", "show", "ffffff")])
def test_other_commands_print_the_error_as_a_document(finished: Project, arguments: tuple[str, ...]) -> None:
    """What comes to nothing prints ``{"error": ...}``, so that stdout can always be parsed."""
    done = finished.luisy(*arguments, "--json")
    assert mismatches(done.document, {"error": {"slug": str, "text": str, "hint": str}}) == []
    assert done.code != 0


def test_the_key_document(finished: Project) -> None:
    """``key --json`` has the fields of the CLI's contract; ``--all`` lists the whole DAG."""
    one: Any = {
        "family": str,
        "key": str,
        "code_hash": str,
        "parts": dict,
        "inputs": [{"family": str, "key": str}],
    }
    document = finished.luisy("key", "Count", "--json").document
    assert mismatches(document, one) == []
    whole = finished.luisy("key", "Count", "--json", "--all").document
    assert list(whole) == ["tasks"]
    assert [task["family"] for task in whole["tasks"]] == ["Words", "Upper", "Count"]
    assert whole["tasks"][-1] == document
