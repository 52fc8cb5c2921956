"""Files from before luisy are taken as Luigi would take them, and told; what luisy knows better is not."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

from tests.e2e.test_restoring import CHAIN

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.projects import Project

LONG_AGO = time.time() - 1000


def made_before(project: Project) -> None:
    """Files of all three tasks, as plain Luigi had left them; their content is nothing that luisy would make."""
    project.tasks(CHAIN)
    project.raw("raw")
    for family in ("First", "Second", "Root"):
        project.place(family).write_text(f"old {family}")


def test_old_files_are_adopted(project: Project) -> None:
    """Nothing executes, the report tells which results were adopted, and the files stay as they are."""
    made_before(project)
    first = project.run()
    assert first.ran == []
    assert [task["family"] for task in first.document["tasks"] if task["adopted"]] == [
        "First",
        "Second",
        "Root",
    ]
    assert first.counts == {"local": 4}
    assert project.text("Root") == "old Root"


def test_a_plan_says_what_would_be_adopted(project: Project) -> None:
    """The plan tells the same, before anything is written down."""
    made_before(project)
    plan = project.plan()
    assert plan.reason("Root") == "adopted"
    assert plan.task("Root")["adopted"]
    assert not project.store.exists()


def test_the_summary_says_so(project: Project) -> None:
    """People are told, and how to have it otherwise."""
    made_before(project)
    arguments = [word for word in project.arguments("run") if word != "--json"]
    said = project.luisy(*arguments)
    assert "adopted" in said.stdout + said.stderr
    assert "--no-adopt" in said.stdout + said.stderr


def test_no_adopt_executes_instead(project: Project) -> None:
    """``--no-adopt`` makes everything anew."""
    made_before(project)
    assert project.run("--no-adopt").ran == ["First", "Second", "Root"]
    assert project.text("Root") == "raw first secondraw root"


def test_what_no_adopt_replaces_is_rescued(project: Project) -> None:
    """The old bytes were nowhere else: they are kept, and the user is told how to get them back."""
    made_before(project)
    said = project.run("--no-adopt").stderr
    assert not said or "Traceback" not in said
    assert rescued(project) == {"old First", "old Second", "old Root"}


def rescued(project: Project) -> set[str]:
    """The texts of all rescued files."""
    found = project.python(
        """
        import json, os
        from luisy.cas import Store

        with Store.open(os.path.join(os.environ["WORKING_DIR"], ".luisy")) as store:
            print(json.dumps([store.get(found.digest).decode() for found in store.rescued()]))
        """
    )
    return set(json.loads(found.stdout))


def test_adopted_results_are_served_the_second_time(project: Project) -> None:
    """The second run finds the adopted results in the store, also after the files were removed."""
    made_before(project)
    project.run()
    before = project.outputs()
    second = project.run()
    assert second.ran == []
    assert second.counts == {"local": 4}
    project.remove_outputs()
    assert project.run().ran == []
    assert project.outputs() == before


def test_code_changed_after_adoption_executes(project: Project) -> None:
    """From then on the code counts, and what depends on it executes, too."""
    made_before(project)
    project.run()
    project.edit('" second"', '" zweites"')
    assert project.run().ran == ["Second", "Root"]
    assert project.text("Root") == "old First zweitesraw root"
    project.edit('" zweites"', '" second"')
    assert project.run().ran == []
    assert project.text("Root") == "old Root"


def test_raw_data_changed_after_adoption_executes(project: Project) -> None:
    """Adopted results stand for the inputs that were there when they were adopted."""
    made_before(project)
    project.run()
    project.raw("new")
    assert project.run().ran == ["First", "Second", "Root"]
    assert project.text("Root") == "new first secondnew root"


def test_an_adopted_result_counts_by_content(project: Project) -> None:
    """Its consumer's key has its digest: two workspaces with other adopted files share no result."""
    made_before(project)
    project.output("Second").unlink()
    project.output("Root").unlink()
    assert project.run().ran == ["Second", "Root"]
    assert project.text("Root") == "old First secondraw root"
    keys = {task["family"]: task["key"] for task in project.run().document["tasks"]}
    other = sibling(project, "other")
    made_before(other)
    other.output("First").write_text("another First")
    other.output("Second").unlink()
    other.output("Root").unlink()
    assert other.run().ran == ["Second", "Root"]
    others = {task["family"]: task["key"] for task in other.run().document["tasks"]}
    assert keys["Second"] != others["Second"]
    assert keys["Root"] != others["Root"]


