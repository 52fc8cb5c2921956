"""What project modules read while they are imported counts for the tasks that use it, and for no other."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.projects import Project

WORKERS = pytest.mark.parametrize("workers", ["1", "2"])

TWO = """
    import json

    HERE = Path(__file__).parent
    SETTING


    class Uses(Text):
        def run(self):
            self.put(str(RATE))


    class Root(Text):
        def requires(self):
            return Uses()

        def run(self):
            self.put("root")
"""


def parts(project: Project, family: str) -> dict[str, str]:
    """What the key of a task holds of what was observed."""
    shown = project.luisy("key", "--json", "--module", "pipe", family).document["parts"]
    return {name: value for name, value in shown.items() if name.startswith("observed ")}


@WORKERS
@pytest.mark.parametrize(
    "setting",
    [
        "RATE = (HERE / 'rate.json').read_text()",
        "with open('rate.json') as file:\n        RATE = json.load(file)",
        "def load(name):\n        return (HERE / name).read_text()\n\n\n    RATE = load('rate.json')",
        "RATE = {}\n    RATE['x'] = (HERE / 'rate.json').read_text()",
        "from config import RATE",
        "if (HERE / 'rate.json').read_text() == '1':\n        RATE = 'one'\n    else:\n        RATE = 'other'",
        "import pandas as pd\n    RATE = pd.read_json(HERE / 'rate.json', typ='series').to_list()",
        "import pkgutil\n    RATE = pkgutil.get_data('pipe', 'rate.json').decode()",
        "import sqlite3\n    RATE = sqlite3.connect(HERE / 'rate.json') and (HERE / 'rate.json').read_bytes()",
    ],
)
def test_a_file_read_at_import(project: Project, setting: str, workers: str) -> None:
    """Another content of a file that a used constant was made from executes the task that uses it."""
    project.write(
        "config", "from pathlib import Path\n\nRATE = (Path(__file__).parent / 'rate.json').read_text()\n"
    )
    project.tasks(TWO.replace("SETTING", setting))
    (project.code / "rate.json").write_text("[1]" if "pandas" in setting else "1")
    project.run("--workers", workers)
    first = project.text("Uses")
    assert project.run("--workers", workers).ran == []
    (project.code / "rate.json").write_text("[2]" if "pandas" in setting else "2")
    assert project.run("--workers", workers).ran[:1] == ["Uses"]
    assert project.text("Uses") != first


@WORKERS
@pytest.mark.parametrize(
    "read",
    [
        "os.environ['RATE_OF']",
        "os.environ.get('RATE_OF')",
        "os.getenv('RATE_OF', '0')",
        "os.getenvb(b'RATE_OF')",
        "('RATE_OF' in os.environ and os.environ['RATE_OF'])",
        "{k: v for k, v in os.environ.items() if k.startswith('RATE')}",
        "dict(os.environ)['RATE_OF']",
        "os.path.expandvars('$RATE_OF')",
    ],
)
def test_a_variable_read_at_import(
    project: Project, read: str, workers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another value of a variable that a used constant was made from executes the task that uses it."""
    project.tasks(TWO.replace("SETTING", f"RATE = {read}"))
    monkeypatch.setenv("RATE_OF", "1")
    project.run("--workers", workers)
    assert project.run("--workers", workers).ran == []
    monkeypatch.setenv("RATE_OF", "2")
    assert project.run("--workers", workers).ran[:1] == ["Uses"]
    assert "2" in project.text("Uses")


def test_a_class_made_from_the_text_of_a_file(project: Project) -> None:
    """A method that is compiled from a file's text at import follows that file."""
    project.tasks(
        """
        text = (Path(__file__).parent / "run.txt").read_text()
        names = {}
        exec(text, names)


        class Root(Text):
            run = names["run"]
        """
    )
    (project.code / "run.txt").write_text("def run(self):\n    self.put('made')\n")
    project.run()
    (project.code / "run.txt").write_text("def run(self):\n    self.put('MADE')\n")
    project.run()
    assert project.text("Root") == "MADE"


