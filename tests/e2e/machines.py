"""Machines of one pipeline: processes with a workspace and a store of their own, and a remote between them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from luisy.cas.remote.credentials import Credentials


def settings_of(container: str, credentials: Credentials) -> dict[str, str]:
    """The environment variables that name *container* and open it; what fails is tried again without delay."""
    values = {
        "LUISY_REMOTE": f"azure://{container}",
        "LUISY_RETRY_SECONDS": "0.5",
        "LUISY_AZURE_ACCOUNT_NAME": credentials.account_name,
        "LUISY_AZURE_STORAGE_KEY": credentials.storage_key,
        "LUISY_AZURE_SAS_TOKEN": credentials.sas_token,
        "LUISY_AZURE_CONNECTION_STRING": credentials.connection_string,
        "LUISY_AZURE_ENDPOINT": credentials.endpoint,
    }
    return {name: value for name, value in values.items() if value}


@dataclass(frozen=True, slots=True)
class Said:
    """What a process said and how it ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The JSON on stdout."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    @property
    def outcomes(self) -> dict[str, str]:
        """Outcome by family."""
        return {task["family"]: task["outcome"] for task in self.document["tasks"]}


@dataclass
class Machine:
    """One machine.

    :param root: its folder: ``code``, ``data`` (the workspace), and ``trail``, to which tasks write what they ran.
    :param settings: environment variables.
    """

    root: Path
    tasks: str
    settings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Write the pipeline's code."""
        package = self.root / "code" / "pipe"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "tasks.py").write_text(self.tasks)
        (self.root / "data").mkdir()

    @property
    def environment(self) -> dict[str, str]:
        """The variables of its processes: nothing of luisy's is inherited."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("LUISY_")}
        return {
            **inherited,
            "WORKING_DIR": str(self.root / "data"),
            "LUISY_MODULE": "pipe.tasks",
            "TRAIL": str(self.root / "trail"),
            **self.settings,
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start ``luisy ...``."""
        return subprocess.Popen(
            [sys.executable, "-m", "luisy", *arguments],
            cwd=self.root / "code",
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def luisy(self, *arguments: str) -> Said:
        """What ``luisy ...`` said."""
        process = self.start(*arguments)
        stdout, stderr = process.communicate()
        return Said(process.returncode, stdout, stderr)

    def run(self, *arguments: str) -> Said:
        """What ``luisy run --json ...`` said."""
        return self.luisy("run", "--json", *arguments)

    @property
    def ran(self) -> list[str]:
        """The tasks that were executed, in order."""
        trail = self.root / "trail"
        return trail.read_text().split() if trail.exists() else []
