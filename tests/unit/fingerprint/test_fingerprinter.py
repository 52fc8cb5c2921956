"""The public face: stability, freshness, packages, errors."""

from __future__ import annotations

import importlib
import json
import linecache
import os
import subprocess
import sys
import types
from typing import TYPE_CHECKING, Any

import luigi
import pytest

from luisy.errors import UsageError
from luisy.fingerprint import Fingerprinter, FingerprintError, Place, is_project_module
from luisy.fingerprint.requirements import Requirements
from tests.unit.fingerprint.cases.table import task
from tests.unit.fingerprint.corpus import WORKER, write

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = {
    "helpers.py": (
        "import enum\n\nLIMIT: float = 0.1 + 1e300\nNAMES = {'b', 'a', \"c\"}\n\n\nclass Colour(enum.Enum):\n    RED = 1\n\n\n"
        "def f(x, *args, y=(1, 2.5, None, ...), **more):\n    '''Doc.'''\n    match x:\n        case {'a': [1, *rest]}:\n"
        "            return f'{x!r:>{y[0]}} and {LIMIT:.2f}{{}}' 'tail'\n    return [z for z in NAMES if (w := z)][1:2, ::3]\n"
    ),
    "tasks.py": (
        "import luigi\nfrom .helpers import f, Colour\n\n\nclass T(luigi.Task):\n    n = luigi.IntParameter(default=-1)\n\n"
        "    def run(self):\n        return f(b'\\x00', 1j), Colour.RED, lambda *a, k=1: a[0:1]\n"
    ),
}
GOLDEN = "30241d8664f16d362b4149124529163d22275ac350a968a90ab618a86aa8b656"


def fingerprint_in_subprocess(folder: Path, cwd: Path, **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(WORKER)],
        input=json.dumps([[str(folder), "tasks:T"]]),
        capture_output=True,
        text=True,
        check=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
    )
    found: dict[str, Any] = json.loads(done.stdout)[str(folder)]
    assert "error" not in found, found
    return found


def load(monkeypatch: pytest.MonkeyPatch, root: Path, files: dict[str, str]) -> types.ModuleType:
    """Import ``pkg.tasks`` of a project with *files* under *root*; forgotten after the test."""
    write(root, files)
    monkeypatch.syspath_prepend(str(root))
    for name in [n for n in sys.modules if n.partition(".")[0] == "pkg"]:
        monkeypatch.delitem(sys.modules, name)
    __import__("pkg.tasks")
    for name in [n for n in sys.modules if n.partition(".")[0] == "pkg"]:
        monkeypatch.setitem(sys.modules, name, sys.modules[name])
    return sys.modules["pkg.tasks"]


@pytest.fixture(autouse=True)
def _forget_pkg() -> Any:
    yield
    for name in [n for n in sys.modules if n.partition(".")[0] == "pkg"]:
        del sys.modules[name]


def test_digest_is_the_golden_one(tmp_path: Path) -> None:
    """The digest of a program that uses much of the grammar is frozen, on every Python version."""
    write(tmp_path, PROJECT)
    assert fingerprint_in_subprocess(tmp_path, tmp_path)["digest"] == GOLDEN


def test_digest_ignores_checkout_cwd_and_hash_seed(tmp_path: Path) -> None:
    """Two checkouts, read from two folders under two hash seeds, have one fingerprint."""
    here, there = tmp_path / "a", tmp_path / "somewhere" / "else"
    write(here, PROJECT)
    write(there, PROJECT)
    one = fingerprint_in_subprocess(here, tmp_path, PYTHONHASHSEED="1")
    two = fingerprint_in_subprocess(there, there, PYTHONHASHSEED="4242")
    assert one["parts"] == two["parts"]
    assert one["digest"] == two["digest"]


