"""``luisy signing``, and what runs make of keys: from a new key to one that is revoked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.project import Done, Project


class People:
    """Users of one pipeline, each with a store and a working dir, and a remote between them."""

    def __init__(self, project: Project) -> None:
        self.project = project
        for name in ("remote/ci", "remote/people"):
            (project.folder / name).mkdir(parents=True)
        self.remote = project.folder.joinpath("remote").as_uri()

    def key(self, name: str) -> str:
        """A new key in a file of this name; its public part."""
        done = self.project.luisy("signing", "generate", str(self.project.folder / name), "--json")
        public: str = done.document["public_key"]
        return public

    def says(self, who: str, *words: str, **settings: str) -> Done:
        """What ``luisy`` says to one of them."""
        names = {f"LUISY_{name.upper()}": value for name, value in settings.items()}
        return self.project.luisy(*words, "--store", f"stores/{who}", LUISY_REMOTE=self.remote, **names)

    def counts(self, who: str, *words: str, **settings: str) -> dict[str, Any]:
        """How many tasks of a run had which outcome."""
        for path in self.project.data.glob("pipe/[fi]*/*"):
            path.unlink()
        done = self.says(who, "run", "Both", "--json", *words, **settings)
        assert done.code == 0, done.err
        found: dict[str, Any] = done.document["counts"]
        return found


@pytest.fixture
def people(project: Project) -> People:
    return People(project)


def test_a_key_s_life(people: People) -> None:
    """Made, used, trusted, joined by another one, and revoked: a result is a hit exactly while its key is trusted."""
    old, new = people.key("old"), people.key("new")
    people.counts("ci", "--upload", signing_key="old")
    assert people.counts("a", "--download", trusted_keys=old)["executed"] == 0
    assert people.counts("b", "--download", trusted_keys=new)["executed"] == 3
    both = f"{old},{new}"
    signed = people.says("ci", "signing", "resign", "--json", signing_key="new", trusted_keys=both).document
    assert (len(signed["projects"][0]["actions"]), signed["projects"][0]["left"]) == (3, [])
    assert people.counts("c", "--download", trusted_keys=new)["executed"] == 0
    listed = people.says("c", "signing", "list", "--remote", "--json", trusted_keys=new).document["keys"]
    assert {one["public_key"]: (one["trusted"], one["results"]) for one in listed} == {
        old: (False, 3),
        new: (True, 3),
    }


def test_what_nobody_trusted_made_is_told_once(people: People) -> None:
    """In one line of a run that would have had the results."""
    people.counts("somebody", "--upload")
    done = people.says("a", "plan", "Both", "--download", trusted_keys=people.key("key"))
    assert done.err.count("none of the trusted keys") == 1


def test_people_read_ci_and_write_to_their_own(people: People) -> None:
    """By prefixes, and by keys: what a person pushed counts for who trusts persons, and CI's place is CI's."""
    ci, person = people.key("ci.key"), people.key("person.key")
    places = {"read": f"{people.remote}/ci,{people.remote}/people", "write": f"{people.remote}/people"}
    of_ci = {"read": f"{people.remote}/ci", "write": f"{people.remote}/ci", "signing_key": "ci.key"}
    people.counts("ci", "--upload", "--download", trusted_keys=ci, **of_ci)
    before = files(people.project.folder / "remote/ci")
    people.project.raw("another", "word")
    trusting = {"trusted_keys": f"{ci},{person}", "signing_key": "person.key", **places}
    assert people.counts("person", "--upload", "--download", **trusting)["executed"] == 3
    assert people.counts("other", "--download", **trusting)["executed"] == 0
    assert people.counts("wary", "--download", **{**trusting, "trusted_keys": ci})["executed"] == 3
    people.project.raw("apple", "banana", "BABE")
    assert people.counts("third", "--download", **trusting)["executed"] == 0
    assert files(people.project.folder / "remote/ci") == before


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("command", [("run", "Both", "--upload"), ("cas", "push"), ("signing", "resign")])
def test_a_key_that_cannot_be_used_is_told_before_any_work(people: People, command: tuple[str, ...]) -> None:
    """Nothing is executed, nothing is pushed; a run that only downloads does not look at it."""
    people.key("key")
    (people.project.folder / "key").chmod(0o644)
    done = people.says("a", *command, signing_key="key")
    assert (done.code, done.slug) == (2, "bad-signing-key")
    assert not list(people.project.data.glob("pipe/final/*"))
    assert people.counts("a", "--download", signing_key="key")["executed"] == 3


@pytest.mark.parametrize("keys", ["", ",", "0" * 63, "0" * 64 + ",none", "z" * 64])
def test_trusted_keys_are_never_empty_by_mistake(people: People, keys: str) -> None:
    """A variable that came out empty does not mean that everybody is trusted."""
    done = people.project.luisy("signing", "list", "--trusted-keys", keys)
    assert (done.code, done.slug) == (2, "bad-setting")


def test_a_key_in_place_of_its_path_is_not_repeated(people: People) -> None:
    """It was meant to stay secret."""
    people.key("key")
    pem = (people.project.folder / "key").read_text()
    done = people.says("a", "cas", "push", signing_key=pem)
    assert (done.code, done.slug) == (2, "bad-setting")
    assert not any(line in done.out + done.err for line in pem.split("\n")[1:2])


def test_a_new_key_goes_to_the_user_s_configuration(people: People) -> None:
    """Unless it is told where; there is never one written over."""
    home = {"XDG_CONFIG_HOME": str(people.project.folder / "config")}
    assert people.project.luisy("signing", "generate", "-q", **home).code == 0
    assert (people.project.folder / "config/luisy/signing-key").stat().st_mode & 0o777 == 0o600
    again = people.project.luisy("signing", "generate", **home)
    assert (again.code, again.slug) == (2, "signing-key-exists")


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_nothing_is_more_open_than_the_umask_lets_it(project: Project, mask: int) -> None:
    """Of store, workspace and remote; objects and records are read-only, the secret is its owner's alone."""
    (project.folder / "remote").mkdir()
    before = os.umask(mask)
    try:
        done = project.cold(
            "run", "Both", "--upload", LUISY_REMOTE=project.folder.joinpath("remote").as_uri()
        )
    finally:
        os.umask(before)
    assert done.code == 0, done.err
    raw = project.output("raw")
    modes = {
        path: path.lstat().st_mode & 0o777
        for top in (project.data, project.folder / "remote")
        for path in top.rglob("*")
        if path != raw and raw not in path.parents and path != raw.parent
    }
    assert len(modes) > 30
    assert {path: oct(mode) for path, mode in modes.items() if mode & mask} == {}
    assert {mode & 0o222 for path, mode in modes.items() if path.is_file() and _is_kept(project, path)} == {0}
    assert {modes[path] for path in modes if path.name == "secret"} <= {0o600}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o777 & ~mask}


def _is_kept(project: Project, path: Path) -> bool:
    kept = [project.store / name for name in ("objects", "actions", "records")]
    return any(folder in path.parents for folder in kept)
