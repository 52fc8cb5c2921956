"""What cannot be kept runs as under Luigi, says why, and never makes a weaker key in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.projects import Project, Run


def uncacheable(run: Run, family: str) -> bool:
    """Whether the run says that this task's results are not kept."""
    return not run.task(family)["cacheable"]


MOCK = """
    from luigi.mock import MockTarget


    class Upstream(luigi.Task):
        def requires(self):
            return Raw()

        def output(self):
            return MockTarget("upstream")

        def run(self):
            with self.output().open("w") as file:
                file.write(open(self.input().path).read())


    class Root(Text):
        def requires(self):
            return Upstream()

        def run(self):
            with self.input().open() as file:
                self.put(file.read() + " root")
"""


def test_a_target_that_is_no_file(project: Project) -> None:
    """A MockTarget cannot be kept, nor can what is made from it: both run when Luigi would run them."""
    project.tasks(MOCK)
    project.raw("a")
    first = project.run()
    assert first.ran == ["Upstream", "Root"]
    assert uncacheable(first, "Upstream")
    assert uncacheable(first, "Root")
    assert project.run().outcomes["Root"] == "complete"
    project.raw("b")
    project.output("Root").unlink()
    assert project.run().ran == ["Upstream", "Root"]
    assert project.text("Root") == "b root"


def test_a_temporary_file(project: Project) -> None:
    """``LocalTarget(is_tmp=True)`` is another file for each process: executed each time, and told why."""
    project.tasks(
        """
        class Root(luigi.Task):
            def output(self):
                return luigi.LocalTarget(is_tmp=True)

            def run(self):
                with self.output().open("w") as file:
                    file.write("soon gone")
        """
    )
    for _ in range(2):
        run = project.run()
        assert run.ran == ["Root"]
        assert "a temporary file" in run.task("Root")["reason"]["text"]


def test_why_something_is_not_cacheable_is_told_in_the_plan(project: Project) -> None:
    """The reason stands beside the task."""
    project.tasks(MOCK)
    project.raw("a")
    plan = project.plan()
    assert "MockTarget" in plan.task("Upstream")["reason"]["text"]
    assert "Upstream" in plan.task("Root")["reason"]["text"]


COMPLETE = """
    class Upstream(Text):
        def requires(self):
            return Raw()

        def complete(self):
            trail.note("asked")
            return (DATA.parent / "complete").exists() and self.output().exists()

        def run(self):
            self.put(self.taken() + " up")
            (DATA.parent / "complete").touch()


    class Root(Text):
        def requires(self):
            return Upstream()

        def run(self):
            self.put(self.taken() + " root")
"""


def ran(run: Run) -> list[str]:
    """Which tasks ran; without the questions that were noted beside."""
    return [line for line in run.ran if line != "asked"]


def test_a_custom_complete_is_respected(project: Project) -> None:
    """What the task itself calls complete is complete, whatever luisy would think of its inputs."""
    project.tasks(COMPLETE)
    project.raw("a")
    assert ran(project.run()) == ["Upstream", "Root"]
    second = project.run()
    assert ran(second) == []
    assert second.outcomes["Upstream"] == "complete"
    assert second.outcomes["Root"] == "local"
    project.raw("b")
    assert ran(project.run()) == []
    assert project.text("Root") == "a up root"


def test_a_custom_complete_that_says_no_is_respected(project: Project) -> None:
    """It runs again though its file is there; a consumer of equal bytes is reused."""
    project.tasks(COMPLETE)
    project.raw("a")
    project.run()
    (project.folder / "complete").unlink()
    assert ran(project.run()) == ["Upstream"]
    (project.folder / "complete").unlink()
    project.raw("b")
    assert ran(project.run()) == ["Upstream", "Root"]
    assert project.text("Root") == "b up root"


def test_a_complete_task_whose_code_changed_runs(project: Project) -> None:
    """Luisy records code and parameters beside files that it cannot keep."""
    project.tasks(COMPLETE)
    project.raw("a")
    project.run()
    project.edit('" up"', '" UP"')
    assert ran(project.run()) == ["Upstream", "Root"]
    assert project.text("Root") == "a UP root"
    assert ran(project.run()) == []


