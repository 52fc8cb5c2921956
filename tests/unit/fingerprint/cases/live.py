"""What no source tells: attributes that data files, hooks and computed names give to a class."""

from __future__ import annotations

from tests.unit.fingerprint.cases.table import piece, task

# -- a data file says what is set, and a computed name where: only the live class tells

_APPLY = """
    import json
    from importlib import import_module
    from pathlib import Path

    def apply():
        told = json.loads(Path(__file__).with_name("tasks.json").read_text())
        for (module, name), values in zip((key.split(":") for key in told), told.values()):
            for key, value in values.items():
                setattr(getattr(import_module(module), name), key, value)
    """
_SET = "import pkg.late\npkg.late.apply()\n"


def _told(name: str, reason: str, tasks: str, of: str = "T") -> None:
    files = {"tasks.json": f'{{"pkg.tasks:{of}": {{"n": 1}}}}', "late.py": _APPLY, "tasks.py": tasks + _SET}
    piece(f"attribute from a data file: {name}", reason, files)


_told("on a plain class", "no statement of the class sets it, though one reads it", task("return self.n"))
_told(
    "on a class with a base",
    "a base without hooks sets nothing",
    task("return self.n", "class Base:\n    pass", "Base, luigi.Task"),
)
_told(
    "on a base",
    "the task inherits it",
    task("return self.n", "class Base:\n    pass", "Base, luigi.Task"),
    of="Base",
)
_told(
    "on a class with a decorated class in it",
    "the inner one's decorator sets nothing here",
    "import dataclasses\nimport luigi\n\nclass T(luigi.Task):\n    @dataclasses.dataclass\n    class Row:\n        x: int = 3\n"
    "    def run(self):\n        return self.n\n",
)

_READ = "import json\nfrom pathlib import Path\nN = json.loads(Path(__file__).with_name('tasks.json').read_text())\n"


def _read(name: str, reason: str, tasks: str) -> None:
    piece(name, reason, {"tasks.json": "1", "tasks.py": f"import luigi\n{_READ}{tasks}"})


_MAKE = "def make(n):\n    def run(self):\n        return n\n    return run\n"
_read(
    "attribute of a factory's class from a data file",
    "what a factory was given counts by value",
    "def make(given):\n    class T(luigi.Task):\n        n = given\n        def run(self):\n            return self.n\n    return T\n"
    "T = make(N)\n",
)
_read(
    "method with a number from a data file in its cell",
    "a cell counts by value",
    f"{_MAKE}class T(luigi.Task):\n    run = make(N)\n",
)
_read(
    "method with a number from a data file in its cell, below a class decorator",
    "a cell counts by value, whoever set it",
    f"{_MAKE}def plain(cls):\n    return cls\n@plain\nclass T(luigi.Task):\n    run = make(N)\n",
)
_read(
    "attribute from a data file under a computed name",
    "no statement names it",
    "class T(luigi.Task):\n    def run(self):\n        return self.rows\nfor _name in ('ro' + 'ws',):\n    setattr(T, _name, N)\n",
)


# -- what a statement explains counts by the statement: a clock that is read at import must not spoil the key


def _clock(name: str, reason: str, tasks: str) -> None:
    """A case that is the same, though the clock of its import differs."""
    head, source = "import functools\nimport luigi\nimport time\n", f"UNUSED = 1\n{tasks}"
    piece(f"clock at import: {name}", reason, {"tasks.py": head + source}, "same")


