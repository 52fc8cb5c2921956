"""``luisy accept``: after a refactoring existing results count, are said to, and can be taken back; never more than that."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.projects import Project

CHAIN = """
    class Up(Text):
        def requires(self):
            return Raw()

        def run(self):
            self.put(self.taken() + " up")


    class Middle(Text):
        def requires(self):
            return Up()

        def run(self):
            self.put(self.taken() + " middle")


    class Root(Text):
        def requires(self):
            return Middle()

        def run(self):
            self.put(self.taken() + " root")
"""


def chain(project: Project) -> Project:
    """Three tasks in a row over a raw file, executed."""
    project.tasks(CHAIN)
    project.raw("raw")
    project.run()
    return project


def accept(project: Project, *arguments: str, expected: int = 0) -> Any:
    """The document of ``luisy accept --json``."""
    return project.luisy(*project.arguments("accept", *arguments), expected=expected).document


def refactor(project: Project) -> None:
    """Change code so that it makes the same."""
    project.edit('self.put(self.taken() + " up")', 'text = self.taken(); self.put(f"{text} up")')


def families(items: list[dict[str, Any]]) -> list[str]:
    return [item["family"] for item in items]


def test_an_accepted_result_counts_and_its_consumers_are_not_touched(project: Project) -> None:
    """Nothing executes, plan and run say why, and what is below needs no acceptance of its own."""
    chain(project)
    refactor(project)
    document = accept(project)
    assert families(document["accepted"]) == ["Up"]
    planned, run = project.plan(), project.run()
    assert run.ran == []
    for told in (planned, run):
        assert told.outcomes == {"Raw(name=raw)": "local", "Up": "local", "Middle": "local", "Root": "local"}
        reason = told.task("Up")["reason"]
        assert reason["slug"] == "accepted"
        assert document["accepted"][0]["action"][:12] in reason["text"]
        assert told.task("Root")["reason"]["slug"] == "stored"
    assert run.task("Up")["key"] == document["accepted"][0]["key"]


def test_every_affected_task_of_the_pipeline_is_accepted(project: Project) -> None:
    """Inputs before consumers; the outputs are restored; going back to the earlier code executes nothing either."""
    chain(project)
    refactor(project)
    project.edit('self.put(self.taken() + " root")', 'text = self.taken(); self.put(f"{text} root")')
    assert families(accept(project)["accepted"]) == ["Up", "Root"]
    project.remove_outputs()
    assert project.run().ran == []
    assert project.text("Root") == "raw up middle root"
    assert accept(project)["accepted"] == []


def test_nothing_is_recorded_by_a_dry_run(project: Project) -> None:
    """It says the same, and the next run executes."""
    chain(project)
    refactor(project)
    assert families(accept(project, "--dry-run")["accepted"]) == ["Up"]
    assert project.run().ran == ["Up"]


def test_what_is_made_from_an_accepted_result_is_filed_under_what_it_was_made_from(project: Project) -> None:
    """After the acceptance is taken back, nothing counts that was made through it."""
    chain(project)
    project.edit('self.put(self.taken() + " up")', 'self.put(self.taken() + " UP")')
    accept(project)  # a lie
    project.edit('self.taken() + " middle"', 'self.taken() + " Middle"')
    assert project.run().ran == ["Middle", "Root"]
    assert project.text("Root") == "raw up Middle root"
    assert families(accept(project, "--undo")["undone"]) == ["Up"]
    assert project.run().ran == ["Up", "Middle", "Root"]
    assert project.text("Root") == "raw UP Middle root"


def test_undoing_takes_the_acceptances_of_consumers_with_it(project: Project) -> None:
    """What came through an acceptance falls with it, whichever of them is named."""
    chain(project)
    refactor(project)
    project.edit('self.put(self.taken() + " root")', 'text = self.taken(); self.put(f"{text} root")')
    accept(project)
    assert families(accept(project, "Up", "--undo", "--dry-run")["undone"]) == ["Root", "Up"]
    assert sorted(families(accept(project, "Up", "--undo")["undone"])) == ["Root", "Up"]
    assert project.plan().outcomes["Root"] != "local"
    assert accept(project, "--undo", expected=1)["error"]["slug"] == "no-acceptance"


def test_an_acceptance_outlives_a_second_refactoring(project: Project) -> None:
    """The result of the first code is accepted for the third one as for the second."""
    chain(project)
    refactor(project)
    first = accept(project)["accepted"][0]
    project.edit('text = self.taken(); self.put(f"{text} up")', 'self.put(" ".join([self.taken(), "up"]))')
    second = accept(project)["accepted"][0]
    assert second["action"] == first["action"]
    assert second["key"] != first["key"]
    assert project.run().ran == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "class Root(Text):",
            "class Root(Text):\n    n = luigi.IntParameter(default=1)",
            "parameter n: not there -> 1",
        ),
        ("return Middle()", "return [Middle(), Up()]", "input Up(): it is newly required"),
        ("return Middle()", "return {'m': Middle()}", "has other requirements"),
        ("return Raw()", "return [Raw(), Raw()]", "has other requirements"),
    ],
)
def test_it_is_refused_where_more_than_code_differs(project: Project, old: str, new: str, told: str) -> None:
    """Parameters, requirements and their structure: nothing is recorded, not for the tasks above either."""
    chain(project)
    refactor(project)
    project.edit(old, new)
    error = accept(project, expected=1)["error"]
    assert error["slug"] == "not-accepted"
    assert told in error["text"]
    assert project.plan("Up").outcomes["Up"] == "executed"


def test_it_is_refused_where_raw_data_changed_as_well(project: Project) -> None:
    """A result of other input is no result of this one."""
    chain(project)
    refactor(project)
    project.raw("other")
    error = accept(project, expected=1)["error"]
    assert error["slug"] == "not-accepted"
    assert "input Raw(name=raw): its bytes changed" in error["text"]


def test_a_task_that_was_never_executed_is_named(project: Project) -> None:
    """There is nothing that could count for it."""
    project.tasks(CHAIN)
    project.raw("raw")
    error = accept(project, expected=1)["error"]
    assert "Up(): no result" in error["text"]


def test_force_executes_what_was_accepted(project: Project) -> None:
    """And what it makes counts from then on, before what was accepted."""
    chain(project)
    project.edit('self.put(self.taken() + " root")', 'self.put(self.taken() + " ROOT")')
    accept(project)
    assert project.run().ran == []
    assert project.text("Root") == "raw up middle root"
    assert project.run("--force").ran == ["Root"]
    assert project.run().task("Root")["reason"]["slug"] == "stored"
    assert project.text("Root") == "raw up middle ROOT"


DYNAMIC = """
    class Part(Text):
        def run(self):
            self.put("part")


    class Root(Text):
        def run(self):
            got = yield Part()
            with got.open() as file:
                self.put(file.read())