def test_a_complete_task_that_luisy_never_ran_is_taken(project: Project) -> None:
    """Nothing is known of who made its files: Luigi's answer counts, and its consumer is keyed by their content."""
    project.tasks(COMPLETE)
    project.raw("a")
    project.place("Upstream").write_text("by hand")
    (project.folder / "complete").touch()
    assert ran(project.run()) == ["Root"]
    assert project.text("Root") == "by hand root"
    project.place("Upstream").write_text("by another hand")
    assert ran(project.run()) == ["Root"]
    assert project.text("Root") == "by another hand root"
    project.place("Upstream").write_text("by hand")
    assert ran(project.run()) == []
    assert project.text("Root") == "by hand root"


def test_consumers_of_an_uncacheable_task_are_restored(project: Project) -> None:
    """The consumer is keyed by the files' content: removed, it comes back without execution."""
    project.tasks(COMPLETE)
    project.raw("a")
    project.run()
    project.output("Root").unlink()
    assert ran(project.run()) == []
    assert project.text("Root") == "a up root"


def test_a_task_without_output(project: Project) -> None:
    """It runs each time, as under Luigi, and what stands on it cannot be kept either."""
    project.tasks(
        """
        class Nothing(luigi.Task):
            def run(self):
                pass


        class Root(Text):
            def requires(self):
                return Nothing()

            def run(self):
                self.put("root")
        """
    )
    first = project.run()
    assert first.ran == ["Nothing", "Root"]
    assert uncacheable(first, "Nothing")
    assert uncacheable(first, "Root")


def test_a_wrapper_with_a_run_of_its_own(project: Project) -> None:
    """It is not transparent, and not cacheable."""
    project.tasks(
        """
        class Upstream(Text):
            def run(self):
                self.put("up")


        class Root(luigi.WrapperTask):
            def requires(self):
                return Upstream()

            def run(self):
                trail.note("Root")
        """
    )
    first = project.run()
    assert first.ran == ["Upstream", "Root"]
    assert uncacheable(first, "Root")


def test_two_tasks_with_one_output_path(project: Project) -> None:
    """Neither is kept: nobody could say whose file it is."""
    project.tasks(
        """
        class Shared(luigi.Task):
            number = luigi.IntParameter()

            def output(self):
                return luigi.LocalTarget(DATA / "pipe" / "shared.txt")

            def run(self):
                Path(self.output().path).write_text(str(self.number))


        class Root(Text):
            def requires(self):
                return [Shared(1), Shared(2)]

            def run(self):
                self.put(self.taken())
        """
    )
    first = project.run()
    assert uncacheable(first, "Shared(number=1)")
    assert uncacheable(first, "Shared(number=2)")
    assert project.run().outcomes["Root"] in ("executed", "local")


def test_a_hand_edited_output_that_is_not_cacheable_is_a_new_input(project: Project) -> None:
    """Its consumer runs once on the edit, is kept, and is served from then on."""
    project.tasks(
        """
        class Odd(Text):
            def complete(self):
                return self.output().exists()

            def run(self):
                self.put("made")


        class Root(Text):
            def requires(self):
                return Odd()

            def run(self):
                self.put(self.taken() + " root")
        """
    )
    project.run()
    project.output("Odd").write_text("edited")
    assert project.run().ran == ["Root"]
    assert project.text("Root") == "edited root"
    assert project.run().ran == []


NESTED = """
    class Folder(luigi.Task):
        def output(self):
            return luigi.LocalTarget(DATA / "pipe" / "folder")

        def run(self):
            Path(self.output().path).mkdir(exist_ok=True)
            (Path(self.output().path) / "own").write_text("own")


    class Inside(luigi.Task):
        def requires(self):
            return REQUIRED

        def output(self):
            return luigi.LocalTarget(DATA / "pipe" / "folder" / "inside")

        def run(self):
            with self.output().open("w") as file:
                file.write("inside")


    class Root(Text):
        def requires(self):
            return [Inside(), Folder()]

        def run(self):
            self.put(",".join(sorted(path.name for path in Path(Folder().output().path).iterdir())))
"""


