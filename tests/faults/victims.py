"""A small pipeline that is killed, and what must be true of it afterwards."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.e2e.projects import Before, Project, Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.e2e.projects import Warm

KILLED = -9
POINTS = Path(__file__).with_name("points.py")

TASKS = """
    class Aside(Text):
        # Reads what no key knows of: forced, it makes another result at the same key.
        def run(self):
            self.put((DATA.parent / "aside").read_text())


    class Tree(luigi.Task):
        def requires(self):
            return Raw()

        def output(self):
            return luigi.LocalTarget(DATA / "pipe" / "tree")

        def run(self):
            tree = Path(self.output().path)
            (tree / "deep").mkdir(parents=True)
            (tree / "deep" / "large").write_text("large" * 20_000)
            (tree / "program").write_text("#!/bin/sh")
            (tree / "program").chmod(0o755)
            (tree / "link").symlink_to("program")


    class Root(Text):
        def requires(self):
            return {"aside": Aside(), "tree": Tree()}

        def run(self):
            tree = self.input()["tree"].path
            self.put("root of " + self.input()["aside"].open().read() + ", " + " ".join(sorted(os.listdir(tree))))
"""


class Victim(Project):
    """A pipeline, its remote in a folder beside it unless ``settings`` name another, and a copy of both as they were before.

    ::

        folder/aside     what Aside writes
        folder/remote/   a remote
        folder/before/   data and remote as :meth:`remember` found them
        folder/steps     the steps of the last command, a line each
    """

    def __init__(self, folder: Path, warm: Warm) -> None:
        super().__init__(folder, warm)
        self.remote = folder / "remote"
        self.remote.mkdir()
        self.settings: Mapping[str, str] = {"LUISY_REMOTE": f"file://{self.remote}"}
        self.tasks(TASKS)
        self.raw("raw")
        self.aside("1")

    @property
    def environment(self) -> dict[str, str]:
        """With the remote."""
        return {**super().environment, **self.settings}

    def aside(self, text: str) -> None:
        """What ``Aside`` is to write from now on."""
        (self.folder / "aside").write_text(text)

    def complete(self, aside: str = "1") -> dict[str, Any]:
        """Run the pipeline and return all files that it must leave."""
        self.aside(aside)
        self.run()
        assert self.text("Root") == f"root of {aside}, deep link program"
        return self.outputs()

    # --- being killed

    def remember(self) -> None:
        """Make what is there now what :meth:`restore` brings back."""
        for name in ("data", "remote"):
            shutil.copytree(self.folder / name, self.folder / "before" / name, symlinks=True)

    def restore(self) -> None:
        """Bring back what :meth:`remember` found."""
        for name in ("data", "remote"):
            shutil.rmtree(self.folder / name)
            shutil.copytree(self.folder / "before" / name, self.folder / name, symlinks=True)

    def kill(self, words: Iterable[str], at: int, *, ahead: float = 0.0) -> Run:
        """``luisy`` with *words*, killed before its step *at*, if it comes that far; 0 for none.

        :param ahead: seconds that its clock is fast.
        """
        (self.folder / "steps").unlink(missing_ok=True)
        arguments = {
            "roots": [str(self.data), str(self.remote)],
            "at": at,
            "log": str(self.folder / "steps"),
            "ahead": ahead,
        }
        before = Before(str(POINTS), "arm", arguments)
        return self.warm.run(list(words), self.code, self.environment, self.folder, before)

    def prepared(self, function: str, *words: str, **arguments: Any) -> Run:
        """``luisy`` with *words*, in a process that has called a *function* of ``points.py`` before; whatever it ends with."""
        before = Before(str(POINTS), function, arguments)
        return self.warm.run(list(words), self.code, self.environment, self.folder, before)

    def luisy_whatever(self, *words: str) -> Run:
        """``luisy`` with *words*, whatever it ends with."""
        return self.warm.run(list(words), self.code, self.environment, self.folder)

    def steps(self) -> list[str]:
        """What the last command that was to be killed did, with paths below the folder."""
        return [line.replace(f"{self.folder}/", "") for line in self._log() if not line.startswith("synced ")]

    def synced(self) -> set[int]:
        """The inodes of the files that the last command that was to be killed brought to the disk."""
        return {int(line.split()[1]) for line in self._log() if line.startswith("synced ")}

    def steps_until_synced(self) -> int:
        """How many steps the last command took before it first brought everything to the disk."""
        log = self._log()
        return sum(not line.startswith("synced ") for line in log[: log.index("synced 0")])

    def _log(self) -> list[str]:
        return (self.folder / "steps").read_text(errors="surrogateescape").splitlines()

    # --- afterwards

    def assert_sound(self) -> None:
        """``verify`` finds nothing wrong."""
        done = self.luisy("cas", "verify", "--json", expected=0)
        assert done.document["problems"] == []

    def results(self) -> set[str]:
        """The contents of all results in the store."""
        return _results_in(self.store)

    def left_behind(self) -> list[str]:
        """Files of luisy's in the workspace, outside of its store, that are nobody's output."""
        return [str(path) for path in self.data.rglob(".luisy-*")]

    # --- the remote, as a machine with an empty store sees it

    def remote_results(self) -> set[str]:
        """The contents of all results in the remote."""
        listed = self._elsewhere("ls", "--remote", "--json") if self._has_remote else None
        return {one["manifest"] for one in listed.document["actions"]} if listed else set()

    def remote_holds(self) -> dict[str, int]:
        """How many segments, objects and bytes of them are in the remote, blobs that nothing tells of, and tombstones."""
        if not self._has_remote:
            return {}
        found = self._elsewhere("verify", "--remote", "--json", expected=None).document
        counts: dict[str, int] = {name: found[name] for name in ("segments", "objects", "bytes")}
        tombstones = sum(
            path.is_file() for path in self.remote.glob("*/.luisy/v1/gc/*~*") if path.name[0] != "~"
        )
        return {**counts, "orphans": found["orphans"]["blobs"], "tombstones": tombstones}

    def assert_remote_sound(self) -> None:
        """``verify --remote`` finds nothing wrong."""
        if self._has_remote:
            assert self._elsewhere("verify", "--remote", "--json").document["problems"] == []

    def assert_remote_gives(self, expected: set[str]) -> None:
        """An empty store gets these results, and they are sound."""
        if self._has_remote:
            self.assert_remote_sound()
            self._elsewhere("pull", "--all")
            assert _results_in(self.folder / "elsewhere") == expected
            assert self._elsewhere("verify", "--json").document["problems"] == []
            shutil.rmtree(self.folder / "elsewhere")

    def pass_time_in_remote(self, seconds: float) -> None:
        """Let so many seconds pass by the remote's clock: everything in it is so much older."""
        for path in self.remote.rglob("*") if seconds else ():
            modified = path.stat().st_mtime - seconds
            os.utime(path, (modified, modified))

    @property
    def _has_remote(self) -> bool:
        return any(self.remote.iterdir())

    def _elsewhere(self, *words: str, expected: int | None = 0) -> Run:
        """``luisy cas`` with *words*, as another machine would, which has a store only if that pulls."""
        done = self.luisy_whatever("cas", *words, "--store", str(self.folder / "elsewhere"))
        assert expected in (None, done.code), done.stderr
        return done


def _results_in(store: Path) -> set[str]:
    """The contents of all results in a store; none where there is no index, or an empty one."""
    try:
        with closing(sqlite3.connect(f"file:{store}/index.db?mode=rw", uri=True)) as index:
            return {row[0].hex() for row in index.execute("SELECT manifest FROM actions")}
    except sqlite3.OperationalError:
        return set()
