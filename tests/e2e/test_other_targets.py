"""Targets in a database and in S3: their tasks run as under Luigi, and nobody pretends to keep them."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import boto3
import pytest
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from tests.e2e.projects import Project

TABLE = """
    import luigi.contrib.sqla
    from sqlalchemy import String


    class Upstream(Text):
        def requires(self):
            return Raw()

        def run(self):
            self.put(self.taken() + "\\tone\\n")


    class Stored(luigi.contrib.sqla.CopyToTable):
        columns = [(["name", String(64)], {}), (["word", String(64)], {})]
        connection_string = f"sqlite:///{DATA}/stored.db"
        table = "words"

        def requires(self):
            return Upstream()


    class Root(Text):
        def requires(self):
            return Stored()

        def run(self):
            target = self.input()
            with target.engine.begin() as connection:
                rows = connection.exec_driver_sql("SELECT name, word FROM words").fetchall()
            self.put(repr([tuple(row) for row in rows]))
"""


def stored(project: Project) -> list[tuple[str, str]]:
    """The rows of the table."""
    connection = sqlite3.connect(project.data / "stored.db")
    try:
        return connection.execute("SELECT name, word FROM words").fetchall()
    finally:
        connection.close()


def test_a_table_is_filled_once(project: Project) -> None:
    """Luigi's marker table says that it is there: nothing is executed again, and the plan says why it is not kept."""
    project.tasks(TABLE)
    project.raw("a")
    cold = project.run()
    assert cold.ran == ["Upstream", "Stored", "Root"]
    assert not cold.task("Stored")["cacheable"]
    assert "SQLAlchemyTarget" in cold.task("Stored")["reason"]["text"]
    assert project.run().outcomes == {"Stored": "complete", "Root": "complete"}
    assert stored(project) == [("a", "one")]
    assert project.text("Root") == "[('a', 'one')]"


def test_a_table_that_luigi_filled_counts(project: Project) -> None:
    """And the other way round: plain Luigi executes nothing after luisy."""
    project.tasks(TABLE)
    project.raw("a")
    build = "import luigi, pipe; assert luigi.build([pipe.Root()], local_scheduler=True, no_lock=True)"
    project.python(build)
    assert project.run().ran == []
    assert project.python(build).ran == []


def test_a_table_whose_marker_is_gone_is_filled_again(project: Project) -> None:
    """As under Luigi, where a missing row of the marker table means not complete."""
    project.tasks(TABLE)
    project.raw("a")
    project.run()
    with sqlite3.connect(project.data / "stored.db") as connection:
        connection.execute("DELETE FROM table_updates")
    project.output("Root").unlink()
    assert project.run().ran == ["Stored", "Root"]
    assert stored(project) == [("a", "one")] * 2


def test_code_of_a_task_with_a_table(project: Project) -> None:
    """Luisy keeps no record of what is no file: as under Luigi, new code alone does not fill a table again."""
    project.tasks(TABLE)
    project.raw("a")
    project.run()
    project.edit('table = "words"', 'table = "words"\n    chunk_size = 7')
    assert project.run().ran == []
    assert project.text("Root") == "[('a', 'one')]"


BUCKET = """
    from luigi.contrib.s3 import S3Target


    class Upstream(Text):
        def requires(self):
            return Raw()

        def run(self):
            self.put(self.taken() + " one")


    class Far(luigi.Task):
        def requires(self):
            return Upstream()

        def output(self):
            return S3Target("s3://bucket/far.txt")

        def run(self):
            with self.input().open() as source, self.output().open("w") as file:
                file.write(source.read())


    class Root(Text):
        def requires(self):
            return Far()

        def run(self):
            with self.input().open() as file:
                self.put(file.read() + " root")
"""


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A bucket of a server on this machine, which the environment names."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": "something",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    bucket = boto3.resource("s3").Bucket("bucket")  # type: ignore[no-untyped-call]  # boto3 has no types
    bucket.create()
    yield bucket
    bucket.objects.delete()
    server.stop()


def test_an_object_in_s3_is_written_once(project: Project, bucket: Any) -> None:
    """It is there: nothing is executed again; removed, its task is, and what luisy can keep is served."""
    project.tasks(BUCKET)
    project.raw("a")
    cold = project.run()
    assert cold.ran == ["Upstream", "Far", "Root"]
    assert "S3Target" in cold.task("Far")["reason"]["text"]
    assert not cold.task("Root")["cacheable"]
    assert project.run().outcomes == {"Far": "complete", "Root": "complete"}
    bucket.objects.delete()
    project.remove_outputs()
    assert project.run().ran == ["Far", "Root"]
    assert project.text("Root") == "a one root"


def test_an_object_in_s3_with_a_declared_version(project: Project, bucket: Any) -> None:
    """What stands on it is kept under that version: another one executes it, the earlier one is served."""
    project.tasks(BUCKET.replace("class Far", '@luisy.declares(version="1")\n    class Far'))
    project.raw("a")
    assert project.run().task("Root")["cacheable"]
    project.remove_outputs()
    assert project.run().ran == []
    assert project.text("Root") == "a one root"
    project.edit('version="1"', 'version="2"')
    assert "Root" in project.run().ran
    project.edit('version="2"', 'version="1"')
    assert "Root" not in project.run().ran


def test_with_workers(project: Project, bucket: Any) -> None:
    """A child writes to S3 as the parent does."""
    project.tasks(BUCKET)
    project.raw("a")
    assert project.run("--workers", "2").ran == ["Upstream", "Far", "Root"]
    assert [found.key for found in bucket.objects.all()] == ["far.txt"]
    assert project.run("--workers", "2").ran == []
