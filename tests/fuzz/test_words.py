"""Words that people and files give: settings, prefixes, URLs, names, parameter values. An error that says so, or a value."""

from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING

import luigi
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from luisy import settings
from luisy.cas import Store, browsing
from luisy.cas.remote.credentials import Credentials
from luisy.cas.remote.opening import open_remote
from luisy.cas.remote_names import Namespace
from luisy.cli.cas.names import filters, names_in
from luisy.errors import LuisyError
from luisy.runner.pipeline.commandline import parsed_task
from tests.fuzz.bounds import answer, fuzzed
from tests.fuzz.changes import changed, texts
from tests.unit.cas.exported import fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PYPROJECT = b"""[tool.luisy]
module = "pipe.tasks"
working_dir = "data"
workers = 2
max_size = "200GiB"
older_than = "30d"
read = ["file:///a", "azure://box/prefix"]
upload = true
"""
LUIGI_CFG = b"""[core]
workers = 3

[luisy]
module = pipe.tasks
working-dir = data
audit = strict
keep_last: 2
read = file:///a, azure://box
"""
LUIGI_TOML = b'[luisy]\nmodule = "pipe.tasks"\nretry_seconds = 2.5\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current directory, with nothing of luisy's in the environment."""
    for name in list(os.environ):
        if name.startswith(("LUISY_", "LUIGI_", "WORKING_DIR")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    settings.reset()


@pytest.mark.parametrize(
    ("name", "sample"), [("pyproject.toml", PYPROJECT), ("luigi.cfg", LUIGI_CFG), ("luigi.toml", LUIGI_TOML)]
)
@given(data=st.data())
@fuzzed(80)
def test_changed_configuration_files(folder: Path, name: str, sample: bytes, data: st.DataObject) -> None:
    """A file of settings that somebody has mistyped, or that is no text, is named with what is wrong."""
    (folder / name).write_bytes(data.draw(changed([sample])))
    answer(settings.load)


@given(st.sampled_from(settings.NAMES), texts)
@example("max_size", "1e400")
@example("max_size", "nan")
@example("older_than", "infd")
@example("workers", "9" * 5000)
@example("older_than", "1e308w")
@fuzzed(200)
def test_values_of_settings(folder: Path, name: str, value: str) -> None:
    """Whatever a flag or variable says; of secrets nothing is repeated."""
    found = answer(lambda: settings.load({name: value}))
    if isinstance(found, LuisyError) and name in settings.SECRETS and len(value) > 4:
        assert value not in str(found)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with some results."""
    folder = tmp_path_factory.mktemp("words")
    with Store.open(folder / "store") as opened:
        fill(opened, folder / "workspace")
        yield opened


@given(texts | st.text("0123456789abcdefABCDEFxX", max_size=70))
@example("\u0966" * 7)
@example("\u0660" * 64)
@example("0" * 63 + "\n")
@example("\ud800")  # was a UnicodeEncodeError
@fuzzed(200)
def test_names_of_results(store: Store, name: str) -> None:
    """A prefix, a task or rubbish: what it means, several, or nothing."""
    answer(lambda: browsing.by_name(store, name))
    answer(lambda: store.find(name))
    answer(lambda: store.list_actions(family=name))


@given(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(
            ["azure://", "file://", "file:///", "memory:", "http://", "", "AZURE://", "file:", "azure:/"]
        ),
        texts | st.text("abc-$/%?#@.0", max_size=20),
        st.sampled_from(["", "?sig=SECRETSECRET", "#x", "@host", "/../..", "\n"]),
    )
)
@example("azure://box/\ud800")
@example("file:///%00")
@example("file:///%ff")
@fuzzed(200)
def test_urls(url: str) -> None:
    """A remote, or an error that repeats no token."""
    found = answer(lambda: open_remote(url, credentials=Credentials("account", "a2V5", "", "", "")))
    if isinstance(found, LuisyError):
        assert "SECRETSECRET" not in found.text


@given(texts)
@fuzzed(60)
def test_projects_have_a_place_in_a_remote(project: str) -> None:
    """Whatever a project is called, its folder is one part of a path that stays where it is."""
    found = answer(lambda: Namespace(project).folder)
    if isinstance(found, str):
        assert "/" not in found
        assert found not in ("", ".", "..")
        assert "\0" not in found


words = st.lists(
    texts | st.sampled_from(["Clean", "--year", "--year=1", "--", "-", "--=", "--all"]), max_size=5
)


@given(words)
@fuzzed(100)
def test_words_of_the_store_commands(given_words: list[str]) -> None:
    """A task with parameters, several names, or a usage error."""
    answer(lambda: filters(given_words))
    answer(lambda: names_in(given_words))


class Fuzzed(luigi.Task):
    """Has a parameter of every kind."""

    number = luigi.IntParameter(default=1)
    real = luigi.FloatParameter(default=1.0)
    flag = luigi.BoolParameter(default=False)
    day = luigi.DateParameter(default=dt.date(2026, 1, 1))
    hour = luigi.DateHourParameter(default=dt.datetime(2026, 1, 1))  # noqa: DTZ001 - as Luigi has it
    span = luigi.TimeDeltaParameter(default=dt.timedelta(1))
    several = luigi.ListParameter(default=())
    pairs: luigi.DictParameter = luigi.DictParameter(default={})
    some = luigi.TupleParameter(default=())
    text = luigi.Parameter(default="")
    choice = luigi.ChoiceParameter(choices=["a", "b"], default="a")
    between = luigi.NumericalParameter(var_type=int, min_value=0, max_value=9, default=1)


_HARD = ["9" * 5000, "1e999", "nan", "0001-01-01", "9999-12-31T23", "P9999999999D", "99999999 weeks", "[" * 2000, "{" * 2000,
         '{"a": ' * 900, "((1,2),(3,4))", "(" * 300, "__import__('os').system('false')"]  # fmt: skip


@given(
    st.sampled_from(
        [
            *[
                "number",
                "real",
                "flag",
                "day",
                "hour",
                "span",
                "several",
                "pairs",
                "some",
                "text",
                "choice",
                "between",
            ]
        ]
    ),
    texts | st.sampled_from(_HARD),
    st.sampled_from(["--{0}={1}", "--Fuzzed-{0}={1}"]),
)
@fuzzed(120)
def test_values_of_parameters(name: str, value: str, spelling: str) -> None:
    """Luigi's parsers are asked, and what they raise becomes an error that names the parameter."""

    def parsed() -> object:
        with parsed_task(["Fuzzed", spelling.format(name, value)]) as task:
            return task.task_id

    answer(parsed)