def sibling(project: Project, name: str) -> Project:
    """Another project beside this one."""
    return type(project)(project.folder / name, project.warm)


def test_a_file_made_after_luisy_came_is_not_adopted(project: Project) -> None:
    """Once the workspace is in use, a file that luisy does not know is somebody's mistake, and rescued."""
    project.tasks(CHAIN)
    project.raw("raw")
    project.run("First")
    project.place("Second").write_text("by hand")
    assert project.run().ran == ["Second", "Root"]
    assert project.text("Root") == "raw first secondraw root"
    assert rescued(project) == {"by hand"}


def test_an_old_file_of_a_task_that_was_added_later_is_adopted(project: Project) -> None:
    """A file that is older than luisy's first use of the workspace may be adopted in a later run."""
    made_before(project)
    project.output("First").unlink()
    for path in (project.data / "pipe").iterdir():
        os.utime(path, (LONG_AGO, LONG_AGO))
    project.run("First")
    second = project.run()
    assert second.ran == []
    assert second.task("Root")["adopted"]


def test_where_an_action_exists_nothing_is_adopted(project: Project) -> None:
    """These parameters have a result of some code: the unknown file at their place is no better than that."""
    project.tasks(CHAIN)
    project.raw("raw")
    store = str(project.folder / "store")
    project.run("--store", store)
    other = sibling(project, "other")
    made_before(other)
    other.edit('" root"', '" other root"')
    assert other.run("--store", store).ran == ["Root"]
    assert other.text("Root") == "raw first secondraw other root"


def listed(project: Project, *paths: Path) -> None:
    """The file in which luisy 1.x kept the hashes of what it had made."""
    hashes = {"/" + str(path.relative_to(project.data)): "0" for path in paths}
    (project.data / "pipe" / ".luisy.hash").write_text(json.dumps(hashes))


def test_where_luisy_1_kept_hashes_only_its_files_are_adopted(project: Project) -> None:
    """``.luisy.hash`` lists two of three files; the third is made anew."""
    made_before(project)
    listed(project, project.output("First"), project.output("Second"))
    assert project.run().ran == ["Root"]
    assert project.text("Root") == "old Secondraw root"


def test_adopted_below_a_task_that_executes(project: Project) -> None:
    """The last link of the chain is missing: it executes on the adopted files."""
    made_before(project)
    project.output("Root").unlink()
    assert project.run().ran == ["Root"]
    assert project.text("Root") == "old Secondraw root"
    assert project.run().ran == []


def test_an_adopted_root_above_tasks_whose_files_are_gone(project: Project) -> None:
    """Luigi would take the root as done; so does luisy, and executes nothing upstream."""
    made_before(project)
    project.output("First").unlink()
    project.output("Second").unlink()
    first = project.run()
    assert first.ran == []
    assert first.outcomes["Second"] == "not_needed"
    assert project.run().ran == []
    assert project.text("Root") == "old Root"


def test_an_adopted_root_above_tasks_whose_code_changes(project: Project) -> None:
    """A root adopted without knowing its inputs: a change upstream executes all that it depends on."""
    made_before(project)
    project.output("First").unlink()
    project.output("Second").unlink()
    project.run()
    project.edit('" first"', '" erstes"')
    assert project.run().ran == ["First", "Second", "Root"]
    assert project.text("Root") == "raw erstes secondraw root"


def test_force_executes_what_was_adopted(project: Project) -> None:
    """``--force-all`` makes everything anew, and that is what counts from then on."""
    made_before(project)
    project.run()
    assert project.run("--force-all").ran == ["First", "Second", "Root"]
    assert project.text("Root") == "raw first secondraw root"
    assert project.run().ran == []
    assert project.text("Root") == "raw first secondraw root"


def test_a_half_written_folder_is_adopted_as_luigi_would(project: Project) -> None:
    """Luigi asks only whether all outputs exist; where one of two is missing, nothing is adopted."""
    project.tasks(
        """
        class Root(luigi.Task):
            def output(self):
                return [luigi.LocalTarget(DATA / "pipe" / "a"), luigi.LocalTarget(DATA / "pipe" / "b")]

            def run(self):
                for target in self.output():
                    Path(target.path).write_text("new")
        """
    )
    (project.data / "pipe" / "a").write_text("old")
    assert project.run().ran == ["Root"]
    assert (project.data / "pipe" / "a").read_text() == "new"
