"""Pipelines of luisy 1.x run as they are, in a workspace that luisy 1.4.7 left.

``tests/e2e/luisy_1_4_7`` is the working dir after ``luisy --module shop.tasks Report --local-scheduler --no-ask`` of luisy
1.4.7 on the pipeline below.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.projects import Project

LEFT = Path(__file__).with_name("luisy_1_4_7")

SHOP = """
    import luisy
    import pandas as pd
    import trail


    @luisy.raw
    @luisy.csv_output
    class Orders(luisy.ExternalTask):
        def get_file_name(self):
            return "orders"


    @luisy.interim
    @luisy.pickle_output
    @luisy.requires(Orders)
    class Sums(luisy.Task):
        column = luisy.Parameter(default="n")

        def run(self):
            self.write(int(self.input().read()[self.column].sum()))


    class Top(luisy.Task):
        def requires(self):
            return Sums(column="n")

        def run(self):
            self.write(self.input().read() + 1)


    @luisy.final
    @luisy.json_output
    @luisy.requires(Top)
    class Report(luisy.Task):
        title = luisy.Parameter(default="all")

        def run(self):
            self.write({self.title: self.input().read()})
"""
OLD_FORM = ("--module", "shop.tasks", "Report")


@pytest.fixture
def shop(project: Project) -> Project:
    """The pipeline and its workspace, just as luisy 1.4.7 left it."""
    project.write("shop/__init__", "")
    project.write("shop/tasks", SHOP)
    shutil.copytree(LEFT, project.data, dirs_exist_ok=True)
    return project


def hashes(shop: Project) -> Path:
    return shop.data / "shop" / ".luisy.hash"


def test_everything_that_luisy_1_made_is_adopted(shop: Project) -> None:
    """Nothing is executed, in the old form of the command line with the old flags."""
    done = shop.luisy("--no-ask", *OLD_FORM, "--local-scheduler", "--json", "--title", "all")
    assert done.ran == []
    assert done.counts == {"local": 4}
    assert done.task("Report(title=all)")["adopted"]
    assert shop.luisy(*OLD_FORM, "--json").counts == {"local": 4}


@pytest.mark.parametrize("family", ["Sums", "Top", "Report"])
def test_a_plan_says_that_their_code_cannot_be_verified(shop: Project, family: str) -> None:
    """The reason says so for a task in a layer, directly in the working dir, and at the root."""
    plan = shop.luisy("plan", "--json", "--module", "shop.tasks", family)
    told = plan.document["tasks"][-1]
    assert (told["outcome"], told["reason"]["slug"]) == ("local", "adopted")
    assert "cannot be verified" in told["reason"]["text"]


def test_the_old_list_is_left_as_it_is(shop: Project) -> None:
    """Whoever goes back to luisy 1.x finds its ``.luisy.hash``."""
    before = hashes(shop).read_bytes()
    shop.luisy(*OLD_FORM, "--no-adopt")
    assert hashes(shop).read_bytes() == before


@pytest.mark.parametrize("family", ["Sums", "Top"])
def test_a_file_that_luisy_1_did_not_list(shop: Project, family: str) -> None:
    """Luisy 1.x did not count it as a result: neither does luisy, in a layer or directly in the working dir."""
    listed = json.loads(hashes(shop).read_text())
    kept = {name: value for name, value in listed.items() if f"/{family}" not in name}
    assert len(kept) == len(listed) - 1
    hashes(shop).write_text(json.dumps(kept))
    assert [name.partition("(")[0] for name in shop.luisy("--module", "shop.tasks", family).ran] == [family]


def test_a_list_that_cannot_be_read(shop: Project) -> None:
    """With a damaged ``.luisy.hash`` nothing is known about the files, so all is made anew."""
    hashes(shop).write_text('{"/shop/fin')
    assert shop.luisy(*OLD_FORM).ran == ["Sums(column=n)", "Top", "Report(title=all)"]


def test_without_a_list_luigi_would_take_all_files(shop: Project) -> None:
    """Without any ``.luisy.hash``, files are taken as from Luigi, also directly in the working dir."""
    hashes(shop).unlink()
    assert shop.luisy("--module", "shop.tasks", "Top").ran == []


def test_new_code_executes_after_the_adoption(shop: Project) -> None:
    """From then on the code counts."""
    shop.luisy(*OLD_FORM)
    shop.edit("+ 1", "+ 2", module="shop/tasks")
    assert shop.luisy(*OLD_FORM).ran == ["Top", "Report(title=all)"]
    assert json.loads((shop.data / "shop/final/Report_title=all.json").read_text()) == {"all": 6}


@pytest.mark.parametrize(
    "words",
    [
        [
            "--azure-account-name",
            "a",
            "--module=shop.tasks",
            "Report",
            "--azure-container-name=c",
            "--dry-run",
        ],
        [
            "--working-dir",
            "DATA",
            "--module",
            "shop.tasks",
            "Report",
            "--dry-run",
            "--no-ask",
            "--title",
            "all",
        ],
        [
            "Report",
            "--title=all",
            "--local-scheduler",
            "--module=shop.tasks",
            "--working-dir=DATA",
            "--dry-run",
        ],
        [
            "--dry-run",
            "--requirements-path",
            "requirements.txt",
            "--workers",
            "2",
            "Report",
            "--module",
            "shop.tasks",
        ],
        [
            "--local-scheduler",
            "--download",
            "--module",
            "shop.tasks",
            "--dry-run",
            "Report",
            "--log-level",
            "ERROR",
        ],
    ],
)
def test_old_flags_in_any_order(shop: Project, words: list[str]) -> None:
    """Flags of luisy 1.x stand anywhere among Luigi's and the task's; a dry run touches nothing."""
    (shop.code / "requirements.txt").write_text("pandas==2.2.2\n")
    (shop.folder / "remote").mkdir()
    (shop.code / "pyproject.toml").write_text(f'[tool.luisy]\nremote = "file://{shop.folder}/remote"\n')
    shop.luisy(*(word.replace("DATA", str(shop.data)) for word in words))
    assert not shop.store.exists()
    assert shop.trail() == []


def test_the_flag_for_spark(shop: Project) -> None:
    """``--spark`` says what stands in its place."""
    refused = shop.luisy(*OLD_FORM, "--spark", "local", expected=2)
    assert "error[gone]: --spark is gone" in refused.stderr
    assert 'set_param("spark", session)' in refused.stderr


def test_build_as_luisy_1_had_it(shop: Project) -> None:
    """``luisy.cli.build`` executes what is left, returns Luigi's categories, and its settings hold afterwards."""
    done = shop.python(
        """
        import json, os, sys
        from luisy.cli import build
        from shop.tasks import Report, Sums, Top

        elsewhere = os.path.abspath("elsewhere")
        os.makedirs(elsewhere + "/shop/raw")
        open(elsewhere + "/shop/raw/orders.csv", "w").write("n,m\\n10,1\\n")
        result = build(Report(title="x"), 1, True, working_dir=elsewhere, no_ask=True, download=False)
        assert result.root_task == Report(title="x")
        assert result.tasks_set["completed"] == {Report(title="x"), Top(), Sums()}, result.tasks_set
        assert not result.tasks_set["failed"]
        assert Report(title="x").read() == {"x": 11}
        assert build(Report(title="x"), dry_run=True).counts["local"] == 4
        """
    )
    assert done.ran == ["Sums(column=n)", "Top", "Report(title=x)"]