"""


def test_tasks_that_were_yielded_are_accepted_with_the_one_that_yielded_them(project: Project) -> None:
    """Both changed: the yielded one comes first."""
    project.tasks(DYNAMIC)
    project.run()
    project.edit('self.put("part")', 'self.put("pa" + "rt")')
    project.edit("self.put(file.read())", "text = file.read(); self.put(text)")
    assert families(accept(project)["accepted"]) == ["Part", "Root"]
    assert project.run().ran == []


def test_the_old_way_to_say_it(project: Project) -> None:
    """``luisy run --hash-update-mode`` and luisy 1.x's form accept, and execute nothing."""
    chain(project)
    refactor(project)
    done = project.luisy("--module", "pipe", "Root", "--hash-update-mode", "--no-ask")
    assert "accepted Up()" in done.stdout
    assert done.ran == []
    assert project.run().ran == []


def test_the_old_way_to_say_it_in_python(project: Project) -> None:
    """``luisy.cli.build(task, hash_update_mode=True)`` does the same and returns the plan."""
    chain(project)
    refactor(project)
    script = (
        "import luisy.cli, pipe\nprint(luisy.cli.build(pipe.Root(), hash_update_mode=True).counts['local'])"
    )
    assert project.python(script).stdout.splitlines()[-1] == "4"
    assert project.run().ran == []


def test_an_acceptance_survives_the_loss_of_the_index(project: Project) -> None:
    """It is a record of its own."""
    chain(project)
    refactor(project)
    accept(project)
    for path in project.store.glob("index.db*"):
        path.unlink()
    project.python(
        f"from luisy.cas import Store\nwith Store.open({str(project.store)!r}) as store: store.rebuild()"
    )
    assert project.run().ran == []


def test_the_log_tells_what_was_accepted(project: Project) -> None:
    """Beside the action that counts, in the document and in the text, until it is taken back."""
    chain(project)
    refactor(project)
    accepted = accept(project)["accepted"][0]
    (entry,) = project.luisy("log", "Up", "--json").document["actions"]
    assert entry["key"] == accepted["action"]
    assert [item["key"] for item in entry["accepted"]] == [accepted["key"]]
    assert f"for {accepted['key'][:12]}" in project.luisy("log").stdout
    accept(project, "--undo")
    (entry,) = project.luisy("log", "Up", "--json").document["actions"]
    assert entry["accepted"] == []


def test_the_key_of_accepted_code_names_the_result(project: Project) -> None:
    """``get --at`` and ``cas show`` understand what ``plan`` shows."""
    chain(project)
    refactor(project)
    accepted = accept(project)["accepted"][0]
    planned = project.plan().task("Up")["key"]
    assert planned == project.luisy(*project.arguments("key", "Up")).document["key"] == accepted["key"]
    assert project.luisy("cas", "show", planned, "--json").document["key"] == accepted["action"]


