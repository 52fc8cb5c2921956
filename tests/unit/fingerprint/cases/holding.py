"""Tasks that hold other tasks otherwise than by what ``requires()`` returns: the code of these is theirs, too."""

from __future__ import annotations

from tests.unit.fingerprint.cases.table import piece

_UP = "import luigi\nfrom luigi.util import inherits\nclass A(luigi.Task):\n    def helper(self):\n        return 1\n"


def _task(requires: str, run: str, *, before: str = "", decorator: str = "") -> str:
    head = f"{_UP}{before}{decorator}class T(luigi.Task):\n"
    return f"{head}    def requires(self):\n{requires}    def run(self):\n        return {run}\n"


def _inherits(run: str, what: str = "A") -> str:
    return f"{_UP}@inherits({what})\nclass T(luigi.Task):\n    def run(self):\n        {run}\n"


piece(
    "parent of luigi.util.inherits asked for more",
    "it executes here",
    _inherits("return self.clone_parent().helper()"),
)
piece(
    "parents of luigi.util.inherits asked for more",
    "they execute here",
    _inherits("return [each.helper() for each in self.clone_parents()]"),
)
piece(
    "named parents of luigi.util.inherits asked for more",
    "they execute here",
    _inherits("return self.clone_parents()['a'].helper()", "a=A"),
)
piece(
    "output of a parent that is not required",
    "whatever lies there is read, and is no input",
    "import luigi\nfrom luigi.util import inherits\nclass A(luigi.Task):\n"
    "    def output(self):\n        return luigi.LocalTarget(str(1))\n"
    "@inherits(A)\nclass T(luigi.Task):\n    def run(self):\n        return open(self.clone_parent().output().path).read()\n",
)
piece("parent that is yielded", "it is keyed on its own", _inherits("yield self.clone_parent()"), "same")
piece(
    "parent that is required",
    "it is keyed on its own",
    _task("        return self.clone_parent()\n", "self.input()", decorator="@inherits(A)\n"),
    "same",
)
piece(
    "task that requires() keeps on itself",
    "run() asks it for more",
    _task("        self.up = A()\n        return self.up\n", "self.up.helper()"),
)
piece(
    "tasks that requires() keeps in a list on itself",
    "run() asks them for more",
    _task(
        "        self.ups = []\n        self.ups.append(A())\n        return self.ups\n",
        "self.ups[0].helper()",
    ),
)
piece(
    "tasks that requires() keeps in a dict on its class",
    "run() asks them for more",
    _task("        self.UPS['a'] = A()\n        return self.UPS\n", "self.UPS['a'].helper()").replace(
        "class T(luigi.Task):\n", "class T(luigi.Task):\n    UPS = {}\n"
    ),
)
piece(
    "task that requires() keeps by setattr",
    "run() asks it for more",
    _task("        setattr(self, 'up', A())\n        return self.up\n", "self.up.helper()"),
)
piece(
    "task that requires() keeps in a global",
    "run() asks it for more",
    _task("        global UP\n        UP = A()\n        return UP\n", "UP.helper()"),
)
piece(
    "tasks that requires() keeps in a list of the module",
    "run() asks them for more",
    _task("        UPS.append(A())\n        return UPS\n", "UPS[0].helper()", before="UPS = []\n"),
)
piece(
    "tasks that requires() collects in names of its own",
    "they are keyed on their own",
    _task(
        "        ups = {}\n        ups['a'] = A()\n        every = []\n        every.append(ups)\n        return every\n",
        "self.input()",
    ),
    "same",
)
