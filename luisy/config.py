"""luisy 1.x's names for settings: a facade of ``luisy.settings``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

from luisy import settings, spark
from luisy.errors import LuisyError, UsageError
from luisy.gone import attributes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Config",
    "activate_download",
    "add_working_dir",
    "change_working_dir",
    "get_default_params",
    "pass_args",
    "remove_working_dir",
    "set_working_dir",
]

_OF_LUISY_1: Mapping[str, object] = {"dry_run": False, "hash_update_mode": False, "spark": None}
_SPARK = "spark"
# luisy 1.x let pipelines keep values of their own in the configuration; nothing of luisy reads them.
_own: dict[str, object] = {}


class ConfigError(UsageError, ValueError):
    """What was asked of the configuration makes no sense (a ``ValueError``, as in luisy 1.x)."""

    slug = "unknown-setting"


class Config:
    """The settings of this process. It holds none of them itself; as in luisy 1.x, there is one object of it."""

    _only: ClassVar[Config | None] = None

    def __new__(cls) -> Config:  # noqa: PYI034 - Python 3.10 has no Self
        """The one object."""
        if Config._only is None:
            Config._only = object.__new__(cls)
        return Config._only

    @property
    def config(self) -> dict[str, Any]:
        """All settings but the secret ones, and the pipeline's own values, by name."""
        shown = {name: self.get_param(name) for name in settings.NAMES if name not in settings.SECRETS}
        return {**shown, **_OF_LUISY_1, **_own, _SPARK: spark.configured()}

    @property
    def working_dir(self) -> str:
        """The working dir; a ``UsageError`` says how to set it where there is none."""
        return settings.current().required_working_dir

    @property
    def download(self) -> bool:
        """Whether results may come from the remote."""
        return settings.current().download

    @property
    def upload(self) -> bool:
        """Whether results go to the remote."""
        return settings.current().upload

    @property
    def spark(self) -> Any:
        """The session that is active in this process, else what ``set_param("spark", ...)`` was given, else None."""
        found = spark.active()
        return spark.configured() if found is None else found

    def get_param(self, param: str) -> Any:
        """The value of a setting, or of what the pipeline has set by itself.

        :raises ConfigError: slug ``unknown-setting``.
        """
        if param in settings.NAMES:
            return getattr(settings.current(), param)
        try:
            return {**_OF_LUISY_1, **_own, _SPARK: spark.configured()}[param]
        except KeyError:
            raise ConfigError(
                f"unknown setting {param}", hint=f"known: {', '.join((*settings.NAMES, *_own))}"
            ) from None

    def set_param(self, name: str, val: object) -> None:
        """Set one setting for this process; None takes it back. Other names are kept for the pipeline's own use."""
        if name == _SPARK:
            spark.configure(val)
            return
        if name not in settings.NAMES:
            _own[name] = val
            return
        settings.override(**{name: val})
        if name == "download" and self.download:
            activate_download()

    def update(self, params: Mapping[str, object]) -> None:
        """Set several."""
        for name, value in params.items():
            self.set_param(name, value)

    def init(self) -> None:
        """Nothing to do: luisy 1.x connected to Azure here, now that happens when it is needed."""

    def reset(self) -> None:
        """Back to what files and the environment say."""
        settings.reset()
        spark.configure(None)
        _own.clear()

    def check_params(self) -> None:
        """Raise a ``ConfigError`` if no working dir is set, or no remote though one is to be used."""
        from luisy.runner.remote.remotes import default_url

        now = settings.current()
        try:
            _ = now.required_working_dir
            if now.uses_remote and not now.read and not now.write:
                default_url(now)
        except LuisyError as error:
            raise ConfigError(error.text, slug=error.slug, hint=error.hint) from error


def get_default_params(raw: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 - luisy 1.x's signature
    """Every setting with its default.

    :param raw: with those that are None, too.
    """
    defaults = {**{name: getattr(settings.Settings(), name) for name in settings.NAMES}, **_OF_LUISY_1}
    return {name: value for name, value in defaults.items() if raw or value is not None}


def pass_args(args: Mapping[str, object]) -> None:
    """Set several settings for this process."""
    Config().update(args)


def set_working_dir(working_dir: str) -> None:
    """Let results lie below *working_dir*, for this process."""
    settings.override(working_dir=working_dir)


def activate_download() -> None:
    """Let results come from the remote, for this process; ``read()`` of a task fetches what it reads."""
    from luisy.runner.source import install

    settings.override(download=True)
    install()


def remove_working_dir(path: str) -> str:
    """*path* from the working dir on: ``/project/raw/file.csv``."""
    return change_working_dir(path, settings.current().required_working_dir, "")


def add_working_dir(path: str) -> str:
    """*path*, which begins at the working dir, as a whole path."""
    return os.path.join(settings.current().required_working_dir, path.lstrip("/"))


def change_working_dir(path: str, dir_current: str, dir_new: str) -> str:
    """*path* below *dir_new* as it lies below *dir_current*; with an empty *dir_new* it begins with a slash.

    :raises ConfigError: slug ``outside-working-dir``.
    """
    inside = os.path.join(os.path.normpath(dir_current), "")
    if not path.startswith(inside):
        raise ConfigError(
            f"{path} does not lie in {dir_current}",
            slug="outside-working-dir",
            hint="give a path below the working dir",
        )
    rest = path[len(inside) :].lstrip("/")
    return os.path.join(os.path.normpath(dir_new), rest) if dir_new else f"/{rest}"


if not TYPE_CHECKING:  # for type checkers, what is not there is not there
    __getattr__ = attributes_of(__name__)
