"""Luigi's scheduling under luisy: retries, timeouts, resources, options of luigi.cfg, exit codes. The same as Luigi's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.projects import Project

BUILD = """
    import luigi, pipe
    luigi.build([pipe.Root()], local_scheduler=True, no_lock=True, log_level="CRITICAL", workers=WORKERS)
"""

# Fails until its third attempt, a fifth of a second each.
FLAKY = """
    import time

    class Flaky(Text):
        POLICY

        def run(self):
            time.sleep(0.2)
            attempts = DATA.parent / "attempts"
            number = int(attempts.read_text()) + 1 if attempts.exists() else 1
            attempts.write_text(str(number % 3))
            if number < 3:
                raise RuntimeError(f"attempt {number}")
            self.put(f"attempt {number}")


    class Root(Text):
        def requires(self):
            return Flaky()

        def run(self):
            self.put(self.taken())
"""

AT_ONCE = "[scheduler]\nretry_delay=0\nprune_on_get_work=true\nSCHEDULER[worker]\nkeep_alive=true\nwait_interval=0.05\nWORKER"

# What a task says of its retries, what luigi.cfg says, and how often it is started (the fourth would succeed).
POLICIES = {
    "three attempts": ("retry_count = 3", "", 3),
    "two attempts": ("retry_count = 2", "", 2),
    "two attempts by luigi.cfg": ("pass", "retry_count=2\n", 2),
    "its own count before that of luigi.cfg": ("retry_count = 3", "retry_count=1\n", 3),
    "two attempts within a short window": ("retry_count = 2; disable_window = 0.1", "", 3),
    "two attempts within a long window": ("retry_count = 2; disable_window = 60", "", 2),
    "a short window by luigi.cfg": ("retry_count = 2", "disable_window=0\n", 3),
    "disabled after a time": ("retry_count = 9; disable_hard_timeout = 0.1", "", 2),
}


@pytest.mark.parametrize("name", POLICIES)
def test_a_retry_policy(project: Project, name: str) -> None:
    """A failing task is started as often as under Luigi, with the same end."""
    policy, option, starts = POLICIES[name]
    (project.code / "luigi.cfg").write_text(AT_ONCE.replace("SCHEDULER", option).replace("WORKER", ""))
    project.tasks(FLAKY.replace("POLICY", policy))
    under_luigi = project.python(BUILD.replace("WORKERS", "1"))
    done = "Root" in under_luigi.ran
    (project.folder / "attempts").unlink(missing_ok=True)
    project.remove_outputs()
    under_luisy = project.cold(expected=0 if done else 1)
    assert under_luisy.ran == under_luigi.ran
    assert under_luisy.ran.count("Flaky") == starts


SLOW = """
    import time

    class Slow(Text):
        POLICY

        def run(self):
            self.put("half")
            time.sleep(SECONDS)


    class Root(Text):
        def requires(self):
            return Slow()

        def run(self):
            self.put(self.taken())


    @luigi.Task.event_handler(luigi.Event.TIMEOUT)
    def too_slow(task, message):
        trail.note(f"timeout of {task.task_family}")
""".replace("SECONDS", "60")

TIMEOUTS = {
    "by the task": ("worker_timeout = 1", "", ("--workers", "2")),
    "by luigi.cfg": ("pass", "[worker]\ntimeout=1\n", ("--workers", "2")),
    "by luigi.cfg, with one worker in a process": (
        "pass",
        "[worker]\ntimeout=1\nforce_multiprocessing=true\n",
        (),
    ),
    "by the command line": ("pass", "", ("--workers", "2", "--worker-timeout", "1")),
}


@pytest.mark.parametrize("name", TIMEOUTS)
def test_a_timeout(project: Project, name: str) -> None:
    """A task that takes too long is ended, with Luigi's event; it has failed, and its half file counts for nothing."""
    policy, option, arguments = TIMEOUTS[name]
    (project.code / "luigi.cfg").write_text(option)
    project.tasks(SLOW.replace("POLICY", policy))
    failed = project.cold(*arguments, expected=1)
    assert failed.outcomes == {"Slow": "failed", "Root": "blocked"}
    assert failed.ran == ["Slow", "timeout of Slow"]
    assert "timed out" in failed.task("Slow")["reason"]["text"]
    project.edit("sleep(60)", "sleep(0)")
    assert project.cold(*arguments).ran == ["Slow", "Root"]


RESOURCES = """
    import time

    class Part(Text):
        number = luigi.IntParameter()

        @property
        def resources(self):
            return {"piece": 2}

        def run(self):
            trail.note("begin")
            time.sleep(0.3)
            trail.note("end")
            self.put(str(self.number))


    class Root(Text):
        def requires(self):
            return [Part(number) for number in range(4)]

        def run(self):
            self.put(self.taken())
"""


@pytest.mark.parametrize(("pieces", "at_once"), [(2, 1), (5, 2)])
def test_resources_of_luigi_cfg(project: Project, pieces: int, at_once: int) -> None:
    """``[resources]`` says how many there are: no more tasks run at once than can have theirs."""
    (project.code / "luigi.cfg").write_text(f"[resources]\npiece={pieces}\n")
    project.tasks(RESOURCES)
    running, most = 0, 0
    for line in project.cold("--workers", "4").ran:
        running += {"begin": 1, "end": -1}.get(line, 0)
        most = max(most, running)
    assert most == at_once
    assert project.cold("--workers", "4").ran == []


