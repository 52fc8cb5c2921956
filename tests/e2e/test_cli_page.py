"""docs/cli.md shows each command, and documents of the shape that the commands really print."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
LUISY = str(Path(sys.executable).with_name("luisy"))
COMMITTED = "git init -q && git add my_project && git -c user.name=x -c user.email=x@y commit -qm x"
TASK = "--module my_project.tasks Average --column wind"
MAPS = {"params", "parts", "sources", "provenance", "versions"}
"""Fields whose names come from the pipeline, or whose values from what is installed: only that they map names to texts is compared."""


def example(command: str, number: int = 0) -> Any:
    """The page's document number *number* in the section of *command*."""
    section = PAGE.split(f"## `luisy {command}`\n")[1].split("\n## ")[0]
    return json.loads(re.findall(r"```json\n(.*?)```", section, flags=re.DOTALL)[number])


def shape(value: Any) -> Any:
    """The names and types in a document; a list counts by its first item."""
    if isinstance(value, dict):
        return {name: {} if name in MAPS else shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return type(value).__name__


def pipeline(folder: Path) -> None:
    """The README's pipeline with its raw data below *folder*."""
    (code,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    (folder / "my_project").mkdir()
    (folder / "my_project" / "tasks.py").write_text(code, encoding="utf-8")
    raw = folder / "data" / "my_project" / "raw"
    raw.mkdir(parents=True)
    (folder / "remote").mkdir()
    (raw / "measurements.csv").write_text("wind,rain\n1,7\n3,7\n", encoding="utf-8")


def printed(folder: Path, command: str, data: str = "data") -> Any:
    """What `luisy COMMAND --json` prints in *folder*, with a remote beside the working dir *data*."""
    words = [LUISY, *shlex.split(command), "--json", "--working-dir", data]
    environment = {**os.environ, "LUISY_REMOTE": f"file://{folder}/remote"}
    done = subprocess.run(words, cwd=folder, env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def damage(objects: Path) -> None:
    """Make every object another one: what is not damaged twice is found once."""
    for path in objects.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"rubbish")


@pytest.mark.slow
def test_each_document_on_the_page_has_the_shape_of_a_real_one(tmp_path: Path) -> None:
    """Every field that the page shows is printed, and every field that is printed is shown, with that type."""
    pipeline(tmp_path)
    assert shape(printed(tmp_path, f"run {TASK}")) == shape(example("run"))
    key = printed(tmp_path, f"key {TASK}")
    action = printed(tmp_path, f"cas show {key['key']}")
    assert shape(key) == shape(example("key"))
    assert shape(printed(tmp_path, f"why {TASK.replace('wind', 'rain')}")) == shape(example("why"))
    subprocess.run(COMMITTED, cwd=tmp_path, shell=True, check=True)
    printed(tmp_path, f"run {TASK} --force")
    assert shape(printed(tmp_path, "log -n 1")) == shape(example("log"))
    (tmp_path / "my_project/tasks.py").write_text(
        (tmp_path / "my_project/tasks.py").read_text().replace(".mean()", ".max()")
    )
    printed(tmp_path, f"run {TASK}")
    assert shape(printed(tmp_path, f"diff {TASK} --at {key['key']}")) == shape(example("diff"))
    assert shape(printed(tmp_path, f"get {TASK}")) == shape(example("get"))
    assert shape(printed(tmp_path, "cas status")) == shape(example("cas status"))
    assert shape(printed(tmp_path, "cas push --dry-run")) == shape(example("cas push"))
    assert shape(printed(tmp_path, "cas push")) == shape(example("cas push"))
    assert shape(printed(tmp_path, "cas pull --all", "other")) == shape(example("cas pull"))
    assert shape(printed(tmp_path, "cas ls --remote", "none")) == shape(example("cas ls"))
    exported = printed(tmp_path, f"cas export -o results.tar {key['key']}")
    assert shape(exported) == shape(example("cas export"))
    assert shape(printed(tmp_path, "cas import results.tar", "third")) == shape(example("cas import"))
    assert shape(printed(tmp_path, "doctor")) == shape(example("doctor"))
    assert shape(printed(tmp_path, "cas ls")) == shape(example("cas ls"))
    assert shape(action) == shape(example("cas show"))
    assert shape(printed(tmp_path, f"cas show {action['manifest']}")) == shape(example("cas show", 1))
    assert shape(printed(tmp_path, f"cas path {key['key']}")) == shape(example("cas path"))
    assert set(printed(tmp_path, f"key --all {TASK}")) == {"tasks"}
    assert shape(printed(tmp_path, "cas gc --max-size 0 --dry-run")) == shape(example("cas gc"))
    assert shape(printed(tmp_path, "cas gc --remote --older-than 0 --max-size 0 --yes", "none")) == shape(
        example("cas gc", 1)
    )
    assert shape(printed(tmp_path, "cas verify --rebuild")) == shape(example("cas verify"))
    assert shape(printed(tmp_path, "cas pin kept Average")) == shape(example("cas pin"))
    assert shape(printed(tmp_path, "cas pins")) == shape(example("cas pins"))
    assert shape(printed(tmp_path, "cas unpin kept")) == shape(example("cas unpin"))
    assert shape(printed(tmp_path, f"graph {TASK}")) == shape(example("graph"))
    tasks = tmp_path / "my_project" / "tasks.py"
    code = tasks.read_text(encoding="utf-8")
    tasks.write_text(code.replace('{"average":', '{str("average"):'), encoding="utf-8")
    assert shape(printed(tmp_path, f"accept --prove {TASK}")) == shape(example("accept"))
    plan = printed(tmp_path, f"plan {TASK}")
    assert shape(plan) == shape(example("run"))
    assert plan["status"] == "planned"
    damage(tmp_path / "data/.luisy/objects")
    assert shape(printed(tmp_path, "cas verify --repair")) == shape(example("cas verify", 1))


@pytest.mark.slow
def test_documents_about_the_remote_have_the_shape_of_real_ones(tmp_path: Path) -> None:
    """As above, for what looks at a remote as a whole."""
    pipeline(tmp_path)
    printed(tmp_path, f"run {TASK} --upload")
    for pack in (tmp_path / "remote").glob("*/.luisy/v1/packs/*"):
        pack.write_bytes(b"rubbish")
    found = printed(tmp_path, "cas verify --remote --repair")
    assert shape({**found, "problems": found["problems"][:1]}) == shape(example("cas verify", 2))
    assert shape(printed(tmp_path, "signing generate key")) == shape(example("signing generate"))
    signed = printed(tmp_path, "signing resign --signing-key key")
    assert shape({**signed, "projects": [{**signed["projects"][0], "left": []}]}) == shape(
        example("signing resign")
    )
    listed = printed(tmp_path, "signing list --remote --signing-key key")
    assert shape(listed) == shape(example("signing list"))


def test_the_page_has_a_section_for_each_command_and_no_other() -> None:
    """What `luisy --help` and the help of its groups list are the sections of the page."""
    in_cas = (
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
    commands = {
        "run",
        "plan",
        "why",
        "key",
        "log",
        "diff",
        "get",
        "accept",
        "graph",
        "doctor",
        *(f"cas {name}" for name in in_cas),
        *(f"signing {name}" for name in ("generate", "list", "resign")),
    }
    assert set(re.findall(r"^## `luisy ([a-z ]+)`$", PAGE, flags=re.MULTILINE)) == commands
    groups = {"cas", "signing"}
    inside = {f"{group} {name}" for group in groups for name in commands_of([group, "--help"])}
    assert commands_of(["--help"]) - groups | inside == commands


def commands_of(arguments: list[str]) -> set[str]:
    """The commands that a help text lists."""
    done = subprocess.run([LUISY, *arguments], capture_output=True, text=True, check=True)
    return set(re.findall(r"^  ([a-z]+) {2,}", done.stdout.split("Commands:")[1], flags=re.MULTILINE))
