"""Where options may stand, which of several sources of a setting wins, and the old form of the command."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from luisy.settings import NAMES, SECRETS

if TYPE_CHECKING:
    from tests.cli.project import Done, Project

NAMED = """
class Named(luisy.Task):
    workers = luigi.IntParameter(default=7)
    force = luigi.Parameter(default="weak")
    to = luigi.Parameter(default="there")

    def output(self):
        return luigi.LocalTarget(f"data/{self.task_id}.txt")

    def run(self):
        Path(self.output().path).write_text("text")
"""


def root_params(done: Done) -> dict[str, str]:
    """The parameters of the task that was asked for, which comes last."""
    params: dict[str, str] = done.document["tasks"][-1]["params"]
    return params


@pytest.mark.parametrize(
    "arguments",
    [
        ("--json", "--log-level", "ERROR", "Count", "--letter", "B"),
        ("Count", "--letter", "B", "--json", "--log-level=ERROR"),
        ("--log-level", "ERROR", "Count", "--json", "--letter=B", "--local-scheduler"),
        ("Count", "--Count-letter", "B", "--json"),
    ],
)
def test_options_stand_before_or_after_the_task(finished: Project, arguments: tuple[str, ...]) -> None:
    """Options of luisy and of Luigi are understood on both sides of TASK, with a blank or ``=``."""
    done = finished.luisy("plan", *arguments)
    assert done.document["counts"]["local"] == 3
    assert root_params(done)["letter"] == "B"


def test_a_parameter_that_is_named_like_an_option_is_reached_by_its_family(project: Project) -> None:
    """``--workers`` is luisy's, ``--Named-workers`` the task's."""
    project.odd(NAMED)
    done = project.luisy(
        "run", "Named", "--workers", "2", "--Named-workers", "3", "--Named-force=strong", "--force", "--json"
    )
    assert root_params(done) == {"force": "strong", "to": "there", "workers": "3"}
    assert done.document["tasks"][0]["reason"]["slug"] == "forced"


def test_an_option_that_a_parameter_is_named_like_is_told(project: Project) -> None:
    """Who gives ``--workers`` to a task with such a parameter learns how that one is reached; once both are given, not."""
    project.odd(NAMED)
    told = "warning: --workers is luisy's own option; the parameter of Named is --Named-workers\n"
    assert project.luisy("plan", "Named", "--workers", "2").err == ""  # not an option of plan: the task's
    assert project.luisy("run", "Named", "--workers", "2").err == told
    assert project.luisy("run", "Named", "--workers", "2", "--Named-workers", "3").err == ""


def test_every_setting_but_a_secret_is_an_option(project: Project) -> None:
    """``--foo-bar`` and ``foo_bar`` are one setting, in at least one command; a secret never."""
    commands = ("run", "doctor", "cas gc", "cas push")
    shown = "".join(project.luisy(*command.split(), "--help").out for command in commands)
    options = {word.strip(",/").split("/")[0] for word in shown.split() if word.startswith("--")}
    hidden = {"azure_account_name", "azure_container_name"}  # luisy 1.x's
    missing = {name for name in NAMES if f"--{name.replace('_', '-')}" not in options}
    assert missing - SECRETS - hidden == set()
    assert missing >= SECRETS


def test_remotes_are_named_by_options(finished: Project) -> None:
    """``--remote``, ``--read`` and ``--write`` stand for the settings."""
    (finished.folder / "remote").mkdir()
    url = (finished.folder / "remote").as_uri()
    done = finished.luisy("cas", "push", "--write", url, "--json")
    assert done.document["remote"]["url"] == url
    done = finished.luisy(
        "plan", "Count", "--letter", "B", "--download", "--read", url, "--store", "other", "--json"
    )
    assert done.document["remote"]["url"] == url
    assert done.document["counts"]["remote"] > 0
    shown = {
        one["name"]: one["value"]
        for one in finished.luisy("doctor", "--remote", url, "--json").document["settings"]
    }
    assert shown["remote"] == url


def test_an_option_of_another_command_is_a_plain_parameter(project: Project) -> None:
    """``--to`` belongs to ``get``; for ``plan`` it is the task's."""
    project.odd(NAMED)
    assert root_params(project.luisy("plan", "Named", "--to", "here", "--json"))["to"] == "here"