@WORKERS
def test_a_task_that_uses_nothing_of_it_keeps_its_key(
    project: Project, workers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a statement has read counts for nobody whose code does not reach the names that it sets."""
    project.tasks(TWO.replace("SETTING", "RATE = (HERE / 'rate.json').read_text() + os.environ['RATE_OF']"))
    project.edit("return Uses()", "return []")
    (project.code / "rate.json").write_text("1")
    monkeypatch.setenv("RATE_OF", "1")
    project.run("--workers", workers)
    (project.code / "rate.json").write_text("2")
    monkeypatch.setenv("RATE_OF", "2")
    assert project.run("--workers", workers).ran == []
    assert parts(project, "Root") == {}


def test_a_file_that_comes_later_counts(project: Project) -> None:
    """That a file was looked for in vain is observed, too."""
    lines = (
        "try:",
        "    RATE = (HERE / 'local.json').read_text()",
        "except FileNotFoundError:",
        "    RATE = '0'",
    )
    project.tasks(TWO.replace("SETTING", "\n    ".join(lines)))
    project.run()
    assert parts(project, "Uses") == {"observed file local.json": "absent"}
    (project.code / "local.json").write_text("9")
    project.run()
    assert project.text("Uses") == "9"


def test_a_listed_folder_counts_by_its_names(project: Project) -> None:
    """A file that joins a folder which was listed at import executes the task."""
    project.tasks(TWO.replace("SETTING", "RATE = sorted(p.name for p in (HERE / 'conf').glob('*.yml'))"))
    (project.code / "conf").mkdir()
    (project.code / "conf" / "a.yml").touch()
    project.run()
    (project.code / "conf" / "b.yml").touch()
    project.run()
    assert project.text("Uses") == "['a.yml', 'b.yml']"


def test_what_a_module_made_itself_is_no_input(project: Project) -> None:
    """A file that a module writes and reads again while it is imported is the code's own work."""
    project.tasks(
        TWO.replace(
            "SETTING",
            "(HERE / 'c.json').write_text(str(os.getpid()))\n    RATE = (HERE / 'c.json').read_text()",
        )
    )
    assert parts(project, "Uses") == {}


def test_what_libraries_read_for_themselves_does_not_count(project: Project) -> None:
    """Importing and setting up what is installed observes nothing: no file, no variable."""
    project.tasks(
        TWO.replace(
            "SETTING",
            "import logging, tempfile, zoneinfo, ssl, importlib.metadata\n"
            "    import numpy as np, pandas as pd, pyarrow, requests\n"
            "    LOGGER = logging.getLogger(__name__)\n"
            "    RATE = [pd.Timestamp('2020-01-01', tz='Europe/Berlin'), zoneinfo.ZoneInfo('Europe/Berlin'),\n"
            "            tempfile.gettempdir(), os.path.expanduser('~'), ssl.create_default_context().verify_mode,\n"
            "            importlib.metadata.version('pandas'), np.random.default_rng(1).random(),\n"
            "            luisy.Config().working_dir]",
        )
    )
    assert parts(project, "Uses") == {}


def test_the_place_of_the_pipeline_is_no_part_of_the_key(project: Project) -> None:
    """A variable whose value is a path of the working dir counts alike wherever that lies."""
    project.tasks(TWO.replace("SETTING", "RATE = os.path.relpath(DATA / 'x', DATA)"))
    arguments = ("key", "--json", "--module", "pipe", "Uses")
    first = project.luisy(*arguments).document["key"]
    os.rename(project.data, project.folder / "moved")
    project.data = project.folder / "moved"
    assert project.luisy(*arguments).document["key"] == first


def test_going_through_all_variables_is_told(project: Project) -> None:
    """Who goes through the whole environment has all of it in the key, and is told so once, with file and line."""
    project.tasks(TWO.replace("SETTING", "RATE = len([k for k in os.environ if k.startswith('X')])"))
    run = project.run()
    line = (project.code / "pipe.py").read_text().splitlines().index(
        "RATE = len([k for k in os.environ if k.startswith('X')])"
    ) + 1
    assert run.stderr.count("whole-environment") == 1
    assert f"pipe.py:{line} goes through all environment variables" in run.stderr


def test_a_script_is_observed_from_its_import_of_luisy_on(project: Project) -> None:
    """What a script and its modules read before ``luisy.build`` counts as well."""
    script = """
        import os
        import luisy

        RATE = open("rate.json").read()


        class Root(luisy.Task):
            def run(self):
                self.write(RATE)


        if __name__ == "__main__":
            luisy.build(Root())
            print(luisy.key(Root()).key, Root().read())
    """
    (project.code / "rate.json").write_text("1")
    first = project.python(script).stdout
    assert project.python(script).stdout == first
    (project.code / "rate.json").write_text("2")
    key, _, content = project.python(script).stdout.partition(" ")
    assert content == "2\n"
    assert key != first.partition(" ")[0]


def test_a_large_file_that_changed_since_is_not_guessed(project: Project) -> None:
    """If a large file changes between import and key, its tasks are not cacheable in this run, with the reason."""
    project.tasks(
        TWO.replace(
            "SETTING",
            "RATE = len((HERE / 'large').read_bytes())\n    (HERE / 'large').write_bytes(b'y' * (5 << 20))",
        )
    )
    (project.code / "large").write_bytes(b"x" * (5 << 20))
    task = project.run().task("Uses")
    assert task["cacheable"] is False
    assert "changed since" in task["reason"]["text"]