@pytest.mark.parametrize("required", ["[]", "Folder()"])
def test_an_output_in_another_task_s_output_folder(project: Project, required: str) -> None:
    """Both are told, run as under Luigi, and are left alone from then on; their consumer settles."""
    project.tasks(NESTED.replace("REQUIRED", required))
    first = project.run()
    folder, inside = project.data / "pipe" / "folder", project.data / "pipe" / "folder" / "inside"
    told = {task["family"]: task["reason"]["text"] for task in first.document["tasks"]}
    assert told["Folder"] == f"not cacheable: Inside() writes {inside} into its output {folder}"
    assert told["Inside"] == f"not cacheable: its output {inside} lies in {folder}, the output of Folder()"
    assert set(project.run().ran) <= {"Root"}
    assert project.text("Root") == "inside,own"
    assert project.run().ran == []


def test_a_changed_task_in_another_task_s_output_folder_runs_again(project: Project) -> None:
    """Only the task whose code changed, and what counts the folder's content."""
    project.tasks(NESTED.replace("REQUIRED", "Folder()"))
    project.run()
    project.edit('file.write("inside")', 'file.write("in")')
    assert project.run().ran == ["Inside", "Root"]
    assert project.run().ran == []


def test_an_output_that_is_the_task_s_input(project: Project) -> None:
    """A task that appends to its input cannot be kept; neither can the input."""
    project.tasks(
        """
        class Log(luigi.Task):
            def output(self):
                return luigi.LocalTarget(DATA / "pipe" / "log.txt")

            def run(self):
                Path(self.output().path).write_text("begin")


        class Root(luigi.Task):
            def requires(self):
                return Log()

            def output(self):
                return self.input()

            def run(self):
                with open(self.output().path, "a") as file:
                    file.write(" more")
        """
    )
    first = project.run(expected=0)
    assert uncacheable(first, "Root")
    assert uncacheable(first, "Log")


MADE = """
    namespace = {}
    exec(TEXT, namespace)
    Made = type("Made", (Text,), {"run": namespace["run"], "__module__": __name__})


    class Root(Text):
        def requires(self):
            return Made()

        def run(self):
            self.put(self.taken() + " root")
"""


def test_a_class_made_from_executed_text_follows_that_text(project: Project) -> None:
    """A class that ``type()`` made of what ``exec`` defined: another text is another code."""
    project.tasks(MADE.replace("TEXT", "\"def run(self):\\n    self.put('made')\\n\""))
    assert project.run().ran == ["Made", "Root"]
    assert project.text("Root") == "made root"
    project.edit("'made'", "'MADE'")
    assert project.run().ran == ["Made", "Root"]
    assert project.text("Root") == "MADE root"


def test_source_that_cannot_be_found(project: Project) -> None:
    """Classes that were typed into an interpreter: not cacheable, and told; they run as under Luigi."""
    script = """
        import luigi, luisy
        from base import Text

        class Root(Text):
            def run(self):
                self.put("root")

        built = luisy.build(Root())
        (task,) = built.tasks
        print(task.outcome.value, task.cacheable, task.reason.text)
    """
    outcome, cacheable, text = project.typed(script).stdout.split(maxsplit=2)
    assert (outcome, cacheable) == ("executed", "False")
    assert "source" in text


def test_a_class_factory_is_keyed_by_its_values(project: Project) -> None:
    """Two classes of one factory with other closure values are two codes."""
    project.tasks(
        """
        def make(name, text):
            class Made(Text):
                def run(self):
                    self.put(text)

            Made.__name__ = Made.__qualname__ = name
            return Made


        First = make("First", "1")
        Second = make("Second", "2")


        class Root(Text):
            def requires(self):
                return [First(), Second()]

            def run(self):
                self.put(self.taken())
        """
    )
    project.run()
    assert project.text("Root") == "12"
    project.edit('make("Second", "2")', 'make("Second", "3")')
    project.run()
    assert project.text("Root") == "13"


