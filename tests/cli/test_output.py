"""What people read: help, plan, run; colour, quiet, verbose, version."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import click
import click.testing
import pytest

from luisy.cas import Store
from luisy.cli.main import cli
from luisy.model import Action, Digest, Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.project import Project

HELP = (
    *("", "run", "plan", "why", "key", "log", "diff", "get", "accept", "graph", "doctor"),
    *(
        f"cas {name}"
        for name in (
            "status",
            "ls",
            "show",
            "path",
            "push",
            "pull",
            "verify",
            "gc",
            "pin",
            "unpin",
            "pins",
            "export",
            "import",
        )
    ),
    "cas",
    *("signing", "signing generate", "signing list", "signing resign"),
)


@pytest.mark.parametrize("command", HELP)
def test_help(command: str, snapshot: Callable[[str, str], None]) -> None:
    """Every command explains itself."""
    done = click.testing.CliRunner().invoke(
        cli, [*command.split(), "--help"], prog_name="luisy", terminal_width=100
    )
    assert done.exit_code == 0
    snapshot(f"help-{command.replace(' ', '-') or 'luisy'}", done.output)


def test_every_command_has_its_help_in_the_snapshots() -> None:
    """The commands that are listed above are all commands."""

    def names(group: click.Group, prefix: str = "") -> list[str]:
        context = click.Context(group)
        found = []
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            found.append(f"{prefix}{name}")
            if isinstance(command, click.Group):
                found += names(command, f"{prefix}{name} ")
        return found

    assert sorted(names(cli)) == sorted(HELP[1:])


def test_without_arguments_it_prints_help(finished: Project) -> None:
    """``luisy`` alone is ``luisy --help``."""
    done = finished.cold()
    assert (done.code, done.out) == (0, finished.luisy("--help").out)


def test_version(finished: Project) -> None:
    """``luisy --version`` prints the version of the package."""
    assert finished.cold("--version").out == f"luisy {version('luisy')}\n"


def test_version_and_help_import_neither_luigi_nor_pandas(finished: Project) -> None:
    """The start of the command line is light."""
    code = (
        "import sys; from luisy.cli.main import cli\n"
        "cli.main(['cas', '--help'], standalone_mode=False)\n"
        "sys.exit(str({'luigi', 'pandas', 'sqlite_utils', 'azure', 'rich'} & set(sys.modules)) )"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == "set()\n"


def test_a_plan_and_a_run(project: Project, snapshot: Callable[[str, str], None]) -> None:
    """What a first plan, a first run, a second run, a changed plan and a run after it say."""
    said = []
    for title, arguments in (
        ("a first plan", ("plan", "Both")),
        ("a first run", ("run", "Both")),
        ("a second run", ("run", "Both")),
        ("a plan of something more", ("plan", "Count", "--letter", "C")),
    ):
        said.append(f"--- {title}\n{project.luisy(*arguments).out}")
    project.write((project.folder / "pipe/tasks.py").read_text().replace(".upper()", ".lower()"))
    said.append(f"--- a plan after an edit\n{project.luisy('plan', 'Both').out}")
    said.append(f"--- a run after an edit\n{project.luisy('run', 'Both').out}")
    snapshot("plan-and-run", "\n".join(said))


def test_quiet_says_nothing_of_success(finished: Project) -> None:
    """``-q`` prints errors only."""
    done = finished.luisy("run", "Both", "-q")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert "error[no-such-task]" in finished.luisy("run", "Cuont", "-q").err


def test_verbose_shows_what_luigi_logs(finished: Project) -> None:
    """``-v`` lets Luigi's log through."""
    assert "Luigi Execution Summary" in finished.luisy("run", "Both", "-v").err


def test_no_escape_codes_where_nobody_watches(project: Project) -> None:
    """Neither stdout nor stderr of a run or an error has an escape code when they are pipes."""
    for arguments in (("run", "Both"), ("run", "Cuont"), ("plan", "Both"), ("cas", "ls")):
        done = project.luisy(*arguments)
        assert "\x1b" not in done.out + done.err


@pytest.mark.parametrize("arguments", [("run", "Both", "--force-all"), ("run", "Cuont")])
@pytest.mark.parametrize("no_color", ["", "1"])
def test_no_color_is_honoured_on_a_terminal(
    project: Project, arguments: tuple[str, ...], no_color: str
) -> None:
    """On a terminal there is colour and live progress, with ``NO_COLOR`` no colour."""
    text = on_a_terminal(project, *arguments, NO_COLOR=no_color)
    assert ("\x1b[3" in text) is (arguments[1] == "Cuont" and not no_color)
    assert ("[3/3] executed" in text) is (arguments[1] == "Both")


def on_a_terminal(project: Project, *arguments: str, **environment: str) -> str:
    """All that ``luisy`` writes to a pseudo terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "luisy", *arguments],
        cwd=project.folder,
        env=project.environment(TERM="xterm", **environment),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    text = b""
    try:
        while chunk := os.read(ours, 65536):
            text += chunk
    except OSError:  # Linux says EIO once the other side is closed
        pass
    os.close(ours)
    process.wait()
    return text.decode()


@pytest.mark.parametrize(("encoding", "name"), [("utf-8:strict", b"\xe9"), ("ascii:strict", b"?")])
def test_names_that_no_terminal_can_show_are_printed(project: Project, encoding: str, name: bytes) -> None:
    """A name that is not UTF-8 is told as the bytes that it has, where these fit, and what moves cursors is escaped."""
    (project.data / "caf\udce9").write_text("edited")
    with Store.open(project.store) as store:
        store.rescue(str(project.data / "caf\udce9"))
        made = store.keep([(b"", str(project.data / "caf\udce9"))])
        params = {"odd\udce9\ud800": "\x1b[31mred\n\u202e"}
        store.record(
            Action(Key("1" * 64), made.digest, "p", "Odd", params, Digest("1" * 64), Digest("2" * 64))
        )
    for command in (("status",), ("ls",), ("show", "Odd"), ("gc", "--dry-run", "--older-than", "0")):
        done = subprocess.run(
            [sys.executable, "-m", "luisy", "cas", *command],
            env=project.environment(PYTHONIOENCODING=encoding),
            capture_output=True,
            check=True,
        )
        assert done.stderr == b""
        assert name in done.stdout
        assert b"\x1b" not in done.stdout
        assert b"\xe2\x80\xae" not in done.stdout
