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
    settings.reset()
    source = set_result_source(None)
    yield
    settings.reset()
    set_result_source(source)


def test_set_working_dir(tmp_path: Path) -> None:
    """``set_working_dir`` counts at once, for every Config and for tasks."""
    luisy.set_working_dir(str(tmp_path))
    assert luisy.Config().working_dir == settings.current().working_dir == str(tmp_path)


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
    """Names that are no settings can be neither read nor set."""
    for act in (lambda: luisy.Config().get_param("spork"), lambda: luisy.Config().set_param("spork", 1)):
        with pytest.raises(UsageError, match="spork") as caught:
            act()
        assert caught.value.slug == "unknown-setting"


def test_no_working_dir() -> None:
    """Without a working dir, asking for it and ``check_params`` say how to set it."""
    for act in (lambda: luisy.Config().working_dir, luisy.Config().check_params):
        with pytest.raises(UsageError) as caught:
            act()
        assert caught.value.slug == "no-working-dir"
        assert "set_working_dir" in caught.value.hint


def test_the_whole_config_holds_no_secret() -> None:
    """``config`` shows every setting that is no secret."""
    assert set(luisy.Config().config) == set(settings.NAMES) - settings.SECRETS
