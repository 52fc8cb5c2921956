"""The facade for luisy 1.x's configuration shows and sets what ``luisy.settings`` holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import luisy
from luisy import settings
from luisy.errors import UsageError
from luisy.tasks import set_result_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def untouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No setting of this machine or of another test is seen, and none stays."""
    monkeypatch.chdir(tmp_path)
    for name in settings.NAMES:
        for variable in settings.environment_names(name):
            monkeypatch.delenv(variable, raising=False)
    luisy.Config().reset()
    source = set_result_source(None)
    yield
    luisy.Config().reset()
    set_result_source(source)


def test_set_working_dir(tmp_path: Path) -> None:
    """``set_working_dir`` counts at once, for every Config and for tasks."""
    luisy.set_working_dir(str(tmp_path))
    assert luisy.Config().working_dir == settings.current().working_dir == str(tmp_path)


def test_there_is_one_config() -> None:
    """``Config()`` is the same object each time, as in luisy 1.x."""
    assert luisy.Config() is luisy.Config()


def test_activate_download() -> None:
    """``activate_download`` switches downloads on."""
    assert not luisy.Config().download
    luisy.activate_download()
    assert luisy.Config().download
    assert settings.current().download


def test_set_get_update_reset() -> None:
    """Single settings, several, and back again."""
    config = luisy.Config()
    config.set_param("upload", val=True)
    config.update({"no_ask": True})
    assert (config.upload, config.get_param("no_ask")) == (True, True)
    config.reset()
    assert (config.upload, config.get_param("no_ask")) == (False, False)


def test_unknown_settings_are_errors() -> None:
    """What was never set cannot be read; it is a ValueError as in luisy 1.x."""
    with pytest.raises(ValueError, match="spork") as caught:
        luisy.Config().get_param("spork")
    assert isinstance(caught.value, UsageError)
    assert caught.value.slug == "unknown-setting"


def test_a_pipeline_keeps_values_of_its_own() -> None:
    """Names that are no settings can be set and read, until the reset."""
    luisy.Config().update({"spork": 1, "upload": True})
    assert luisy.Config().get_param("spork") == luisy.Config().config["spork"] == 1
    luisy.Config().reset()
    assert "spork" not in luisy.Config().config


@pytest.mark.parametrize(
    ("name", "value"), [("dry_run", False), ("hash_update_mode", False), ("spark", None)]
)
def test_what_only_luisy_1_knew(name: str, value: object) -> None:
    """Parameters of luisy 1.x that are no settings any more have their defaults of then."""
    assert luisy.Config().get_param(name) is value


def test_default_params() -> None:
    """Every setting has its default there, and those that are None can be left out."""
    everything = luisy.config.get_default_params()
    assert everything["working_dir"] is None
    assert everything["download"] is False
    assert "working_dir" not in luisy.config.get_default_params(raw=False)


def test_set_param_download_lets_read_fetch(tmp_path: Path) -> None:
    """``set_param("download", True)`` is ``activate_download()``."""
    luisy.Config().update({"working_dir": str(tmp_path), "download": True})
    assert set_result_source(None) is not None


def test_check_params_wants_a_remote(tmp_path: Path) -> None:
    """With download on and no remote set, ``check_params`` says what is missing, as a ValueError."""
    luisy.Config().update({"working_dir": str(tmp_path), "download": True})
    with pytest.raises(ValueError, match="LUISY_AZURE_ACCOUNT_NAME"):
        luisy.Config().check_params()
    luisy.Config().set_param("remote", f"file://{tmp_path}")
    luisy.Config().check_params()


def test_paths_with_and_without_the_working_dir(tmp_path: Path) -> None:
    """A path can be cut off at the working dir, put there, and moved to another one."""
    luisy.set_working_dir(str(tmp_path))
    whole = f"{tmp_path}/shop/raw/a.csv"
    assert luisy.config.remove_working_dir(whole) == "/shop/raw/a.csv"
    assert luisy.config.add_working_dir("/shop/raw/a.csv") == whole
    assert luisy.config.change_working_dir(whole, str(tmp_path), "/mnt/") == "/mnt/shop/raw/a.csv"


def test_a_path_outside_the_working_dir(tmp_path: Path) -> None:
    """A path that only begins like the working dir does not lie in it."""
    luisy.set_working_dir(str(tmp_path))
    with pytest.raises(ValueError, match="does not lie in") as caught:
        luisy.config.remove_working_dir(f"{tmp_path}2/a.csv")
    assert isinstance(caught.value, UsageError)
    assert caught.value.slug == "outside-working-dir"


def test_no_working_dir() -> None:
    """Without a working dir, asking for it and ``check_params`` say how to set it."""
    for act in (lambda: luisy.Config().working_dir, luisy.Config().check_params):
        with pytest.raises(UsageError) as caught:
            act()
        assert caught.value.slug == "no-working-dir"
        assert "set_working_dir" in caught.value.hint


def test_the_whole_config_holds_no_secret() -> None:
    """``config`` shows every setting that is no secret, and what only luisy 1.x knew."""
    shown = set(settings.NAMES) - settings.SECRETS
    assert set(luisy.Config().config) == shown | {"dry_run", "hash_update_mode", "spark"}


def test_a_working_dir_as_spark_spells_it() -> None:
    """On Databricks, ``dbfs:/x`` is what Python finds at ``/dbfs/x``."""
    luisy.set_working_dir("dbfs:/FileStore/wd")
    assert luisy.Config().working_dir == "/dbfs/FileStore/wd"


def test_cloud_mode_means_nothing() -> None:
    """``cloud_mode`` of luisy 1.x can be set and read."""
    luisy.Config().set_param("cloud_mode", val=True)
    assert luisy.Config().get_param("cloud_mode") is True
