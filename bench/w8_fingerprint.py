"""W8: what the fingerprints of a project's classes cost, against luisy 1.4.7's ``create_hashes``."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import INNER, Command, compare, header, note, told

if TYPE_CHECKING:
    import argparse

CLASSES = 50
REQUIREMENTS = 30
OLD_LUISY = [
    "luisy==1.4.7",
    "grpcio",
    "grpcio-status",
    "zstandard",
    "setuptools<80",
    "pipdeptree<3",
    "pandas<3",
]
"""The peer, with what it needs to run at all."""

_HELPERS = """
import json
import typing_extensions

LIMIT_{n} = {n}


def first_{n}(rows):
    return [row for row in rows if row < LIMIT_{n}]


def second_{n}(rows):
    return json.dumps(first_{n}(rows)) + str(typing_extensions.get_origin(rows))
"""
_TASK = """
class Task{n}(luigi.Task):
    size = luigi.IntParameter(default=3)

    def run(self):
        rows = second_{a}(range(self.size))
        with self.output().open("w") as stream:
            stream.write(rows + second_{b}([]))

    def output(self):
        return luigi.LocalTarget(f"{n}-{{self.size}}")
"""
_TIMED = """
import importlib, os, sys
sys.path.insert(0, {folder!r})
classes = []
for n in range({modules}):
    module = importlib.import_module(f"project.tasks_{{n}}")
    classes += [value for name, value in sorted(vars(module).items()) if name.startswith("Task")]
assert len(classes) == {classes}, len(classes)
{imports}
start = sum(os.times()[:4])
{work}
assert len(set(found)) == {classes}, found
print("{inner}", sum(os.times()[:4]) - start)
"""
_OURS = (
    "from luisy.fingerprint import Fingerprinter",
    "fingerprinter = Fingerprinter(requirements_path={path!r})\nfound = [fingerprinter.of(cls).digest for cls in classes]",
)
_OLD = (
    "from luisy.code_inspection import create_hashes",
    "found = list(create_hashes(classes, requirements_path={path!r}))",
)


def main(options: argparse.Namespace) -> None:
    """Measure and print."""
    header("W8 fingerprint")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        old = _old_python(options.peers, folder)
        project(folder, classes=CLASSES, modules=10)
        few, many = folder / "few.txt", folder / "many.txt"
        lines = _installed(old)
        few.write_text("\n".join(lines[:REQUIREMENTS]), encoding="utf-8")
        many.write_text(
            "\n".join([*lines, *(f"other-{n}==1.{n}" for n in range(10 * REQUIREMENTS))]), encoding="utf-8"
        )
        ours = _timed("luisy", sys.executable, folder, _OURS, few)
        old_way = _timed("luisy 1.4.7", old, folder, _OLD, few)
        found = compare("W8", ours, old_way, pairs=min(options.pairs, 3))
        work = found.ratio(lambda cost: cost.inner)
        note(f"CPU of the fingerprints alone, children included: {work:.3g}x, {told(work, 0.02)}")
        compare(
            "W8",
            _timed("11x the requirements", sys.executable, folder, _OURS, many),
            ours,
            pairs=options.pairs,
        )
        project(folder / "large", classes=200, modules=100)
        large = _timed(
            "200 classes, 100 modules", sys.executable, folder / "large", _OURS, few, classes=200, modules=100
        )
        found = compare("W8", large, ours, pairs=options.pairs)
        note(
            f"200 classes over 100 modules: {found.median(0, lambda cost: cost.inner):.3f} s of CPU (target 0.5)"
        )


def project(folder: Path, *, classes: int, modules: int) -> None:
    """A package ``project`` with that many task classes; each uses functions of two modules of helpers."""
    package = folder / "project"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    for n in range(modules):
        (package / f"helpers_{n}.py").write_text(_HELPERS.format(n=n), encoding="utf-8")
        own = range(n * classes // modules, (n + 1) * classes // modules)
        imports = [f"from project.helpers_{m} import second_{m}" for m in {n, (n + 1) % modules}]
        tasks = [_TASK.format(n=number, a=n, b=(n + 1) % modules) for number in own]
        text = "\n".join(["import luigi", *imports, *tasks])
        (package / f"tasks_{n}.py").write_text(text, encoding="utf-8")


def _timed(  # noqa: PLR0917  # what differs between the sides
    name: str,
    python: str,
    folder: Path,
    how: tuple[str, str],
    requirements: Path,
    classes: int = CLASSES,
    modules: int = 10,
) -> Command:
    imports, work = how
    code = _TIMED.format(
        folder=str(folder),
        classes=classes,
        modules=modules,
        imports=imports,
        work=work.format(path=str(requirements)),
        inner=INNER,
    )
    return Command(name, [python, "-c", code], cwd=folder)


def _old_python(peers: Path | None, folder: Path) -> str:
    """The Python of luisy 1.4.7: of the venv ``<peers>/luisy147``, which is made if it is not there."""
    venv = (peers or folder).absolute() / "luisy147"
    python = str(venv / "bin" / "python")
    if not venv.exists():
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *OLD_LUISY], check=True)
    return python


def _installed(python: str) -> list[str]:
    done = subprocess.run([python, "-m", "pip", "freeze"], stdout=subprocess.PIPE, text=True, check=True)
    return [line for line in done.stdout.splitlines() if "==" in line and not line.startswith("luisy")]