def test_digest_does_not_depend_on_classes_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A class has the same fingerprint whether or not others were fingerprinted before it."""
    text = "import luigi\nX = 1\nclass A(luigi.Task):\n    x = X\nclass B(luigi.Task):\n    def run(self):\n        return A, X\n"
    module = load(monkeypatch, tmp_path, {"tasks.py": text})
    first = Fingerprinter()
    first.of(module.A)
    assert first.of(module.B).digest == Fingerprinter().of(module.B).digest


def test_digest_does_not_depend_on_what_classes_before_load_late(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What a module changes that only another class imports in ``run()`` does not count for this class."""
    classes = (
        "class A(luigi.Task):\n    def run(self):\n        from . import filler\n        return table.ROWS, table.MORE\n"
        "class B(luigi.Task):\n    def run(self):\n        return table.ROWS, table.MORE\n"
    )
    files = {
        "table.py": "ROWS = []\n",
        "filler.py": "from . import table\ntable.ROWS.append(1)\ntable.MORE = 1\n",
        "tasks.py": f"import luigi\nfrom . import table\n{classes}",
    }
    module = load(monkeypatch, tmp_path, files)
    first = Fingerprinter()
    first.of(module.A)
    assert first.of(module.B).digest == Fingerprinter().of(module.B).digest


def test_class_is_fingerprinted_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A second question about a class is answered from memory."""
    module = load(monkeypatch, tmp_path, PROJECT)
    fingerprinter = Fingerprinter()
    assert fingerprinter.of(module.T) is fingerprinter.of(module.T)


def test_long_chain_of_functions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A chain of 3,000 functions, and an expression of 900 terms, overflow no stack."""
    chain = (
        "".join(f"def f{n}():\n    return f{n + 1}()\n" for n in range(3000)) + "def f3000():\n    return 1\n"
    )
    terms = "S = " + " + ".join(["1"] * 900) + "\n"
    text = f"import luigi\n{chain}{terms}class T(luigi.Task):\n    def run(self):\n        return f0() + S\n"
    module = load(monkeypatch, tmp_path, {"tasks.py": text})
    assert len(Fingerprinter().of(module.T).parts) == 3004


def test_diamonds_are_walked_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Forty diamonds on top of each other have as many parts as names, not as paths."""
    text = "import luigi\ndef a40(): return 1\ndef b40(): return 2\n"
    text += "".join(f"def {s}{n}():\n    return a{n + 1}() + b{n + 1}()\n" for n in range(40) for s in "ab")
    text += "class T(luigi.Task):\n    def run(self):\n        return a0() + b0()\n"
    module = load(monkeypatch, tmp_path, {"tasks.py": text})
    assert len(Fingerprinter().of(module.T).parts) == 82 + 2


# -- files -------------------------------------------------------------------------------------------------


def test_untouched_files_are_unchanged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Files that nobody wrote to still have what was fingerprinted."""
    module = load(monkeypatch, tmp_path, PROJECT)
    fingerprinter = Fingerprinter()
    assert fingerprinter.unchanged(fingerprinter.of(module.T))


def test_touched_but_equal_file_is_unchanged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file with a new time stamp and the old bytes is the old file."""
    module = load(monkeypatch, tmp_path, PROJECT)
    fingerprinter = Fingerprinter()
    found = fingerprinter.of(module.T)
    os.utime(tmp_path / "pkg" / "helpers.py", ns=(1, 1))
    assert fingerprinter.unchanged(found)


def test_edited_file_is_not_unchanged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An edit of equal length in a module that the class reaches is noticed."""
    module = load(monkeypatch, tmp_path, PROJECT)
    fingerprinter = Fingerprinter()
    found = fingerprinter.of(module.T)
    path = tmp_path / "pkg" / "helpers.py"
    path.write_text(path.read_text().replace("1e300", "1e200"))
    assert not fingerprinter.unchanged(found)


def test_removed_file_is_not_unchanged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file that is gone does not have what was fingerprinted."""
    module = load(monkeypatch, tmp_path, PROJECT)
    fingerprinter = Fingerprinter()
    found = fingerprinter.of(module.T)
    (tmp_path / "pkg" / "helpers.py").unlink()
    assert not fingerprinter.unchanged(found)


def test_source_edited_after_import_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A function edited between import and fingerprint: the code in memory has no name on disk."""
    files = {"tasks.py": "import luigi\nclass T(luigi.Task):\n    def run(self):\n        return 1\n"}
    module = load(monkeypatch, tmp_path, files)
    (tmp_path / "pkg" / "tasks.py").write_text(files["tasks.py"].replace("return 1", "return 2"))
    with pytest.raises(FingerprintError) as caught:
        Fingerprinter(loaded_at=lambda _: 0).of(module.T)
    assert caught.value.slug == "source-changed"


