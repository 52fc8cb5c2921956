"""Names of results: luisy 1.x's where they say which task is meant, and never two tasks' at once."""

# Luigi is not annotated.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

import datetime as dt
import enum
import itertools
import os
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import luigi
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from luigi.date_interval import Custom, Date, DateInterval, Month, Week

from luisy.naming import automatic_name, fitting, not_ending_in, project_of, spelling


class Colour(enum.Enum):
    RED = 1
    DARK_RED = 2


class Level(enum.IntEnum):
    LOW = 1


def name_of(family: str, values: dict[str, Any], kinds: dict[str, luigi.Parameter[Any]] | None = None) -> str:
    kinds = kinds or {}
    told = [(name, kinds.get(name, luigi.Parameter()), values[name]) for name in sorted(values)]
    return automatic_name(family, told, sorted({*values, *kinds}))


def as_luisy_1(value: Any) -> str:
    """The rule of luisy 1.x in our words: items joined, blanks and slashes become underscores."""
    if not isinstance(value, str) and hasattr(value, "__iter__"):
        return "_".join(as_luisy_1(item) for item in value)
    return str(value).translate(str.maketrans(" /", "__"))


PLAIN = [
    (luigi.Parameter(), "2021_a-b.c"),
    (luigi.Parameter(), "50%"),
    (luigi.Parameter(), "ümlaut"),
    (luigi.Parameter(), "a=b"),
    (luigi.Parameter(), "1"),
    (luigi.Parameter(), ""),
    (luigi.Parameter(), None),
    (luigi.IntParameter(), -3),
    (luigi.FloatParameter(), 1e-07),
    (luigi.FloatParameter(), 2),
    (luigi.BoolParameter(), True),
    (luigi.DateParameter(), dt.date(2020, 1, 2)),
    (luigi.MonthParameter(), dt.date(2020, 1, 1)),
    (luigi.DateHourParameter(), dt.datetime(2020, 1, 2, 3)),  # noqa: DTZ001 - Luigi's are naive
    (luigi.TimeDeltaParameter(), dt.timedelta(days=1, seconds=5)),
    (luigi.DateIntervalParameter(), Week(2021, 12)),
    (luigi.DateIntervalParameter(), Date(2021, 12, 1)),
    (luigi.DateIntervalParameter(), Custom(dt.date(2020, 1, 1), dt.date(2020, 1, 4))),
    (luigi.EnumParameter(enum=Colour), Colour.DARK_RED),
    (luigi.EnumListParameter(enum=Colour), (Colour.RED, Colour.DARK_RED)),
    (luigi.TaskParameter(), luigi.Task),
    (luigi.ListParameter(), ()),
    (luigi.ListParameter(), (1, "b", 2.5, None, True)),
    (luigi.TupleParameter(), ("a", "b")),
    (luigi.ChoiceParameter(choices=[1, 2], var_type=int), 1),
    (luigi.ChoiceListParameter(choices=["1", "2"]), ("1", "2")),
    (luigi.OptionalListParameter(), None),
    (luigi.PathParameter(), Path("a.csv")),
]


@pytest.mark.parametrize(("parameter", "value"), PLAIN, ids=[f"{type(p).__name__}-{v!r}" for p, v in PLAIN])
def test_unambiguous_values_are_spelled_as_in_luisy_1(parameter: luigi.Parameter[Any], value: Any) -> None:
    """Values that luisy 1.x told apart keep their names."""
    assert name_of("T", {"p": value}, {"p": parameter}) == f"T_p={as_luisy_1(value)}"


@given(
    st.dictionaries(
        st.text(string.ascii_lowercase, min_size=1, max_size=4),
        st.one_of(
            st.text(string.ascii_letters + string.digits + "-._ü,+", min_size=0).filter(
                lambda t: t != "None"
            ),
            st.none(),
        ),
        max_size=3,
    )
)
def test_common_text_is_named_as_in_luisy_1(values: dict[str, Any]) -> None:
    """Any text without blanks, slashes and escapes keeps its name, among parameters without underscores."""
    expected = "T" + "".join(f"_{name}={as_luisy_1(value)}" for name, value in sorted(values.items()))
    actual = name_of("T", values)
    if any(str(v).endswith(tuple(f"_{n}" for n in values)) for v in values.values()):
        return  # the value's end could be a parameter's name
    assert actual == expected


