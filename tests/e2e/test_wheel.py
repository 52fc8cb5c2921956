"""The wheel, installed with its dependencies and nothing of this checkout, does the whole job."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    """Standard output of a command that must succeed."""
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def install(environment: Path, *requirements: str | Path) -> Path:
    """The interpreter of a new environment with *requirements*; by uv where it is there, since that is faster."""
    python = environment / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    if uv.exists():
        run(uv, "venv", "--quiet", "--python", sys.executable, environment)
        run(uv, "pip", "install", "--quiet", "--python", python, *requirements)
    else:
        run(sys.executable, "-m", "venv", environment)
        run(python, "-m", "pip", "install", "--quiet", *requirements)
    return python


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder)
    (built,) = folder.glob("luisy-*.whl")
    return built


def test_the_wheel_has_the_migrations_and_no_other_package(wheel: Path) -> None:
    """Every migration travels in ``luisy/cas/_migrations``, and nothing lands beside ``luisy``."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        migrations = {
            Path(name).name: archive.read(name) for name in names if name.startswith("luisy/cas/_migrations/")
        }
    assert migrations == {path.name: path.read_bytes() for path in (ROOT / "migrations").iterdir()}
    assert migrations
    assert {"luisy/py.typed", "luisy/visualize/page.html"} <= set(names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"luisy"}


def test_luisy_imports_without_any_extra(wheel: Path, tmp_path: Path) -> None:
    """With the wheel and what it depends on, ``import luisy`` and the command work; pandas is not there."""
    python = install(tmp_path / "alone", wheel)
    found = run(python, "-c", "import luisy; print(luisy.__file__)", cwd=tmp_path)
    assert Path(found.strip()).is_relative_to(tmp_path / "alone")
    assert "pandas" not in run(python, "-c", "import sys, luisy; print(*sys.modules)", cwd=tmp_path)
    assert run(python.with_name("luisy"), "--version", cwd=tmp_path).startswith("luisy")


def test_the_example_runs_on_the_wheel(wheel: Path, tmp_path: Path) -> None:
    """The demo, all six runs, in an environment that knows nothing of this checkout."""
    python = install(tmp_path / "example", wheel, "pandas", "vega_datasets")
    shutil.copytree(ROOT / "examples" / "weather", tmp_path / "weather")
    said = run(python, tmp_path / "weather" / "demo.py", tmp_path / "demo", cwd=tmp_path)
    assert "6. back to the first code" in said