def test_plain_luigi_on_these_tasks(shop: Project) -> None:
    """``luigi.build`` takes the files for done, and neither keys nor keeps anything."""
    shop.python(
        """
        import luigi
        from shop.tasks import Report

        assert luigi.build([Report()], local_scheduler=True, log_level="ERROR")
        assert Report().read() == {"all": 5}
        """
    )
    assert shop.trail() == []
    assert not shop.store.exists()


def test_a_run_of_ones_own(shop: Project) -> None:
    """``task.run()`` writes, ``read()`` reads, without any run before, and nothing is kept."""
    shop.python(
        """
        from shop.tasks import Sums

        assert Sums(column="m").complete() is False
        Sums(column="m").run()
        assert Sums(column="m").read() == 6
        assert Sums().read() == 4
        assert set(Sums.get_related_instances()) == {Sums(), Sums(column="m")}
        """
    )
    assert not shop.store.exists()


def test_a_task_that_runs_another_directly(shop: Project) -> None:
    """Within ``run()``, the folder of what another task writes by itself is there, as in luisy 1.x."""
    shop.write(
        "shop/tasks",
        """
        import luisy

        @luisy.interim
        class Helper(luisy.Task):
            def get_sub_dir(self):
                return "of_its_own"

            def run(self):
                with open(self.output().path, "w") as file:
                    file.write("helped")

        @luisy.final
        class Report(luisy.Task):
            def run(self):
                Helper().run()
                with open(Helper().output().path) as file:
                    self.write(file.read())
        """,
    )
    shop.luisy(*OLD_FORM)
    assert (shop.data / "shop/interim/of_its_own/Helper.pkl").read_text() == "helped"


def test_luisy_run_from_python(shop: Project) -> None:
    """``luisy.cli.luisy_run`` takes the arguments of the command line, and exits."""
    done = shop.python(
        """
        from luisy.cli import luisy_run

        luisy_run(["--module", "shop.tasks", "Report", "--title", "new", "--no-ask", "--local-scheduler"])
        """
    )
    assert done.ran == ["Report(title=new)"]