# Few characters, so that what can coincide does: parts of names, boundaries, escapes, numbers.
text = st.text("ab_=1/ %,2FN-", max_size=6) | st.sampled_from(
    ["None", "True", "1", "1.0", "%2F", "%int:1", "\udc80", "é", "\udcc3\udca9"]
)
scalars = st.one_of(text, st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from([0.0, 1.0, 0.5]))
nested = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(text, inner, max_size=2),
    max_leaves=5,
)
days = st.dates(dt.date(2020, 1, 1), dt.date(2020, 2, 10))
intervals = st.one_of(
    days.map(Date.from_date),
    days.map(Week.from_date),
    days.map(Month.from_date),
    st.tuples(days, st.integers(0, 40)).map(lambda d: Custom(d[0], d[0] + dt.timedelta(d[1]))),
)
KINDS: list[tuple[luigi.Parameter[Any], st.SearchStrategy[Any]]] = [
    (luigi.Parameter(), nested),
    (luigi.OptionalIntParameter(), scalars),
    (luigi.FloatParameter(), scalars),
    (luigi.BoolParameter(), scalars),
    (luigi.OptionalListParameter(), st.lists(nested, max_size=3).map(tuple) | scalars),
    (luigi.OptionalDictParameter(), st.dictionaries(text, nested, max_size=2) | st.none()),
    (luigi.ChoiceListParameter(choices=["a"]), st.lists(scalars, max_size=3).map(tuple)),
    (luigi.EnumListParameter(enum=Colour), st.lists(st.sampled_from(Colour) | text, max_size=3).map(tuple)),
    (luigi.EnumParameter(enum=Level), st.sampled_from(Level) | scalars),
    (luigi.DateIntervalParameter(), intervals | text),
    (luigi.PathParameter(), text.map(Path) | text),
]


def typed(value: Any) -> Any:
    """*value* so that equal means equal in type too: True, 1 and 1.0 are three, two spans of days are two."""
    if isinstance(value, (tuple, list)):
        return (type(value), *map(typed, value))
    if isinstance(value, dict):
        return ("dict", *((typed(k), typed(v)) for k, v in value.items()))
    if isinstance(value, DateInterval):
        return (type(value), str(value))
    return (type(value), value)


@settings(max_examples=3000)
@given(st.data())
def test_values_of_one_parameter_never_share_a_name(data: st.DataObject) -> None:
    """Two values of one parameter are spelled alike only if they are equal and of one type."""
    parameter, values = data.draw(st.sampled_from(KINDS))
    left, right = data.draw(values), data.draw(values)
    assert (spelling(left, parameter) == spelling(right, parameter)) == (typed(left) == typed(right))


names = st.sets(st.text("ab_", min_size=1, max_size=3).filter(str.isidentifier), min_size=1, max_size=3)


@settings(max_examples=3000)
@given(
    names.flatmap(
        lambda ns: st.tuples(
            *[st.fixed_dictionaries({}, optional={n: text | st.none() for n in ns})] * 2, st.just(ns)
        )
    )
)
@example(({"p": "1_q=2"}, {"p": "1", "q": "2"}, {"p", "q"}))
@example(({"a": "1_c", "d": "2"}, {"a": "1", "c_d": "2"}, {"a", "d", "c_d"}))
def test_parameters_never_run_into_each_other(drawn: tuple[dict[str, Any], dict[str, Any], set[str]]) -> None:
    """Two sets of values of one class, some left out, have one name only if they are equal."""
    left, right, known = drawn
    kinds = {name: luigi.Parameter() for name in known}
    assert (name_of("T", left, kinds) == name_of("T", right, kinds)) == (left == right)


families = st.text("aAT_.", min_size=1, max_size=4).filter(
    lambda t: all(p.isidentifier() for p in t.split("."))
)


@settings(max_examples=3000)
@given(families, families, st.text("aA_b", min_size=1, max_size=4), st.text("aA_b", min_size=1, max_size=4))
@example("T", "T_a", "a_b", "b")
@example("T", "T_A", "A_b", "b")
def test_families_never_run_into_parameters(family: str, other: str, name: str, other_name: str) -> None:
    """Two classes never share a name, whatever they and their parameters are called."""
    alike = name_of(family, {name: "1"}) == name_of(other, {other_name: "1"})
    assert alike == ((family, name) == (other, other_name))
    assert name_of(family, {name: "1"}) != name_of(other, {})


def test_the_suite_would_notice_luisy_1() -> None:
    """The values that these tests draw from do coincide under luisy 1.x's rule."""
    clashes = [
        pair
        for pair in itertools.combinations(["a/b", "a b", "a_b", None, "None", ("1",), (1,)], 2)
        if as_luisy_1(pair[0]) == as_luisy_1(pair[1])
    ]
    assert len(clashes) == 5