@pytest.mark.parametrize(
    ("head", "body"),
    [("X = 1", "return X"), ("class X:\n    y = 1", "return X"), ("def x(z=1):\n    return z", "return x()")],
    ids=["module", "class", "default"],
)
def test_constant_edited_after_import_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, head: str, body: str
) -> None:
    """A constant edited between import and fingerprint is noticed as well, also one of a class, or a default."""
    text = task(body, head)
    module = load(monkeypatch, tmp_path, {"tasks.py": text})
    (tmp_path / "pkg" / "tasks.py").write_text(text.replace("1", "2"))
    with pytest.raises(FingerprintError):
        Fingerprinter(loaded_at=lambda _: 0).of(module.T)


def test_module_that_only_changes_a_used_name_edited_after_import_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its statements count, so it is one of the files that must hold what is loaded."""
    files = {"base.py": "X = 3\n", "late.py": "from . import base\nbase.X = 1\n"}
    module = load(
        monkeypatch, tmp_path, {**files, "tasks.py": task("return base.X", "from . import base, late")}
    )
    (tmp_path / "pkg" / "late.py").write_text(files["late.py"].replace("1", "2"))
    with pytest.raises(FingerprintError) as caught:
        Fingerprinter(loaded_at=lambda name: 0 if name == "pkg.late" else sys.maxsize).of(module.T)
    assert caught.value.slug == "source-changed"


def test_young_file_that_is_the_loaded_code_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file younger than the start counts if its functions and constants are those in memory."""
    text = "import luigi\nX = 1\nclass T(luigi.Task):\n    def run(self):\n        return X\n"
    module = load(monkeypatch, tmp_path, {"tasks.py": text})
    assert Fingerprinter(loaded_at=lambda _: 0).of(module.T).digest == Fingerprinter().of(module.T).digest


def test_a_class_is_the_same_whatever_was_asked_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What statements below a class set on it is explained by them also for the first class that is asked."""
    text = task("return self.n") + "T.n = 3\nclass Other(luigi.Task):\n    pass\n"
    module = load(monkeypatch, tmp_path, {"tasks.py": text})
    first, later = Fingerprinter(), Fingerprinter()
    later.of(module.Other)
    assert first.of(module.T).parts == later.of(module.T).parts


def test_a_module_that_was_absent_may_come(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A class is found in a module that was not there when another class was asked."""
    module = load(monkeypatch, tmp_path, {"tasks.py": task("import pkg.coming")})
    fingerprinter = Fingerprinter()
    fingerprinter.of(module.T)
    (tmp_path / "pkg" / "coming.py").write_text(task("return 1"))
    importlib.invalidate_caches()
    assert "code pkg.coming:T" in fingerprinter.of(importlib.import_module("pkg.coming").T).parts