_RUN = "    def run(self):\n        return 3\n"
_CLOCK = "        cls.began = time.time_ns()\n"
_clock(
    "by a class decorator",
    "the decorator's code counts, not what it sets",
    f"def timed(cls):\n    cls.began = time.time_ns()\n    return cls\n@timed\nclass T(luigi.Task):\n{_RUN}",
)
_clock(
    "by a metaclass",
    "the metaclass's code counts, not what it sets",
    f"class Meta(type(luigi.Task)):\n    def __init__(cls, *args):\n{_CLOCK}        super().__init__(*args)\n"
    f"class T(luigi.Task, metaclass=Meta):\n{_RUN}",
)
_clock(
    "by __init_subclass__ of the base",
    "the hook's code counts, not what it sets",
    f"class Base(luigi.Task):\n    def __init_subclass__(cls):\n{_CLOCK}class T(Base):\n{_RUN}",
)
_clock(
    "by __init_subclass__ of the base's base",
    "the hook runs for all below",
    f"class Root(luigi.Task):\n    def __init_subclass__(cls):\n{_CLOCK}class Base(Root):\n    pass\nclass T(Base):\n{_RUN}",
)
_clock(
    "set by setattr below the class",
    "the statement counts",
    f"class T(luigi.Task):\n{_RUN}setattr(T, 'began', time.time_ns())\n",
)
_clock(
    "set below the class", "the statement counts", f"class T(luigi.Task):\n{_RUN}T.began = time.time_ns()\n"
)
_clock(
    "in a decorator that wraps a method",
    "the decorator's code counts",
    "def timed(method):\n    began = time.time_ns()\n    @functools.wraps(method)\n    def inner(self):\n        print(began)\n"
    f"        return method(self)\n    return inner\nclass T(luigi.Task):\n    @timed\n{_RUN}",
)
_clock(
    "in a default of a method that a function makes",
    "it closes over nothing: the function's code counts",
    "def make():\n    def started(self, began=time.time_ns()):\n        return began\n    return started\n"
    f"class T(luigi.Task):\n    started = make()\n{_RUN}",
)

# -- classes and functions whose name does not say where they are written

_FAR = "import luigi\nfrom importlib import import_module\nfar = import_module('pkg.' + 'leaf')\n"
piece(
    "function of a table of a module imported by a computed name, without a name of its own",
    "its definition counts, though its name is deleted",
    {
        "leaf.py": "def go():\n    return 1\nTABLE = {'a': go}\ndel go\n",
        "tasks.py": f"{_FAR}def make(given):\n    class T(luigi.Task):\n        def run(self):\n            return given()\n"
        "    return T\nT = make(far.TABLE['a'])\n",
    },
)
_ELSEWHERE = (
    "import luigi\nclass Base(luigi.Task):\n    __module__ = 'pkg.api'\n    def go(self):\n        return 1\n"
)
for _how in ("Base", "*"):
    piece(
        f"base that says it is of the module that exports it, by import {_how}",
        "its code stands where it comes from",
        {
            "leaf.py": _ELSEWHERE,
            "api.py": f"from .leaf import {_how}\n",
            "tasks.py": task("return self.go()", "from .api import Base", "Base"),
        },
    )

piece(
    "class in the place of one of a library that is not there",
    "the library has no node",
    "import luigi\ntry:\n    from quick_tasks import T\nexcept ImportError:\n    class T(luigi.Task):\n        def run(self):\n"
    "            return 1\n",
)

piece(
    "clock at import: in a base that says it is of the module that exports it",
    "the statement counts, wherever it stands",
    {
        "leaf.py": "import luigi\nimport time\nUNUSED = 1\nclass Base(luigi.Task):\n    __module__ = 'pkg.api'\n"
        "    began = time.time_ns()\n",
        "api.py": "from .leaf import Base\n",
        "tasks.py": task("return 3", "from .api import Base", "Base"),
    },
    "same",
)

# -- what a late import sets

for _late in (
    "import lib.inner",
    "import lib.inner.leaf",
    "from lib.inner import leaf",
    "from lib.inner.leaf import X",
    "import importlib\nimportlib.import_module('lib.inner')",
    "import importlib\nimportlib.import_module('lib.inner.leaf')",
):
    piece(
        f"name that the package above a package sets, loaded by {_late.splitlines()[-1]}",
        "the import of a module runs all packages above it",
        {
            "rates.py": "RATE = 5\n",
            "../lib/__init__.py": "import pkg.rates\npkg.rates.RATE = 1\n",
            "../lib/inner/__init__.py": "",
            "../lib/inner/leaf.py": "X = 5\n",
            "tasks.py": task(f"{_late}\nreturn rates.RATE", "from . import rates"),
        },
    )