def test_consumers_of_an_uncacheable_task_wait_for_its_content(project: Project) -> None:
    """Undecided in the plan; decided when it has run: equal content, so the consumer is served."""
    project.tasks(COMPLETE)
    project.raw("a")
    project.run()
    (project.folder / "complete").unlink()
    assert project.plan().outcomes["Root"] == "undecided"
    assert ran(project.run()) == ["Upstream"]


def test_an_uncacheable_task_far_below(project: Project) -> None:
    """Its content reaches through a chain: each link is keyed anew and served when that key has a result."""
    project.tasks(COMPLETE)
    project.edit(
        "class Root(Text):",
        """class Middle(Text):
    def requires(self):
        return Upstream()

    def run(self):
        self.put(self.taken()[:1])


class Root(Text):""",
    )
    project.edit(
        '        return Upstream()\n\n    def run(self):\n        self.put(self.taken() + " root")',
        '        return Middle()\n\n    def run(self):\n        self.put(self.taken() + " root")',
    )
    project.raw("abc")
    assert ran(project.run()) == ["Upstream", "Middle", "Root"]
    (project.folder / "complete").unlink()
    project.raw("axy")
    assert ran(project.run()) == ["Upstream", "Middle"]
    (project.folder / "complete").unlink()
    project.raw("bxy")
    assert ran(project.run()) == ["Upstream", "Middle", "Root"]
    assert project.text("Root") == "b root"


# --- parameters


def test_parameters_that_print_alike(project: Project) -> None:
    """``"1"`` and 1 have one serialisation and two results, though not in one pipeline: Luigi's task_id is the same."""
    project.tasks(
        """
        class Thing(luigi.Task):
            value = luigi.Parameter()

            def output(self):
                return luigi.LocalTarget(DATA / "pipe" / f"thing-{type(self.value).__name__}")

            def run(self):
                Path(self.output().path).write_text(repr(self.value))


        class Root(Text):
            what = luigi.Parameter()

            def requires(self):
                return Thing(value=1 if self.what == "number" else "1")

            def run(self):
                self.put(self.taken())
        """
    )
    project.run("Root", "--what", "number")
    project.run("Root", "--what", "text")
    assert (project.data / "pipe" / "thing-int").read_text() == "1"
    assert (project.data / "pipe" / "thing-str").read_text() == "'1'"


def test_two_tasks_with_equal_task_id_and_other_keys_are_refused(project: Project) -> None:
    """Luigi would take them for one: exit code 2, nothing executes, the message names both."""
    project.tasks(
        """
        class Thing(Text):
            value = luigi.Parameter()

            def run(self):
                self.put(repr(self.value))


        class Root(Text):
            def requires(self):
                return [Thing(value=1), Thing(value="1")]

            def run(self):
                self.put(self.taken())
        """
    )
    refused = project.run(expected=2)
    assert refused.ran == []
    assert refused.document["error"]["slug"] == "equal-task-id"
    assert refused.document["tasks"] == []
    assert "Thing" in refused.document["error"]["text"]


def test_tasks_that_differ_in_an_insignificant_parameter_only_are_one(project: Project) -> None:
    """What does not count cannot make two keys: such a pair is one task, as under Luigi."""
    project.tasks(
        """
        class Thing(Text):
            verbose = luigi.BoolParameter(significant=False)

            def run(self):
                self.put("thing")


        class Root(Text):
            def requires(self):
                return [Thing(verbose=True), Thing(verbose=False)]

            def run(self):
                self.put(self.taken())
        """
    )
    assert project.run().ran == ["Thing", "Root"]
    assert project.text("Root") == "thingthing"


