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
    "part of a parameter given to what a call gave",
    "nobody knows what that is, and it is no change of what is used",
    task(
        "return 3",
        "A = {'x': 3}\ndef teller():\n    return print\ndef tell(table):\n    teller()(table['x'])\ntell(A)\nUNUSED = 1\n",
    ),
    "same",
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

_MODULE = "items = []\nX = 0\nclass C:\n    a = 0\n    def go(self):\n        return self.a\nMADE = C()\n"

for _name, _use, _statements in (
    ("attribute of the type of an object", "m.MADE.go()", "setattr(type(m.MADE), 'go', lambda self: 1)\n"),
    ("module that a loop goes through", "m.X", "for each in (m,):\n    each.X = 1\n"),
    (
        "module given to a function that sets names",
        "m.X",
        "def set_up(module):\n    module.X = 1\nset_up(m)\n",
    ),
    (
        "module and value given to a function that sets names",
        "m.X",
        "def set_up(module, value):\n    setattr(module, 'X', value)\nset_up(m, 1)\n",
    ),
    (
        "function given to a method of what a library made earlier",
        "m.X",
        (
            "from concurrent.futures import ThreadPoolExecutor\ndef fill(value):\n    m.X = value\n"
            "pool = ThreadPoolExecutor()\nDONE = list(pool.map(fill, [1]))\n"
        ),
    ),
    ("function that a loop calls", "m.X", "def fill():\n    m.X = 1\nfor each in [fill]:\n    each()\n"),
    (
        "function given to a method of what a library made",
        "m.X",
        (
            "from concurrent.futures import ThreadPoolExecutor\ndef fill(value):\n    m.X = value\n"
            "with ThreadPoolExecutor() as pool:\n    list(pool.map(fill, [1]))\n"
        ),
    ),
):
    piece(
        f"change from another module: {_name}",
        "it is done while that module is imported",
        {
            "m.py": _MODULE,
            "n.py": f"from . import m\n{_statements}",
            "tasks.py": task(f"return {_use}", "from . import m, n"),
        },
    )
piece(
    "list given to a logger that was just asked for",
    "it is only told",
    {
        "m.py": _MODULE,
        "n.py": "import logging\nfrom . import m\nlogging.getLogger('a').debug('%s %s', m.items, 1)\n",
        "tasks.py": task("return m.items", "from . import m, n"),
    },
    "same",
)

for _name, _statement in (
    (
        "accessor that is registered in pandas",
        "import pandas as pd\n@pd.api.extensions.register_dataframe_accessor('geo')\n{}",
    ),
    (
        "accessor that is registered in pandas by an imported function",
        "from pandas.api.extensions import register_dataframe_accessor\n@register_dataframe_accessor('geo')\n{}",
    ),
):
    piece(
        _name,
        "every frame has it once the module is imported",
        {
            "ext.py": _statement.format(
                "class Geo:\n    def __init__(self, frame):\n        self.size = 1\n"
            ),
            "tasks.py": task("return pd.DataFrame().geo.size", "import pandas as pd\nfrom . import ext"),
        },
    )
for _statement in (
    "import random\nrandom.seed(1)\n",
    "from random import seed\nseed(1)\n",
    "import random\nbefore = random.seed(1)\n",
    "from random import seed\nbefore = seed(1)\n",
    "from random import seed\nif True:\n    seed(1)\n",
    "from random import seed\ndef start():\n    seed(1)\nstart()\n",
):
    piece(
        f"state of a library: {_statement!r}",
        "it is another one afterwards",
        {"n.py": _statement, "tasks.py": task("return random.random()", "import random\nfrom . import n")},
    )
for _statement in (
    "import functools\n@functools.lru_cache\n",
    "import functools\n@functools.lru_cache(maxsize=3)\n",
    "from functools import lru_cache\n@lru_cache\n",
):
    piece(
        f"library that decorates something else: {_statement!r}",
        "it stays as it is",
        {
            "n.py": f"{_statement}def unused():\n    return 1\n",
            "tasks.py": task("return functools.partial(int)", "import functools\nfrom . import n"),
        },
        "same",
    )
piece(
    "list that a loop goes through to fill another",
    "it stays as it is",
    task("return NAMES", "NAMES = ['a']\nTABLE = {}\nfor name in NAMES:\n    TABLE[name] = 1\n"),
    "same",
)
piece(
    "function that a loop only looks at",
    "it is not called",
    task("return X", "X = 0\ndef fill():\n    global X\n    X = 1\nfor each in (fill,):\n    print(each)\n"),
    "same",
)
piece(
    "type that singledispatch reads from an annotation",
    "it decides what is dispatched",
    task(
        "return show(3)",
        "from functools import singledispatch\n@singledispatch\ndef show(x):\n    return 0\n"
        "Kind = (int, float, str)[1]\n@show.register\ndef _(x: Kind):\n    return 5\n",
    ),
)
piece(
    "type in an annotation that nobody reads",
    "it is for people",
    task("return show(3)", "Kind = (int, float, str)[1]\ndef show(x: Kind):\n    return 5\n"),
    "same",
)
piece(
    "module of a library given to a function that sets names",
    "the library has them",
    task("return json.rate", "import json\ndef set_up(module):\n    module.rate = 1\nset_up(json)\n"),
)
piece(
    "value that a library gives",
    "its state stays as it is, as far as the name tells",
    {
        "n.py": "import math\nROOT = math.sqrt(1)\n",
        "tasks.py": task("return math.sqrt(3)", "import math\nfrom . import n"),
    },
    "same",
)
