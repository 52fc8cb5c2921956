"""Options of luigi.cfg that the code reads belong to the key; others do not, and what is not public is not shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.projects import Project

# Each way to read ``[shop] fruit``; the root writes what it read.
WAYS = {
    "class": "Shop().fruit",
    "class in a helper": "fruit_of(Shop)",
    "get": 'luigi.configuration.get_config().get("shop", "fruit", "pear")',
    "keywords": 'luigi.configuration.get_config().get(section="shop", option="fruit", default="pear")',
    "imported": 'get_config().get("shop", "fruit", "pear")',
    "kept": 'CONFIG.get("shop", "fruit", "pear")',
    "constants": "CONFIG.get(SECTION, OPTION, 'pear')",
    "computed option": 'CONFIG.get("shop", "fruit".lower(), "pear")',
    "by luigi's parser": 'luigi.configuration.LuigiConfigParser.instance().get("shop", "fruit", "pear")',
    "a task's parameter": "self.fruit",
}

CODE = """
    import luigi.configuration
    from luigi.configuration import get_config

    CONFIG = get_config()
    SECTION, OPTION = "shop", "fruit"


    class Shop(luigi.Config):
        task_namespace = ""
        fruit = luigi.Parameter(default="pear")

        @classmethod
        def get_task_family(cls):
            return "shop"


    def fruit_of(kind):
        return kind().fruit


    class Root(Text):
        fruit = luigi.Parameter(default="pear", config_path={"section": "shop", "name": "fruit"})

        def output(self):
            return luigi.LocalTarget(DATA / "pipe" / "Root_.txt")

        def run(self):
            self.put(WAY)
"""


def configure(project: Project, **options: str) -> None:
    """Write luigi.cfg with these options of the section ``shop``, and one that nobody reads."""
    lines = [f"{name} = {value}" for name, value in options.items()]
    (project.code / "luigi.cfg").write_text("\n".join(["[shop]", *lines, "[other]", "x = 1", ""]))


@pytest.mark.parametrize("way", WAYS)
def test_an_option_that_is_read_counts(project: Project, way: str) -> None:
    """Set, changed and changed back: its value of now is in the result, and nothing executes without need."""
    project.tasks(CODE.replace("WAY", WAYS[way]))
    project.cold()
    assert project.text("Root") == "pear"
    configure(project, fruit="plum")
    assert len(project.cold().ran) == 1
    assert project.text("Root") == "plum"
    (project.code / "luigi.cfg").unlink()
    assert project.cold().ran == []
    assert project.text("Root") == "pear"


def test_an_option_that_is_not_read_does_not_count(project: Project) -> None:
    """Another option of the section, and other sections."""
    project.tasks(CODE.replace("WAY", WAYS["get"]))
    configure(project, fruit="plum")
    project.cold()
    configure(project, fruit="plum", vegetable="leek")
    assert project.cold().ran == []


def test_an_option_of_a_toml_file_counts(project: Project) -> None:
    """With LUIGI_CONFIG_PARSER=toml values have types."""
    project.tasks(CODE.replace("WAY", "str(get_config().get('shop', 'fruit', 'pear'))"))
    environment = {"LUIGI_CONFIG_PARSER": "toml"}
    for fruit, ran in (("1", 1), ('"1"', 1), ("[1, 2]", 1), ("1", 0)):
        (project.code / "luigi.toml").write_text(f"[shop]\nfruit = {fruit}\n")
        assert len(project.cold(environment=environment).ran) == ran


def test_an_option_without_a_value_is_the_reader_s_to_miss(project: Project) -> None:
    """A luigi.Config that lacks a required option: its reader fails as under Luigi, nobody else."""
    project.tasks(
        """
        class Shop(luigi.Config):
            fruit = luigi.Parameter()


        class Root(Text):
            def run(self):
                self.put(Shop(fruit="fig").fruit if os.environ.get("GIVEN") else Shop().fruit)
        """
    )
    failed = project.cold(expected=1)
    assert "fruit" in failed.task("Root")["reason"]["text"]
    project.cold(environment={"GIVEN": "yes"})
    assert project.text("Root") == "fig"


def test_what_is_not_public_is_not_shown(project: Project) -> None:
    """A raw option and a private one stand in the key's parts as digests, a public one as it is."""
    project.tasks(
        """
        import luigi.configuration
        from luigi.parameter import ParameterVisibility


        class Shop(luigi.Config):
            fruit = luigi.Parameter(default="pear")
            code = luigi.Parameter(default="", visibility=ParameterVisibility.PRIVATE)


        class Root(Text):
            def run(self):
                password = luigi.configuration.get_config().get("shop", "password")
                self.put(Shop().fruit + str(len(Shop().code + password)))
        """
    )
    (project.code / "luigi.cfg").write_text("[shop]\npassword = hunter2\n[Shop]\ncode = hunter1\n")
    environment = {"LUISY_MODULE": "pipe"}
    done = project.cold(environment=environment)
    said = project.cold(environment=environment).stdout + done.stderr
    assert "hunter" not in said
    key = project.python(
        "import json, luisy, pipe; print(json.dumps(dict(luisy.key(pipe.Root()).parts)))"
    ).stdout
    parts = json.loads(key)
    assert parts["option pipe.Shop.fruit"] == "pear"
    assert parts["option pipe.Shop.code"].startswith("hidden ")
    assert parts["option shop.password"].startswith("hidden ")
    assert all(b"hunter" not in path.read_bytes() for path in project.store.rglob("*") if path.is_file())