def test_a_resource_that_is_not_there(project: Project) -> None:
    """A task that needs more than there is does not run: both end, and luisy says that it waits."""
    (project.code / "luigi.cfg").write_text("[resources]\npiece=1\n")
    project.tasks(RESOURCES)
    assert project.python(BUILD.replace("WORKERS", "1")).ran == []
    ended = project.cold(expected=1)
    assert (ended.ran, set(ended.outcomes.values())) == ([], {"blocked"})
    assert ended.reason("Part(number=1)") == "not-run"


PRIORITIES = """
    class Part(Text):
        number = luigi.IntParameter()

        def run(self):
            self.put(str(self.number))


    class Middle(Text):
        number = luigi.IntParameter()

        @property
        def priority(self):
            return {1: 5, 2: 1, 3: 9}[self.number]

        def requires(self):
            return Part(self.number)

        def run(self):
            self.put(self.taken())


    class Root(Text):
        def requires(self):
            return [Middle(1), Middle(2), Middle(3)]

        def run(self):
            self.put(self.taken())
"""


def test_priorities_are_inherited_upstream(project: Project) -> None:
    """What an important task needs is as important: the order is Luigi's."""
    project.tasks(PRIORITIES)
    under_luigi = project.python(BUILD.replace("WORKERS", "1")).ran
    project.remove_outputs()
    assert project.run().ran == under_luigi
    assert [line for line in under_luigi if line.startswith("Middle")] == [
        f"Middle(number={number})" for number in (3, 1, 2)
    ]


CODES = "[retcode]\nmissing_data=20\ntask_failed=30\nscheduling_error=35\nnot_run=25\n"

ENDS = {
    "a task fails": ("def run(self):\n            raise RuntimeError", 30),
    "an external file is missing": ("def requires(self):\n            return Raw()", 20),
    "requires() raises": ("def requires(self):\n            raise RuntimeError", 35),
    "a task that needs more than there is": ("resources = {'piece': 2}", 25),
    "all is well": ("def run(self):\n            self.put('')", 0),
}


@pytest.mark.parametrize("name", ENDS)
def test_exit_codes_of_luigi_cfg(project: Project, name: str) -> None:
    """``[retcode]``: the code of what happened, as ``luigi`` has it."""
    code, expected = ENDS[name]
    (project.code / "luigi.cfg").write_text(CODES)
    project.tasks(f"""
    class Root(Text):
        {code}
    """)
    luigi = "import sys; from luigi.cmdline import luigi_run; luigi_run(['--module', 'pipe', 'Root', '--local-scheduler', '--no-lock'])"
    project.python(luigi, expected=expected)
    project.remove_outputs()
    project.cold(expected=expected)


def test_a_code_on_the_command_line(project: Project) -> None:
    """``--retcode-task-failed`` is Luigi's flag for the same."""
    project.tasks("class Root(Text):\n    def run(self):\n        raise RuntimeError")
    project.run("--retcode-task-failed", "44", expected=44)


@pytest.mark.parametrize(("codes", "expected"), [("", 1), ("task_failed=30\n", 30), ("missing_data=0\n", 0)])
def test_codes_that_are_not_set(project: Project, codes: str, expected: int) -> None:
    """Luigi ends with 0 whatever happened; luisy with that of ``task_failed``, or 1, unless 0 is asked for."""
    (project.code / "luigi.cfg").write_text(f"[retcode]\n{codes}")
    project.tasks("class Root(Text):\n    def requires(self):\n        return Raw()")
    project.cold(expected=expected)


OPTIONS = {
    "checks": "[worker]\ncheck_complete_on_run=true\ncheck_unfulfilled_deps=false\ncache_task_completion=true\n",
    "processes": "[worker]\nforce_multiprocessing=true\nno_install_shutdown_handler=true\n",
    "waiting": "[worker]\nkeep_alive=true\ncount_uniques=true\nwait_interval=0.05\n",
    "core": "[core]\nparallel_scheduling=true\nparallel_scheduling_processes=2\nlog_level=ERROR\n[logging]\nversion=1\n",
    "hyphens": "[core]\nlog-level=ERROR\nlocal-scheduler=true\n[worker]\nkeep-alive=true\nwait-interval=0.05\n",
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_of_luigi_cfg(project: Project, name: str) -> None:
    """Luigi's options leave the run as it is: everything is executed once, and nothing the second time."""
    (project.code / "luigi.cfg").write_text(OPTIONS[name])
    project.tasks(PRIORITIES)
    assert len(project.cold("--workers", "2").ran) == 7
    assert project.cold("--workers", "2").ran == []


def test_options_in_toml(project: Project) -> None:
    """The same options in luigi.toml, which ``LUIGI_CONFIG_PARSER`` asks for."""
    (project.code / "luigi.toml").write_text('[retcode]\ntask_failed = 41\n[Root]\nword = "toml"\n')
    project.tasks(
        """
        class Root(Text):
            word = luigi.Parameter()

            def run(self):
                assert self.word != "toml"
        """
    )
    project.cold(expected=41, environment={"LUIGI_CONFIG_PARSER": "toml"})


@pytest.mark.parametrize(
    "words",
    [
        ["--no-lock"],
        ["--lock-size", "3", "--take-lock"],
        ["--log-level", "ERROR"],
        ["--parallel-scheduling"],
        ["--local-scheduler", "--workers", "2"],
        ["--worker-keep-alive"],
        ["--scheduler-retry-delay", "1"],
    ],
    ids=" ".join,
)
def test_luigi_s_own_flags(project: Project, words: list[str]) -> None:
    """Before the task and after it."""
    project.tasks("class Root(Text):\n    def run(self):\n        self.put('')")
    assert project.luisy("run", "--module", "pipe", *words, "Root").ran == ["Root"]
    assert project.luisy("run", "--module", "pipe", "Root", *words).ran == []