def test_what_a_standard_base_sets_is_no_part(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the standard library sets on an enum (its tables of members) differs between Pythons."""
    head = "import enum\n\nclass Colour(enum.Enum):\n    RED = 3\n"
    text = f"import luigi\n{head}\ndef make(colour):\n    class T(luigi.Task):\n        def run(self):\n"
    text += "            return colour\n    return T\n\nT = make(Colour.RED)\n"
    parts = Fingerprinter().of(load(monkeypatch, tmp_path, {"tasks.py": text}).T).parts
    assert "code pkg.tasks:Colour" in parts
    assert not [label for label in parts if label.startswith("value pkg.tasks:Colour")]


# -- classes without source --------------------------------------------------------------------------------


def test_class_of_exec_has_no_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A class from exec() is refused, since its code stands in no file."""
    module = load(monkeypatch, tmp_path, {"tasks.py": "import luigi\n"})
    exec("class Made(luigi.Task):\n    pass\n", vars(module))
    with pytest.raises(FingerprintError) as caught:
        Fingerprinter().of(module.Made)
    assert caught.value.slug == "no-source"


def test_unnamed_class_of_type_has_no_source() -> None:
    """A class that a call of type() made, and that no module names, is refused."""
    made = type("Nameless", (luigi.Task,), {})
    with pytest.raises(FingerprintError) as caught:
        Fingerprinter().of(made)
    assert caught.value.slug == "no-source"


def test_deleted_source_is_no_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A class whose file is gone is refused."""
    module = load(monkeypatch, tmp_path, PROJECT)
    (tmp_path / "pkg" / "tasks.py").unlink()
    linecache.clearcache()
    with pytest.raises(FingerprintError):
        Fingerprinter().of(module.T)


# -- packages ----------------------------------------------------------------------------------------------

INSTALLED = {
    "thing/__init__.py": "def f():\n    return 1\n",
    "Thing_Dist-1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: Thing.Dist\nVersion: 1.2\n",
    "Thing_Dist-1.2.dist-info/RECORD": "thing/__init__.py,,\nThing_Dist-1.2.dist-info/METADATA,,\n",
    "bringer/__init__.py": "",
    "bringer-3.dist-info/METADATA": "Name: bringer\nVersion: 3\nRequires-Dist: thing-dist>=1\n",
    "bringer-3.dist-info/RECORD": "bringer/__init__.py,,\n",
    "shared/one/__init__.py": "",
    "one-5.dist-info/METADATA": "Name: one\nVersion: 5\n",
    "one-5.dist-info/RECORD": "shared/one/__init__.py,,\n",
    "shared/two/__init__.py": "",
    "two-6.dist-info/METADATA": "Name: two\nVersion: 6\n",
    "two-6.dist-info/RECORD": "shared/two/__init__.py,,\n",
}
USES_THING = {
    "tasks.py": "import luigi\nimport thing, bringer\nclass T(luigi.Task):\n    def run(self):\n        return thing.f()\n"
}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "site-packages"
    for name, text in INSTALLED.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(str(folder))
    for name in ("thing", "bringer", "shared", "shared.one", "shared.two"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return folder


@pytest.mark.usefixtures("installed")
def test_used_distribution_counts_by_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A used module counts as its distribution's version, under the distribution's name; an unused one does not."""
    module = load(monkeypatch, tmp_path / "p", USES_THING)
    assert dict(Fingerprinter().of(module.T).packages) == {"thing-dist": "1.2"}


@pytest.mark.usefixtures("installed")
def test_namespace_package_counts_by_the_part_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of two distributions that share a top-level package, the one that brings the used module counts."""
    text = "import luigi\nfrom shared import two\nclass T(luigi.Task):\n    def run(self):\n        return two.x\n"
    module = load(monkeypatch, tmp_path / "p", {"tasks.py": text})
    assert dict(Fingerprinter().of(module.T).packages) == {"two": "6"}


def test_package_of_two_distributions_counts_by_the_part_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, installed: Path
) -> None:
    """Where two distributions share a package with an ``__init__``, the one that lists the used module counts."""
    (installed / "shared" / "__init__.py").write_text("")
    for name in ("one-5", "two-6"):
        with (installed / f"{name}.dist-info" / "RECORD").open("a") as stream:
            stream.write("shared/__init__.py,,\n")
    text = "import luigi\nimport shared.two\nclass T(luigi.Task):\n    def run(self):\n        return shared.two.x\n"
    module = load(monkeypatch, tmp_path / "p", {"tasks.py": text})
    assert dict(Fingerprinter().of(module.T).packages) == {"two": "6"}


@pytest.mark.usefixtures("installed")
def test_star_import_of_a_distribution_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A name that a star import brings from an installed module counts as the module's distribution, others do not."""
    text = "import luigi\nfrom thing import *\nfrom bringer import *\nclass T(luigi.Task):\n    def run(self):\n        return len(f())\n"
    module = load(monkeypatch, tmp_path / "p", {"tasks.py": text})
    assert dict(Fingerprinter().of(module.T).packages) == {"thing-dist": "1.2"}


def test_long_chain_of_imports(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A name that 400 modules pass on, one to the other, is followed to its definition."""
    files = {f"m{n}.py": f"from .m{n + 1} import X\n" for n in range(400)}
    last_first = "".join(f"from . import m{n}\n" for n in range(400, -1, -1))
    text = f"import luigi\n{last_first}class T(luigi.Task):\n    def run(self):\n        return m0.X\n"
    module = load(monkeypatch, tmp_path, {**files, "m400.py": "X = 1\n", "tasks.py": text})
    assert "code pkg.m400:X" in Fingerprinter().of(module.T).parts


def test_editable_install_is_project_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, installed: Path
) -> None:
    """A distribution installed from a folder counts by its code."""
    (installed / "Thing_Dist-1.2.dist-info" / "direct_url.json").write_text(
        '{"url": "file:///x", "dir_info": {}}'
    )
    module = load(monkeypatch, tmp_path / "p", USES_THING)
    found = Fingerprinter().of(module.T)
    assert (dict(found.packages), "code thing:f" in found.parts) == ({}, True)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("thing.dist==1.2  # why", "1.2"),
        ("Thing_Dist>=1", "Thing_Dist>=1"),
        ("thing-dist==1.2 \\\n    --hash=sha256:abc", "1.2"),
        ("bringer==3", "bringer==3"),
        ("other==1", "1.2"),
    ],
    ids=["pin", "range", "hash", "brought", "unnamed"],
)
def test_requirement_line_stands_for_the_version(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str, expected: str
) -> None:
    """The line that names a distribution counts, else the line that brings it, else the installed version."""
    module = load(monkeypatch, tmp_path / "p", USES_THING)
    (tmp_path / "inner.txt").write_text(f"# a comment\n{line}\n")
    (tmp_path / "requirements.txt").write_text("-r inner.txt\nunrelated\n")
    found = Fingerprinter(requirements_path=str(tmp_path / "requirements.txt")).of(module.T)
    assert dict(found.packages) == {"thing-dist": expected}


def test_credentials_in_requirement_lines_do_not_count(tmp_path: Path) -> None:
    """Who fetches a distribution, and with which secret, is neither kept nor part of the fingerprint."""
    lines = (
        "luigi @ git+https://{}example.org/luigi.git@v1#egg=luigi\n--index-url https://{}example.org/simple\n"
    )
    path = tmp_path / "requirements.txt"
    found = []
    for user in ("", "ann:s3cret@", "git@"):
        path.write_text(lines.format(user, user))
        found.append(dict(Requirements(str(path)).lines))
    assert found == [{"luigi": "luigi @ git+https://example.org/luigi.git@v1#egg=luigi"}] * 3


def test_missing_requirements_file_is_told(tmp_path: Path) -> None:
    """A requirements file that is not there is an error of usage."""
    with pytest.raises(UsageError):
        Fingerprinter(requirements_path=str(tmp_path / "no.txt"))


def test_package_that_is_not_installed_is_a_part(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An optional import that failed counts: installing the package may change the result."""
    text = "import luigi\ntry:\n    import no_such_thing as n\nexcept ImportError:\n    n = None\nclass T(luigi.Task):\n    x = n\n"
    module = load(monkeypatch, tmp_path, {"tasks.py": text})
    assert Fingerprinter().of(module.T).parts["package no_such_thing"] == "absent"


# -- what else ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["json", "luigi", "pytest", "luisy"])
def test_foreign_modules_are_no_project_code(name: str) -> None:
    """The standard library, Luigi, luisy and installed distributions are not the project's."""
    assert not is_project_module(__import__(name))


def test_own_module_named_like_stdlib_is_project_code(tmp_path: Path) -> None:
    """What decides is where the file lies, not what it is called."""
    module = types.ModuleType("statistics")
    module.__file__ = str(tmp_path / "statistics.py")
    assert is_project_module(module)


def test_options_reached_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The luigi.Config classes that the code reads are reported, others are not."""
    text = "import luigi\nclass A(luigi.Config):\n    x = luigi.Parameter('1')\nclass B(luigi.Config):\n    pass\nclass T(luigi.Task):\n    def run(self):\n        return A().x\n"
    module = load(monkeypatch, tmp_path, {"tasks.py": text})
    assert Fingerprinter().of(module.T).options == (module.A,)


@pytest.mark.parametrize(
    ("asked", "option"),
    [
        ("get('section', 'name')", ("section", "name")),
        ("getint(option='name', section='section')", ("section", "name")),
        ("get('section', self.n)", ("section", "")),
        ("items('section')", ("section", "")),
    ],
)
def test_options_read_by_name_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: str, option: tuple[str, str]
) -> None:
    """Section and option of luigi.cfg that the code asks for, by place or by name; all of it where one is computed."""
    text = task(f"return get_config().{asked}", "from luigi.configuration import get_config")
    (found,) = Fingerprinter().of(load(monkeypatch, tmp_path, {"tasks.py": text}).T).read_options
    assert (found.section, found.name) == option


@pytest.mark.parametrize(
    ("asked", "lines"),
    [
        ("configuration.get_config().get(self.n, 'name')", [5]),
        ("get_config().get(self.n, 'name')", [5]),
        ("self.n.get(self.n, 'name')", []),
        ("self.n().get(self.n, 'name')", []),
        ("table().get(self.n, 'name')", []),
        ("str(self).count(self.n, 3)", []),
        ("get_config().items(self.n)", []),
        ("{}.get(self.n)", []),
    ],
)
def test_an_option_whose_section_is_computed_is_a_blind_spot(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: str, lines: list[int]
) -> None:
    """Where the parser is asked directly; other objects are asked in the same words."""
    text = task(
        f"return {asked}, get_config",
        "from luigi import configuration\nfrom luigi.configuration import get_config",
    )
    spots = Fingerprinter().of(load(monkeypatch, tmp_path, {"tasks.py": text}).T).blind_spots
    assert [spot.line for spot in spots if "luigi.cfg" in spot.text] == [line + 1 for line in lines]


def test_blind_spots_have_file_and_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What cannot be followed is named with its place; what is not reached is not."""
    text = "import luigi\ndef unused(x):\n    return getattr(x, x.y)\nclass T(luigi.Task):\n    def run(self):\n        return getattr(self, self.x)\n"
    module = load(monkeypatch, tmp_path, {"tasks.py": text})
    spots = Fingerprinter().of(module.T).blind_spots
    assert [(spot.file, spot.line) for spot in spots] == [(str(tmp_path / "pkg" / "tasks.py"), 6)]


def test_sources_are_readable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each code part has its source without docstrings, under a path that is the same in every checkout."""
    module = load(monkeypatch, tmp_path, PROJECT)
    found = Fingerprinter().of(module.T)
    (source,) = found.sources["code pkg.helpers:f"]
    assert "Doc." not in source.text
    assert (source.file, source.line) == ("pkg/helpers.py", 11)
    assert len(found.sources) == len(list(found.sources))


def test_places_are_on_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each code part has the file and the lines of the statements that make it."""
    files = {
        "tasks.py": "import luigi\nROWS = [1]\nROWS += [\n    2,\n]\nclass T(luigi.Task):\n    x = ROWS\n"
    }
    module = load(monkeypatch, tmp_path, files)
    path = str(tmp_path / "pkg" / "tasks.py")
    places = Fingerprinter().of(module.T).places["code pkg.tasks:ROWS"]
    assert places == (Place(path, 2, 2), Place(path, 3, 5))


def test_coding_cookie_is_honoured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A module that is not UTF-8 is read as Python reads it."""
    write(tmp_path, {"tasks.py": ""})
    text = "# -*- coding: latin-1 -*-\nimport luigi\nclass T(luigi.Task):\n    x = 'ä'\n"
    (tmp_path / "pkg" / "tasks.py").write_bytes(text.encode("latin-1"))
    monkeypatch.syspath_prepend(str(tmp_path))
    module = __import__("pkg.tasks").tasks
    assert "ä" in Fingerprinter().of(module.T).sources["code pkg.tasks:T"][0].text


def test_notebook_cells_are_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a notebook the executed cells are the source, and the last definition of a name counts."""

    def digest(*cells: str) -> str:
        main = types.ModuleType("__main__")
        main.In = ["", *cells]  # type: ignore[attr-defined]  # as IPython keeps them
        monkeypatch.setitem(sys.modules, "__main__", main)
        for cell in cells:
            exec("\n".join(line for line in cell.splitlines() if not line.startswith("%")), vars(main))
        return str(Fingerprinter().of(vars(main)["T"]).digest)

    head = "%matplotlib inline\nimport luigi\nX = 1"
    body = "class T(luigi.Task):\n    def run(self):\n        return X\n"
    assert digest(head, body) == digest(head, "X = 3", body, "X = 1")
    assert digest(head, body) != digest(head, body, "X = 2")


@pytest.mark.parametrize(
    ("text", "slug"), [("def f( oops", "source-changed"), (None, "no-source")], ids=["broken", "gone"]
)
def test_used_module_that_was_spoiled_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None, slug: str
) -> None:
    """A loaded module whose file was broken or removed since is never left out in silence."""
    module = load(monkeypatch, tmp_path, PROJECT)
    path = tmp_path / "pkg" / "helpers.py"
    path.write_text(text) if text else path.unlink()
    linecache.clearcache()
    with pytest.raises(FingerprintError) as caught:
        Fingerprinter().of(module.T)
    assert caught.value.slug == slug


def test_too_deep_code_counts_by_its_bytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A module nested deeper than analysis goes is a part as a whole, and a blind spot."""
    chain = "X = 3\nif X == 0:\n    Y = 0\n" + "".join(
        f"elif X == {n}:\n    Y = {n}\n" for n in range(1, 1500)
    )
    text = f"import luigi\n{chain}class T(luigi.Task):\n    def run(self):\n        return Y\n"
    found = Fingerprinter().of(load(monkeypatch, tmp_path, {"tasks.py": text}).T)
    assert ("code pkg.tasks:*" in found.parts, len(found.blind_spots)) == (True, 1)


@pytest.mark.parametrize(
    ("imported", "used"),
    [("from . import deep", "deep.f()"), ("from .deep import f", "f()"), ("from .deep import *", "f()")],
)
def test_function_of_a_module_that_is_too_deep_counts_by_its_bytes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, imported: str, used: str
) -> None:
    """However it is imported, nobody looks into its module."""
    branches = "".join(f"elif X == {n}:\n    Y = {n}\n" for n in range(1, 1500))
    files = {
        "deep.py": f"X = 3\nif X == 0:\n    Y = 0\n{branches}def f():\n    return 3\n",
        "tasks.py": task(f"return {used}", imported),
    }
    found = Fingerprinter().of(load(monkeypatch, tmp_path, files).T)
    assert "code pkg.deep:*" in found.parts


def test_rubbish_among_the_loaded_modules_is_survived(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Objects that are no modules, or whose attributes raise, crash nothing."""

    class Odd(types.ModuleType):
        def __getattr__(self, name: str) -> object:
            raise RuntimeError(name)

    monkeypatch.setitem(sys.modules, "pkg.odd", Odd("pkg.odd"))
    loaded: dict[str, object] = sys.modules  # type: ignore[assignment]  # of modules, says its type
    monkeypatch.setitem(loaded, "nothing_here", None)  # as a blocked import leaves it
    monkeypatch.setitem(loaded, "a_number", 3)  # as a careless program may
    module = load(monkeypatch, tmp_path, PROJECT)
    assert Fingerprinter().of(module.T).digest == GOLDEN


def test_what_luigi_leaves_on_classes_does_not_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Which of two related classes had an instance first is no part of their code."""
    text = "import luigi\nclass A(luigi.Task):\n    pass\nclass B(A):\n    pass\n"
    module = load(monkeypatch, tmp_path, {"tasks.py": text})
    before = [Fingerprinter().of(kind).digest for kind in (module.A, module.B)]
    module.A()
    module.B()
    assert [Fingerprinter().of(kind).digest for kind in (module.A, module.B)] == before


DECLARING = {
    "tracing.py": "def trace(x):\n    return x\n",
    "tasks.py": (
        "import luigi\nimport luisy\nfrom .tracing import trace\n\nFILES = ['a']\nLABEL = 'a'\n\n\n"
        "class T(luigi.Task):\n    def run(self):\n        return trace(LABEL)\n"
    ),
}


def declaring(decorator: str = "", **edits: str) -> dict[str, str]:
    """``DECLARING`` with a decorator at its class, and other edits."""
    files = {name: text.replace("class T", f"{decorator}class T") for name, text in DECLARING.items()}
    for old, new in edits.items():
        files = {name: text.replace(old, new) for name, text in files.items()}
    return files


@pytest.mark.parametrize(
    "decorator",
    [
        "@luisy.declares(version='1')\n",
        "@luisy.declares(files=FILES)\n",
        "@luisy.declares(env='A')\n@luisy.declares(time_to_live=5)\n",
        "@luisy.decorators.declares(uncacheable='why')\n",
    ],
)
def test_what_is_declared_is_no_code(tmp_path: Path, decorator: str) -> None:
    """``luisy.declares`` at a class leaves its fingerprint as it is, with all that only the decorator names."""
    write(tmp_path / "plain", declaring())
    write(tmp_path / "declared", declaring(decorator))
    plain, declared = (fingerprint_in_subprocess(tmp_path / name, tmp_path) for name in ("plain", "declared"))
    assert declared["parts"] == plain["parts"]


def test_a_decorator_of_that_name_of_somebody_else_counts(tmp_path: Path) -> None:
    """A decorator that is not luisy's is code, whatever it is called."""
    own = "def declares(**_):\n    return lambda c: c\n\n\n@declares(version='1')\n"
    write(tmp_path / "one", declaring(own))
    write(tmp_path / "two", declaring(own.replace("'1'", "'2'")))
    one, two = (fingerprint_in_subprocess(tmp_path / name, tmp_path) for name in ("one", "two"))
    assert one["digest"] != two["digest"]


@pytest.mark.parametrize(
    "names", ["['LABEL', 'pkg.tracing.trace']", "['LABEL', 'trace']", "['LABEL', 'pkg.tracing']"]
)
def test_ignored_names_are_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, names: str) -> None:
    """A name that a class declares to ignore is no part of its fingerprint, in whichever way it is spelled."""
    tasks = load(monkeypatch, tmp_path, declaring(f"@luisy.declares(ignore={names})\n"))
    parts = Fingerprinter().of(tasks.T).parts
    assert [label for label in parts if label.startswith("code ")] == ["code pkg.tasks:T"]


