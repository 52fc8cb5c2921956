"""The memo of ``get_params`` answers what Luigi would, whatever happens to the classes."""

# Luigi is untyped:
# mypy: disable-error-code="no-untyped-call, misc"

from __future__ import annotations

from functools import cached_property, lru_cache, partialmethod
from typing import TYPE_CHECKING, Any

import luigi
import pytest
from luigi.task_register import Register

from luisy.runner.pipeline.params import memoised_params

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True)
def memo() -> Iterator[None]:
    with memoised_params():
        yield


@pytest.fixture
def cls() -> Any:
    """A task class of a mixin that knows nothing of Luigi, a base and a body, already asked for its parameters."""

    class Mixin:
        mixed = luigi.Parameter(default="m")

    class Base(luigi.Task, Mixin):
        base = luigi.Parameter(default="b")

    class Body(Base):
        own = luigi.Parameter(default="o")

    assert names(Body) == ["mixed", "base", "own"]
    return Body


def names(cls: Any) -> list[str]:
    return [name for name, _ in cls.get_params()]


def level(cls: Any, number: int) -> Any:
    """The class itself (0), its base (1), ``luigi.Task`` (2), its mixin (3)."""
    return cls.__mro__[number]


def test_second_answer_is_the_memo(cls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What did not change is not looked up again: the parameters' order is not asked for."""
    first = cls.get_params()
    for _, param in first:
        monkeypatch.delattr(param, "_counter")
    assert cls.get_params() == first


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_parameter_added_later(cls: Any, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A parameter that is set on the class, a base, ``luigi.Task`` or a mixin is there at once, and in a task."""
    monkeypatch.setattr(level(cls, number), "late", luigi.Parameter(default="l"), raising=False)
    if hasattr(luigi.Parameter, "__set_name__"):
        vars(level(cls, number))["late"].__set_name__(level(cls, number), "late")
    assert names(cls) == ["mixed", "base", "own", "late"]
    assert cls(late="x").late == "x"


@pytest.mark.parametrize(("number", "name"), [(0, "own"), (1, "base"), (3, "mixed")])
def test_parameter_deleted(cls: Any, number: int, name: str) -> None:
    """A parameter that was deleted is gone at once."""
    delattr(level(cls, number), name)
    assert name not in names(cls)


@pytest.mark.parametrize(("number", "name"), [(0, "own"), (1, "base"), (3, "mixed")])
def test_parameter_replaced(cls: Any, number: int, name: str) -> None:
    """Where a parameter is replaced the new one is answered."""
    new = luigi.IntParameter(default=1)
    setattr(level(cls, number), name, new)
    assert dict(cls.get_params())[name] is new


@pytest.mark.parametrize(("number", "name"), [(0, "own"), (1, "base"), (3, "mixed")])
def test_parameter_renamed(cls: Any, number: int, name: str) -> None:
    """The same parameter under another name is another answer."""
    param = vars(level(cls, number))[name]
    delattr(level(cls, number), name)
    level(cls, number).renamed = param
    assert "renamed" in names(cls)
    assert name not in names(cls)


def test_parameter_hidden_by_a_value(cls: Any) -> None:
    """A plain value in the class hides the base's parameter."""
    cls.base = "fixed"
    assert names(cls) == ["mixed", "own"]


def test_set_behind_the_metaclass(cls: Any) -> None:
    """``type.__setattr__`` goes round whatever a metaclass might watch, and is noticed."""
    type.__setattr__(cls, "late", luigi.Parameter())
    assert "late" in names(cls)


def test_bases_replaced(cls: Any) -> None:
    """New bases are a new answer."""

    class Other(luigi.Task):
        other = luigi.Parameter()

    cls.__bases__ = (Other,)
    assert names(cls) == ["own", "other"]


def test_bases_of_a_mixin_replaced() -> None:
    """New bases of a base are noticed too."""

    class Old:
        old = luigi.Parameter()

    class New:
        new = luigi.Parameter()

    class Mixin(Old):
        pass

    class Body(luigi.Task, Mixin):
        pass

    assert names(Body) == ["old"]
    Mixin.__bases__ = (New,)
    assert names(Body) == ["new"]


def test_subclass_has_its_own_answer(cls: Any) -> None:
    """A subclass made later has its parameters beside the inherited ones; the base's answer stays."""

    class Sub(cls):
        sub = luigi.Parameter()

    assert names(Sub) == ["mixed", "base", "own", "sub"]
    assert names(cls) == ["mixed", "base", "own"]


def test_overridden_get_params_is_called(cls: Any) -> None:
    """A class that computes its parameters is asked each time, and may build on the memo."""
    extra: list[tuple[str, luigi.Parameter]] = []

    class Computed(cls):
        @classmethod
        def get_params(cls) -> Any:
            return super().get_params() + extra

    assert names(Computed) == ["mixed", "base", "own"]
    extra.append(("computed", luigi.Parameter()))
    assert names(Computed) == ["mixed", "base", "own", "computed"]


def test_answer_may_be_changed_by_the_caller(cls: Any) -> None:
    """Each caller gets a list of its own."""
    cls.get_params().clear()
    assert names(cls) == ["mixed", "base", "own"]


class Changing:
    """A descriptor that gives a parameter on some days."""

    param: Any = None

    def __get__(self, instance: object, owner: type) -> Any:
        return self.param


def as_descriptor(changing: Changing) -> Any:
    return changing


def as_class_method(changing: Changing) -> Any:
    return classmethod(changing)  # type: ignore[arg-type]  # Python 3.9 to 3.12 bind any descriptor


def test_common_decorators_do_not_prevent_the_memo(cls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Methods under ``lru_cache``, ``partialmethod``, properties and the like leave a class memoised."""
    cls.cached = lru_cache(len)
    cls.partial = partialmethod(print)
    cls.lazy = cached_property(len)
    cls.static = staticmethod(len)
    cls.shown = property(len)
    cls.called = classmethod(lambda cls: cls)
    first = cls.get_params()
    for _, param in first:
        monkeypatch.delattr(param, "_counter")
    assert cls.get_params() == first


@pytest.mark.parametrize("wrap", [as_descriptor, as_class_method])
def test_attribute_that_changes_by_itself(cls: Any, wrap: Callable[[Changing], Any]) -> None:
    """A descriptor's answer is asked for each time."""
    changing = Changing()
    cls.dynamic = wrap(changing)
    assert names(cls) == ["mixed", "base", "own"]
    changing.param = luigi.Parameter()
    assert ("dynamic" in names(cls)) == (cls.dynamic is changing.param)


def test_metaclass_of_its_own() -> None:
    """A class whose metaclass makes up attributes is asked each time."""
    made_up: dict[str, luigi.Parameter] = {}

    class Meta(Register):
        def __dir__(self) -> list[str]:
            return [*super().__dir__(), *made_up]

        def __getattr__(self, name: str) -> Any:
            if name in made_up:
                return made_up[name]
            raise AttributeError(name)

    class Made(luigi.Task, metaclass=Meta):
        pass

    assert names(Made) == []
    made_up["late"] = luigi.Parameter()
    assert names(Made) == ["late"]


def test_nested_memo_changes_nothing(cls: Any) -> None:
    """The outer memo stays in force when an inner block ends."""
    before = luigi.Task.__dict__["get_params"]
    with memoised_params():
        assert names(cls) == ["mixed", "base", "own"]
    assert luigi.Task.__dict__["get_params"] is before


def test_tasks_are_equal_with_and_without(cls: Any) -> None:
    """The memo makes no difference to a task's id, parameters and place in Luigi's instance cache."""
    inside = cls(own="x")
    assert (inside.task_id, inside.to_str_params()) == (
        cls(own="x").task_id,
        {"mixed": "m", "base": "b", "own": "x"},
    )
    assert cls(own="x") is inside


@pytest.fixture
def config() -> Iterator[Any]:
    """Luigi's configuration, restored afterwards."""
    config = luigi.configuration.get_config()
    yield config
    config.remove_section("Body")
    config.remove_option("DEFAULT", "own")


def test_configured_default_is_noticed_at_once(cls: Any, config: Any) -> None:
    """A section that is added, changed or removed between two tasks counts for the second."""
    assert cls().own == "o"
    config.set("Body", "own", "configured")
    assert cls().own == "configured"
    config.set("Body", "own", "again")
    assert cls().own == "again"
    config.remove_section("Body")
    assert cls().own == "o"


def test_default_section_counts_as_in_luigi(cls: Any, config: Any) -> None:
    """A value under ``[DEFAULT]`` counts where the task has a section, and only there."""
    config.read_string("[DEFAULT]\nown = everywhere\n")
    assert cls().own == "o"
    config.set("Body", "base", "x")
    assert cls().own == "everywhere"


def test_config_path_is_asked_for(cls: Any, config: Any) -> None:
    """A parameter's second place in the configuration is looked up as well."""
    config.set("Body", "elsewhere", "found")
    cls.deprecated = luigi.Parameter(default="d", config_path={"section": "Body", "name": "elsewhere"})
    assert cls.deprecated.task_value("NoSection", "deprecated") == "found"


class TestWithoutMemo:
    """The block's end, seen from outside of one."""

    @pytest.fixture(autouse=True)
    def memo(self) -> None:
        """Do without."""

    def test_luigi_is_as_before(self) -> None:
        """After the block, also after an error in it, Luigi has its own method back."""
        before = luigi.Task.__dict__["get_params"]
        inside = None

        def fail() -> None:
            nonlocal inside
            with memoised_params():
                inside = luigi.Task.__dict__["get_params"]
                raise KeyError

        with pytest.raises(KeyError):
            fail()
        assert inside not in (None, before)
        assert luigi.Task.__dict__["get_params"] is before

    def test_somebody_elses_method_is_left_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A ``get_params`` that was put into ``luigi.Task`` by others is not memoised."""
        theirs: Any = classmethod(lambda cls: [])
        monkeypatch.setattr(luigi.Task, "get_params", theirs)
        with memoised_params():
            assert luigi.Task.__dict__["get_params"] is theirs