def test_a_task_held_in_a_parameter_counts_by_its_own_key(project: Project) -> None:
    """Changed code of a task that is a parameter's value: what holds it executes."""
    project.tasks(
        """
        class Held(Text):
            def requires(self):
                return Raw()

            def run(self):
                self.put(self.taken() + " held")


        class TaskValue(luigi.Parameter):
            def serialize(self, value):
                return value.task_id


        class Holder(Text):
            task = TaskValue()

            def requires(self):
                return self.task

            def run(self):
                self.put(self.taken() + " holder")


        class Root(Text):
            def requires(self):
                return Holder(task=Held())

            def run(self):
                self.put(self.taken() + " root")
        """
    )
    project.raw("a")
    assert [line.split("(")[0] for line in project.run().ran] == ["Held", "Holder", "Root"]
    assert project.run().ran == []
    project.raw("b")
    assert [line.split("(")[0] for line in project.run().ran] == ["Held", "Holder", "Root"]
    assert project.text("Root") == "b held holder root"
    project.edit('" held"', '" gehalten"')
    assert [line.split("(")[0] for line in project.run().ran] == ["Held", "Holder", "Root"]
    assert project.text("Root") == "b gehalten holder root"


def test_a_task_held_but_not_required_counts(project: Project) -> None:
    """The holder reads what it holds by itself; its key has it nevertheless."""
    project.tasks(
        """
        class Held(Text):
            def run(self):
                self.put("held")


        class TaskValue(luigi.Parameter):
            def serialize(self, value):
                return value.task_id


        class Root(Text):
            def requires(self):
                return Holder(task=Held())

            def run(self):
                self.put(self.taken() + " root")


        class Holder(Text):
            task = TaskValue()

            def run(self):
                self.put(type(self.task).__name__ + Held.words)


        Held.words = " words"
        """
    )
    project.run()
    project.edit('self.put("held")', 'self.put("HELD")')
    assert project.run().ran == ["Holder(task=Held__99914b932b)"]


def test_secret_parameters_are_not_shown(project: Project) -> None:
    """Private and hidden parameters count, but their values stand neither in the report nor in the store's files."""
    project.tasks(
        """
        class Root(Text):
            password = luigi.Parameter(
                default="hunter22", visibility=luigi.parameter.ParameterVisibility.PRIVATE
            )

            def output(self):
                return luigi.LocalTarget(DATA / "pipe" / "root.txt")

            def run(self):
                self.put(str(len(self.password)))
        """
    )
    first = project.run()
    assert "hunter22" not in first.stdout + first.stderr
    for path in project.store.rglob("*"):
        if path.is_file() and path.parts[-3] != "objects":
            assert b"hunter22" not in path.read_bytes(), path
    project.run("Root", "--password", "hunter2")
    assert (project.data / "pipe" / "root.txt").read_text() == "7"


LOUD_WRAPPER = """
    class Upstream(Text):
        def requires(self):
            return Raw()

        def run(self):
            self.put(self.taken() + " up")


    class Between(luigi.WrapperTask):
        def requires(self):
            return Upstream()


    class Root(luigi.WrapperTask):
        def requires(self):
            return [Between(), Raw()]

        def run(self):
            trail.note("Root")
"""


def test_a_wrapper_with_a_run_of_its_own_is_complete_when_its_inputs_are(project: Project) -> None:
    """Luigi's question is answered by key: nothing executes a second time, whether the files are there or not."""
    project.tasks(LOUD_WRAPPER)
    project.raw("a")
    assert project.run().ran == ["Upstream", "Root"]
    assert project.run().ran == []
    project.remove_outputs()
    assert project.run().counts == {"complete": 1, "local": 3}
    assert project.text("Upstream") == "a up"


def test_a_wrapper_with_a_run_of_its_own_runs_after_its_inputs(project: Project) -> None:
    """Changed code and changed raw data upstream are not hidden by the files that lie there."""
    project.tasks(LOUD_WRAPPER)
    project.raw("a")
    project.run()
    project.edit('" up"', '" UP"')
    assert project.run().ran == ["Upstream", "Root"]
    project.raw("b")
    assert project.run().ran == ["Upstream", "Root"]
    assert project.text("Upstream") == "b UP"


def test_force_executes_a_complete_root(project: Project) -> None:
    """Also one that is not cacheable."""
    project.tasks(COMPLETE)
    project.raw("a")
    project.run("Upstream")
    assert ran(project.run("Upstream")) == []
    assert ran(project.run("Upstream", "--force")) == ["Upstream"]
