"""luisy 1.x's names for settings: a facade of ``luisy.settings`` with nothing of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from luisy import settings
from luisy.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Config", "activate_download", "set_working_dir"]


class Config:
    """The settings of this process; every instance shows the same."""

    @property
    def config(self) -> dict[str, Any]:
        """All settings but the secret ones, by name."""
        return {name: self.get_param(name) for name in settings.NAMES if name not in settings.SECRETS}

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

    def get_param(self, param: str) -> Any:
        """The value of a setting.

        :raises UsageError: slug ``unknown-setting``.
        """
        if param not in settings.NAMES:
            raise UsageError(
                f"unknown setting {param}", slug="unknown-setting", hint=f"known: {', '.join(settings.NAMES)}"
            )
        return getattr(settings.current(), param)

    def set_param(self, name: str, val: object) -> None:
        """Set one setting for this process; None takes it back."""
        settings.override(**{name: val})

    def update(self, params: Mapping[str, object]) -> None:
        """Set several."""
        settings.override(**params)

    def reset(self) -> None:
        """Back to what files and the environment say."""
        settings.reset()

    def check_params(self) -> None:
        """Raise a ``UsageError`` if no working dir is set."""
        _ = self.working_dir


def set_working_dir(working_dir: str) -> None:
    """Let results lie below *working_dir*, for this process."""
    settings.override(working_dir=working_dir)


def activate_download() -> None:
    """Let results come from the remote, for this process; ``read()`` of a task fetches what it reads."""
    from luisy.runner.source import install

    settings.override(download=True)
    install()