def test_a_result_in_the_remote_can_be_accepted(project: Project) -> None:
    """Only what is needed is fetched; it cannot be proved before it is pulled."""
    settings = f'[tool.luisy]\nremote = "file://{project.folder}/remote"\ndownload = true\nupload = true\n'
    (project.folder / "remote").mkdir()
    (project.code / "pyproject.toml").write_text(settings)
    chain(project)
    shutil.rmtree(project.store)
    project.remove_outputs()
    refactor(project)
    assert "in the remote only" in accept(project, "--prove", expected=1)["error"]["text"]
    assert families(accept(project)["accepted"]) == ["Up"]
    run = project.run()
    assert run.ran == []
    assert (run.outcomes["Up"], run.outcomes["Root"]) == ("not_needed", "remote")


# --- proving


def test_a_proof_executes_elsewhere_and_compares(project: Project) -> None:
    """The workspace is not touched, and the acceptance says that it was proved."""
    chain(project)
    refactor(project)
    before = project.outputs()
    done = project.luisy(*project.arguments("accept", "--prove"))
    assert done.ran == []
    assert [(proof["family"], proof["same"]) for proof in done.document["proofs"]] == [("Up", "bytes")]
    assert done.document["accepted"][0]["proved"]
    assert project.outputs() == before
    assert list((project.store / "tmp").iterdir()) == []
    assert project.run().ran == []


def test_a_proof_that_fails_shows_the_difference_and_records_nothing(project: Project) -> None:
    """The line that differs is shown."""
    chain(project)
    project.edit('self.put(self.taken() + " up")', 'self.put(self.taken() + " UP")')
    error = accept(project, "--prove", expected=1)["error"]
    assert error["slug"] == "not-equivalent"
    assert "line 1: 'raw up' -> 'raw UP'" in error["text"]
    assert project.text("Up") == "raw up"
    assert project.run().ran == ["Up", "Middle", "Root"]


def test_a_task_that_fails_proves_nothing(project: Project) -> None:
    """Its exception is told."""
    chain(project)
    project.edit('self.put(self.taken() + " up")', 'raise ValueError("broken")')
    error = accept(project, "--prove", expected=1)["error"]
    assert error["slug"] == "not-accepted"
    assert "ValueError: broken" in error["text"]


VALUES = """
    @luisy.json_output
    class Root(luisy.Task):
        project_name = "pipe"

        def run(self):
            self.write({"a": [1, 2.5], "b": "x"})
"""


def test_a_proof_compares_what_is_read(project: Project) -> None:
    """Other bytes with equal values are the same; a value that differs is told with its place."""
    project.tasks(VALUES)
    project.run()
    project.edit('self.write({"a": [1, 2.5], "b": "x"})', 'self.write({"b": "x", "a": [1, 2.5]})')
    proofs = accept(project, "--prove")["proofs"]
    assert [proof["same"] for proof in proofs] == ["values"]
    project.edit("2.5", "2.75")
    error = accept(project, "--prove", expected=1)["error"]
    assert "value['a'][1]: 2.5 -> 2.75" in error["text"]


def test_of_each_family_the_cheapest_task_is_proved(project: Project) -> None:
    """One execution stands for all tasks of its code."""
    project.tasks(
        """
        import time


        class Part(Text):
            number = luigi.IntParameter()

            def run(self):
                time.sleep(self.number / 20)
                self.put("part")


        class Root(luigi.WrapperTask):
            def requires(self):
                return [Part(number) for number in (4, 0, 2)]
        """
    )
    project.run()
    project.edit('self.put("part")', 'self.put("pa" + "rt")')
    document = accept(project, "--prove")
    assert [proof["task"] for proof in document["proofs"]] == ["Part(number=0)"]
    assert len(document["accepted"]) == 3
    assert json.dumps(document).count('"proved": true') == 3


def test_a_task_that_yields_is_proved_with_what_it_yielded(project: Project) -> None:
    """What it yields now must be what it yielded then."""
    project.tasks(DYNAMIC)
    project.run()
    project.edit("self.put(file.read())", "text = file.read(); self.put(text)")
    assert [proof["family"] for proof in accept(project, "--prove")["proofs"]] == ["Root"]
    project.edit("got = yield Part()", "yield Raw(); got = yield Part()")
    error = accept(project, "--prove", expected=1)["error"]
    assert "it yields Raw(name=raw)" in error["text"]


@pytest.mark.parametrize("how", ["write_text(TEXT + TEXT)", "unlink()", 'rename(DATA / "away")'])
def test_a_proof_does_not_touch_the_workspace(project: Project, how: str) -> None:
    """A task that has remembered a path and changes what is there is stopped before it does."""
    project.tasks(
        """
        TEXT = "made"


        class Root(luigi.Task):
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
                self.place = Path(self.output().path)

            def output(self):
                return luigi.LocalTarget(DATA / "pipe" / "out.txt")

            def run(self):
                self.place.write_text(TEXT)
        """
    )
    project.run()
    project.edit("self.place.write_text(TEXT)", f"self.place.{how}")
    error = accept(project, "--prove", expected=1)["error"]
    assert error["slug"] == "not-accepted"
    assert f"it would change {project.data}/pipe/out.txt" in error["text"]
    assert (project.data / "pipe" / "out.txt").read_text() == "made"
