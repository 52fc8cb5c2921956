"""Objects that are reached, and changed, otherwise than by the name that a task uses."""

from __future__ import annotations

from tests.unit.fingerprint.cases.table import piece, task

_PATCH = "def extra(self):\n    return 1\n"
_EXTRA = task("return self.extra()", "from . import patch")

for _name, _statement in (
    ("by its module", "import luigi\n{}luigi.Task.extra = extra\n"),
    ("by itself", "from luigi import Task\n{}Task.extra = extra\n"),
    ("by the module that defines it", "import luigi.task\n{}luigi.task.Task.extra = extra\n"),
    ("by setattr", "import luigi\n{}setattr(luigi.Task, 'extra', extra)\n"),
):
    piece(
        f"method that is set on Luigi's class, named {_name}",
        "every task has it",
        {"patch.py": _statement.format(_PATCH), "tasks.py": _EXTRA},
    )
piece(
    "attribute that is set on Luigi's class",
    "every task has it",
    {
        "patch.py": "import luigi\nluigi.Task.rate = 1\n",
        "tasks.py": task("return self.rate", "from . import patch"),
    },
)
piece(
    "method of Luigi's target that is replaced",
    "the target does something else",
    task(
        "return luigi.LocalTarget('x').read()",
        "def read(self):\n    return 1\nluigi.LocalTarget.read = read\n",
    ),
)
piece(
    "handler of Luigi's events",
    "it hears of a task, and is no part of it",
    task("return 0", "@luigi.Task.event_handler(luigi.Event.SUCCESS)\ndef done(task):\n    print(1)\n"),
    "same",
)
piece(
    "other options of Luigi",
    "the task asks for none of them",
    task("return 0", "luigi.configuration.get_config().set('section', 'option', '1')\n"),
    "same",
)
for _targets in ("A['x'] = B", "B = A['x']"):
    piece(
        f"{_targets} = [...], changed by the name",
        "the other one holds the same list",
        task("return A", f"A = {{}}\n{_targets} = [0]\nB.append(1)\n"),
    )
piece(
    "name and attribute that are assigned together",
    "they hold the same list",
    task(
        "return HOLDER.rows",
        "class Holder:\n    pass\nHOLDER = Holder()\nHOLDER.rows = B = [0]\nB.append(1)\n",
    ),
)
piece(
    "list that is assigned to a name and in a table, changed in the table",
    "it is the same list",
    task("return B", "A = {}\nA['x'] = B = [0]\nA['x'].append(1)\n"),
)
piece(
    "list that a walrus gives another name",
    "it is the same list",
    task("return A", "A = []\nif (B := A) is not None:\n    B.append(1)\n"),
)
piece(
    "list that a match gives another name",
    "it is the same list",
    task("return A", "A = []\nmatch A:\n    case found:\n        found.append(1)\n"),
)
for _given in ("A['x']", "A.get('x')"):
    piece(
        f"{_given} given to a function that fills it",
        "the table holds the list",
        task("return A", f"A = {{'x': []}}\ndef fill(rows):\n    rows.append(1)\nfill({_given})\n"),
    )
piece(
    "part of a parameter given to a function that fills it",
    "the table holds the list",
    task(
        "return A",
        "A = {'x': []}\ndef put(rows):\n    rows.append(1)\ndef fill(table):\n    put(table['x'])\nfill(A)\n",
    ),
)
piece(
    "part given to a function that reads it",
    "the table stays as it is",
    task("return A", "A = {'x': 3}\ndef show(row):\n    return row + 1\nshow(A['x'])\n"),
    "same",
)
piece(
    "part given to a library",
    "it is taken to read it",
    task("return A['y']", "import random\nA = {'x': 3, 'y': 4}\nrandom.seed(A['x'] + 1)\n"),
    "same",
)