@pytest.mark.parametrize(
    "name", ["LABLE", "pkg.tracing.trcae", "tracing.trcae", "pkg.trcaing.trace", "nowhere.trace"]
)
def test_an_ignored_name_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    """A misspelled name is an error that names it, not a silent change of nothing, nor of the whole module."""
    files = declaring(f"@luisy.declares(ignore='{name}')\n", **{"FILES =": "from . import tracing\nFILES ="})
    tasks = load(monkeypatch, tmp_path, files)
    with pytest.raises(FingerprintError, match=name) as raised:
        Fingerprinter().of(tasks.T)
    assert raised.value.slug == "no-such-name"


def test_where_conditions_stand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The lines of conditions round the statements that count are told, and the folder of the import."""
    files = declaring(**{"LABEL = 'a'": "if FILES:\n    LABEL = 'a'\nelse:\n    LABEL = 'b'"})
    tasks = load(monkeypatch, tmp_path, files)
    found = Fingerprinter().of(tasks.T)
    assert [(place.first, place.last) for place in found.conditions] == [(6, 6)]
    assert found.folders == (str(tmp_path),)


def test_conditions_are_told_in_their_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each with its first and its last line."""
    head = "X = 3\nif (\n    X > 2\n):\n    Y = 1\nif X < 2:\n    Y = 2"
    found = Fingerprinter().of(load(monkeypatch, tmp_path, {"tasks.py": task("return Y", head)}).T)
    assert [(place.first, place.last) for place in found.conditions] == [(4, 4), (7, 7)]