def test_luigis_log_level_counts(project: Project) -> None:
    """Luigi's own option ``--log-level`` is heard; without it Luigi is quiet."""
    assert "INFO: Done scheduling tasks" in project.luisy("run", "Upper", "--log-level", "INFO").err
    assert project.luisy("run", "Upper").err == ""


OLD_FLAGS = (
    ("--module", "pipe.tasks"),
    ("Count", "--letter", "C"),
    ("--working-dir", "data"),
    ("--no-ask",),
    ("--local-scheduler",),
    ("--dry-run",),
)


@pytest.mark.parametrize("turn", range(len(OLD_FLAGS)))
def test_the_old_form_means_run_in_any_order(finished: Project, turn: int) -> None:
    """``luisy --module m Task ...`` with luisy 1.x's flags in any order is a run, here a dry one."""
    words = itertools.chain(*OLD_FLAGS[turn:], *OLD_FLAGS[:turn])
    done = finished.cold(*words, LUISY_MODULE="", WORKING_DIR="")
    assert (done.code, done.err) == (0, "")
    assert "1 to execute" in done.out
    assert not finished.output("final/Count_at_least=0_letter=C.json").exists()


def test_the_old_form_runs(project: Project) -> None:
    """Without ``--dry-run`` the old form executes, and ``--module=m`` is as good as ``--module m``."""
    done = project.luisy("--local-scheduler", "--module=pipe.tasks", "Upper", LUISY_MODULE="")
    assert done.code == 0
    assert project.output("interim/Upper.json").exists()


def test_settings_are_taken_from_the_strongest_source(project: Project) -> None:
    """Flag, then environment, then pyproject.toml, then luigi.cfg, then the default decides where the store lies."""
    found = []

    def store(*flags: str, variable: str = "") -> None:
        done = project.luisy("cas", "status", "--json", *flags, LUISY_STORE=variable)
        found.append(done.document["store"])

    store()
    (project.folder / "luigi.cfg").write_text("[luisy]\nstore = from-cfg\n")
    store()
    (project.folder / "pyproject.toml").write_text("[tool.luisy]\nstore = 'from-pyproject'\n")
    store()
    store(variable="from-environment")
    store("--store", "from-flag", variable="from-environment")
    names = ("data/.luisy", "from-cfg", "from-pyproject", "from-environment", "from-flag")
    assert found == [f"{project.folder}/{name}" for name in names]


def test_the_module_may_be_set_in_each_of_the_four_places(finished: Project, project: Project) -> None:
    """Flag, variable, pyproject.toml and luigi.cfg each suffice."""
    assert finished.luisy("plan", "Both", "--module", "pipe.tasks", LUISY_MODULE="").code == 0
    assert finished.luisy("plan", "Both").code == 0
    (project.folder / "luigi.cfg").write_text("[luisy]\nmodule = pipe.tasks\n")
    assert project.luisy("plan", "Both", LUISY_MODULE="").code == 0
    (project.folder / "luigi.cfg").unlink()
    (project.folder / "pyproject.toml").write_text("[tool.luisy]\nmodule = 'pipe.tasks'\n")
    assert project.luisy("plan", "Both", LUISY_MODULE="").code == 0


def test_a_setting_of_the_environment_reaches_every_command(finished: Project) -> None:
    """``LUISY_JSON`` is ``--json``, for a failure too."""
    assert finished.luisy("cas", "ls", LUISY_JSON="1").document["actions"]
    assert finished.luisy("run", "Cuont", LUISY_JSON="yes").document["error"]["slug"] == "no-such-task"