@pytest.mark.parametrize(
    ("family", "values"),
    [
        ("My_Task", {"start_date": "x"}),
        ("ns_1.T", {"x": "1"}),
        ("T", {"X": "1"}),
        ("_T", {"a_b": "x_y", "c_d": "z"}),
    ],
)
def test_usual_underscores_stay(family: str, values: dict[str, str]) -> None:
    """Underscores in families, parameters and values stay as they are where one reading is at hand."""
    assert name_of(family, values) == family + "".join(f"_{n}={v}" for n, v in values.items())


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [
        (luigi.Parameter(), "a/b", "a%2Fb"),
        (luigi.Parameter(), "a b", "a%20b"),
        (luigi.Parameter(), "None", "%4Eone"),
        (luigi.Parameter(), "50%25", "50%2525"),
        (luigi.Parameter(), 1, "%int:1"),
        (luigi.ListParameter(), ("1",), "%31"),
        (luigi.ListParameter(), ("",), "%-"),
        (luigi.ListParameter(), (None,), "%-None"),
        (luigi.ListParameter(), ((1, 2), 3), "%(1_2%)_3"),
        (luigi.DictParameter(), {"a": 1, "b": {"c": "2"}}, "a%:1_b%:%{c%:%32%}"),
        (luigi.DateIntervalParameter(), Month(2020, 1), "2020-01"),
    ],
)
def test_golden_escapes(parameter: luigi.Parameter[Any], value: Any, expected: str) -> None:
    """The escapes are frozen: a change would orphan the files of earlier runs."""
    assert spelling(value, parameter) == expected


@given(st.text(min_size=200, max_size=400) | st.text("é", min_size=100, max_size=300))
def test_long_names_fit(value: str) -> None:
    """However long the value, name, ending and a temporary suffix fit into 255 bytes."""
    assert len(os.fsencode(fitting(name_of("T", {"p": value}), ".csv"))) + len(".csv") + 32 <= 255


def test_long_names_differ() -> None:
    """Names that are cut differ by their digest, also from a name that ends like one."""
    first, second = (fitting(name_of("T", {"p": "x" * 300 + end}), ".csv") for end in "ab")
    assert first != second
    assert first[:150] == second[:150]
    assert name_of("T", {"p": first.removeprefix("T_p=")}) != first


def test_names_that_fit_stay() -> None:
    """A name that is just short enough is not cut, one byte more is."""
    longest = "x" * (255 - 32 - len(".csv"))
    assert fitting(longest, ".csv") == longest
    assert fitting(longest + "x", ".csv") != longest + "x"


def test_a_name_never_ends_like_its_file() -> None:
    """'x.csv' as a value of a csv task is not the file of 'x'."""
    assert not_ending_in("T_p=x.csv", ".csv") == "T_p=x%2Ecsv"
    assert not_ending_in("T_p=x", ".csv") == "T_p=x"


class Mine(luigi.Task):
    project_name = "mine"


def test_project_name_attribute_wins() -> None:
    """A project_name, on any Luigi task, names the project."""
    assert project_of(Mine()) == project_of(Mine) == "mine"


def test_project_is_the_first_component_of_the_module() -> None:
    """Otherwise the first component of the module does."""
    kind = type("T", (luigi.Task,), {"__module__": "shop.tasks.raw"})
    assert project_of(kind) == "shop"


SCRIPT = (
    "import luigi\nfrom luisy.naming import project_of\nclass T(luigi.Task): pass\nprint(project_of(T))\n"
)


def run_python(*arguments: str, cwd: Path, stdin: str = "") -> str:
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments],
        input=stdin, cwd=cwd, env={**os.environ, "PYTHONPATH": root}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_project_of_a_script_is_its_name(tmp_path: Path) -> None:
    """Tasks in ``__main__`` belong to the script."""
    (tmp_path / "sales.py").write_text(SCRIPT)
    assert run_python("sales.py", cwd=tmp_path) == "sales"


def test_project_of_a_module_run_as_main_is_its_package(tmp_path: Path) -> None:
    """``python -m shop.tasks`` and an import of shop.tasks agree."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/tasks.py").write_text(SCRIPT)
    assert run_python("-m", "shop.tasks", cwd=tmp_path) == "shop"


@pytest.mark.parametrize("arguments", [("-c", SCRIPT), ("-",)])
def test_project_without_a_file(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Without a file, tasks in ``__main__`` belong to ``__main__``."""
    assert run_python(*arguments, cwd=tmp_path, stdin=SCRIPT) == "__main__"


def test_project_of_a_notebook(tmp_path: Path) -> None:
    """In a Jupyter kernel, tasks in ``__main__`` belong to ``notebook``."""
    kernel = "import sys, types; sys.modules['ipykernel'] = types.ModuleType('ipykernel')\n"
    assert run_python("-c", kernel + SCRIPT, cwd=tmp_path) == "notebook"
