"""Luigi's e-mails come as under Luigi, by a real SMTP server, but for what its author marked as not public."""

from __future__ import annotations

import email
import email.policy
from typing import TYPE_CHECKING

import pytest
from aiosmtpd.controller import Controller

from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

    from aiosmtpd.smtp import SMTP, Envelope, Session

    from tests.e2e.projects import Project

SECRET = "s3cr3t-v4lu3"

FAILING = """
    class Fails(Text):
        name = luigi.Parameter(default="shown")
        password = luigi.Parameter(default="PASSWORD", visibility=luigi.parameter.ParameterVisibility.PRIVATE)
        hidden = luigi.Parameter(default="PASSWORD", visibility=luigi.parameter.ParameterVisibility.HIDDEN)
        owner_email = "owner@example.org"

        def output(self):
            return luigi.LocalTarget(DATA / "pipe" / "fails.txt")

        def run(self):
            raise RuntimeError("the pipe burst")


    class Root(Text):
        def requires(self):
            return Fails()

        def run(self):
            self.put(self.taken())
""".replace("PASSWORD", SECRET)


class Post:
    """An SMTP server on this machine, and the letters that came."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a letter."""
        content = envelope.content
        assert isinstance(content, bytes)
        self.letters.append(email.message_from_bytes(content, policy=email.policy.default))
        return "250 OK"

    @property
    def subjects(self) -> list[str]:
        """The subjects, without the host."""
        return [str(letter["Subject"]).partition(" Host:")[0] for letter in self.letters]

    @property
    def bodies(self) -> str:
        """All texts."""
        return "".join(
            part.get_content() for letter in self.letters for part in letter.walk() if not part.is_multipart()
        )

    def close(self) -> None:
        """Stop."""
        self._controller.stop()


@pytest.fixture
def post(project: Project) -> Iterator[Post]:
    """A server that luigi.cfg of the project names."""
    post = Post()
    configured(project, post)
    yield post
    post.close()


def configured(project: Project, post: Post, more: str = "") -> None:
    """Write luigi.cfg: *more*, which may begin with options of ``[email]``, comes last."""
    (project.code / "luigi.cfg").write_text(
        f"[smtp]\nhost=127.0.0.1\nport={post.port}\n"
        f"[email]\nforce_send=true\nreceiver=all@example.org\nsender=luigi@example.org\n{more}"
    )


LUIGI = 'import luigi, pipe; luigi.build([pipe.Root()], local_scheduler=True, no_lock=True, workers=1, log_level="ERROR")'


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_failure_is_written_as_under_luigi(project: Project, post: Post, workers: str) -> None:
    """One letter with Luigi's subject, to Luigi's recipients, with the traceback."""
    project.tasks(FAILING)
    project.python(LUIGI)
    project.cold("--workers", workers, expected=1)
    under_luigi, under_luisy = post.letters
    assert post.subjects == [
        f"Luigi: Fails(name=shown, password={SECRET}, hidden={SECRET}) FAILED.",
        "Luigi: Fails(name=shown) FAILED.",
    ]
    assert under_luigi["To"] == under_luisy["To"] == "all@example.org, owner@example.org"
    assert "RuntimeError: the pipe burst" in post.bodies


@pytest.mark.parametrize("form", ["plain", "html"])
def test_a_letter_tells_public_parameters_only(project: Project, post: Post, form: str) -> None:
    """Neither the table of parameters nor the command line has the value of one that is private or hidden."""
    configured(project, post, f"format={form}\n")
    project.tasks(FAILING)
    other = f"{SECRET}-given"
    project.cold("Fails", "--name", "seen", "--password", other, f"--Fails-hidden={other}", expected=1)
    (letter,) = post.letters
    assert "seen" in post.bodies
    assert "--password" in post.bodies
    assert SECRET not in str(letter["Subject"]) + post.bodies


def test_a_task_that_cannot_be_scheduled_is_written(project: Project, post: Post) -> None:
    """``requires()`` raises: Luigi's letter about it, under luisy too."""
    project.tasks("class Root(Text):\n    def requires(self):\n        raise RuntimeError('nobody knows')")
    project.python(LUIGI)
    project.cold(expected=1)
    assert post.subjects == ["Luigi: Root() failed scheduling."] * 2
    assert post.bodies.count("nobody knows") >= 2


def test_no_letters_where_luigi_writes_none(project: Project, post: Post) -> None:
    """``[worker] send_failure_email = false``, and a run without a failure."""
    configured(project, post, "[worker]\nsend_failure_email=false\n")
    project.tasks(FAILING)
    project.cold(expected=1)
    configured(project, post)
    project.edit('raise RuntimeError("the pipe burst")', 'self.put("done")')
    project.cold()
    assert post.letters == []


def test_letters_in_batches(project: Project, post: Post) -> None:
    """``[scheduler] batch_emails``: one letter about what failed, without private values."""
    configured(
        project,
        post,
        "[scheduler]\nbatch_emails=true\nretry_delay=0\nretry_count=2\n[batch-notifier]\nemail-interval-minutes=0\n"
        "[worker]\nsend_failure_email=false\nkeep_alive=true\nwait_interval=0.05\n",
    )
    project.tasks(FAILING)
    project.python(LUIGI)
    under_luigi = post.subjects
    post.letters.clear()
    project.cold(expected=1)
    assert len(post.subjects) == len(under_luigi) > 0
    assert "Fails(name=shown)" in post.bodies
    assert SECRET not in post.bodies
