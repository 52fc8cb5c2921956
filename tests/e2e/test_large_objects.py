"""Objects of gigabytes pass in bounded memory, both ways."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from luisy.cas import Store
from tests.azurite import Azurite
from tests.e2e.machines import settings_of
from tests.unit.cas.values import action

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.soak

_GIB = 1 << 30
_SIZE = int(float(os.environ.get("SOAK_GIB", "2")) * _GIB)
"""Bytes of the object; on disk it is there three times."""

_BOUND = 300 << 20
"""Bytes that a process may hold."""


@dataclass(frozen=True)
class Place:
    """A remote, by the environment variables that name it."""

    folder: Path
    settings: Mapping[str, str]

    def peak(self, store: str, *arguments: str) -> int:
        """The most bytes of memory that ``luisy cas ...`` held."""
        environment = {**os.environ, **self.settings, "LUISY_STORE": str(self.folder / store)}
        process = subprocess.Popen(
            [sys.executable, "-m", "luisy", "cas", *arguments], env=environment, cwd=self.folder
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return usage.ru_maxrss << 10


@pytest.fixture(params=["directory", "azure"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """An empty remote; what was put into it is removed again, since it is large."""
    if request.param == "azure":
        azurite = Azurite(tmp_path / "azurite")
        azurite.start()
        yield Place(tmp_path, settings_of(azurite.new_container(), azurite.credentials))
        azurite.kill()
    else:
        (tmp_path / "remote").mkdir()
        yield Place(tmp_path, {"LUISY_REMOTE": f"file://{tmp_path / 'remote'}"})
    subprocess.run(["rm", "-rf", *tmp_path.iterdir()], check=True)


def _result(folder: Path, size: int, *, compressible: bool) -> None:
    """A store with a result of one file. What repeats lies farther apart than a compressor looks."""
    block = os.urandom(4096) * 2048 if compressible else os.urandom(8 << 20)
    path = folder / "output"
    with path.open("wb") as file:
        for number in range(-(-size // len(block))):
            file.write(number.to_bytes(8, "big") + block[8:])
        file.truncate(size)
    with Store.open(folder / "one") as store:
        store.record(action(store.keep([(b"", str(path))]), 1, inputs=()))
    path.unlink()


def _in_a_child(job: Callable[[], None]) -> None:
    """Do it in a process of its own: what one held before it started another counts as held by that, too."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            job()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("compressible", [False, True], ids=["as it is", "compressed"])
def test_a_large_object_passes_in_bounded_memory(place: Place, compressible: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    """Push and pull hold less than 300 MiB, whatever its size, and it arrives as it was."""
    _in_a_child(lambda: _result(place.folder, _SIZE, compressible=compressible))
    up = place.peak("one", "push")
    down = place.peak("two", "pull", "--all")
    print(f"\nof {_SIZE} bytes at most {up >> 20} MiB up, {down >> 20} MiB down were held")  # noqa: T201 - pytest -s
    assert max(up, down) < _BOUND
    with Store.open(place.folder / "two") as store:
        (listed,) = store.list_actions()
        (manifest,) = store.manifests([listed.manifest]).values()
        assert (manifest.size, store.check(manifest.objects)) == (_SIZE, set(manifest.objects))
