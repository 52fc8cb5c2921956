"""The record of what a statement does with names, and the lists of methods that it rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Flag, auto
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from luisy.fingerprint.scopes import Chain

MUTATORS = frozenset(
    [
        "append",
        "extend",
        "insert",
        "pop",
        "popitem",
        "remove",
        "clear",
        "update",
        "setdefault",
        "add",
        "discard",
        "sort",
        "reverse",
        "appendleft",
        "extendleft",
        "popleft",
        "rotate",
        "push",
        "put",
        "register",
        "subscribe",
        "connect",
        "intersection_update",
        "difference_update",
        "symmetric_difference_update",
        "__setitem__",
        "__delitem__",
        "__setattr__",
        "__delattr__",
        "write",
        "writelines",
    ]
)
"""Methods that change what they are called on, also where their result is used."""

FIRST_CHANGERS = frozenset(
    [
        "setattr",
        "delattr",
        "setitem",
        "delitem",
        "__setattr__",
        "update_wrapper",
        "shuffle",
        "insort",
        "insort_left",
        "insort_right",
        "heappush",
        "heappop",
        "heapify",
        "heapreplace",
        "heappushpop",
        "iadd",
        "iand",
        "iconcat",
        "imul",
        "ior",
        "isub",
        "ixor",
    ]
)
"""Functions that change their first argument, also where their result is used."""

PURE = frozenset(
    [
        "get",
        "copy",
        "items",
        "keys",
        "values",
        "split",
        "rsplit",
        "splitlines",
        "join",
        "format",
        "format_map",
        "lower",
        "upper",
        "title",
        "strip",
        "lstrip",
        "rstrip",
        "replace",
        "encode",
        "decode",
        "startswith",
        "endswith",
        "index",
        "find",
        "rfind",
        "count",
        "read",
        "read_text",
        "read_bytes",
        "readlines",
        "exists",
        "is_file",
        "is_dir",
        "resolve",
        "absolute",
        "joinpath",
        "with_suffix",
        "with_name",
        "partition",
        "rpartition",
        "zfill",
        "group",
        "groups",
        "match",
        "search",
        "fullmatch",
        "findall",
        "union",
        "intersection",
        "difference",
        "isdigit",
        "date",
        "time",
        "timestamp",
        "isoformat",
        "strftime",
        "most_common",
        "total_seconds",
        "as_posix",
        "glob",
        "rglob",
        "iterdir",
        "__getitem__",
        "__contains__",
        "__len__",
    ]
)
"""Methods of the built-in types that change nothing."""

HARMLESS = frozenset(
    [
        "print",
        "len",
        "isinstance",
        "issubclass",
        "repr",
        "str",
        "int",
        "float",
        "bool",
        "sorted",
        "list",
        "tuple",
        "dict",
        "set",
        "frozenset",
        "min",
        "max",
        "sum",
        "any",
        "all",
        "zip",
        "enumerate",
        "map",
        "filter",
        "range",
        "reversed",
        "id",
        "hash",
        "type",
        "callable",
        "iter",
        "hasattr",
        "abs",
        "round",
        "format",
        "ord",
        "chr",
        "bytes",
        "open",
        "super",
        "vars",
        "dir",
    ]
)
"""Built-in functions that do not change their arguments."""

LOGGING = frozenset({"debug", "info", "warning", "error", "critical", "exception"})
"""Methods of loggers."""


class How(Flag):
    """In what way a statement touches a name."""

    NOW = auto()
    """While the module is imported."""
    LATER = auto()
    """When a function is called."""
    FULL = auto()
    """For what it does."""
    REQUIRED = auto()
    """Only to name the task's requirements, whose code is in their own keys."""
    ANNOTATION = auto()
    CLASS_ANNOTATION = auto()
    SOFT = auto()
    """Perhaps: a method that is neither known to change its object nor known not to."""


class Argument(NamedTuple):
    """A name that is given to a call as it is."""

    callee: Chain | None
    given: Chain
    now: bool
    discarded: bool


@dataclass(slots=True)
class Uses:
    """What one statement does with names. All chains start at the module's scope.

    :param commands: what it calls for its effect alone.
    :param decorators: those of its functions and classes.
    :param called_at: the line of the first call.
    :param loads: modules that its imports may load, those in its functions too.
    :param subclasses: classes that it asks for their subclasses.
    :param calls_params: it calls a parameter of one of its functions.
    :param asks_tasks: it uses more of the tasks that ``self.requires()`` gives than Luigi's own methods.
    """

    binds: set[str] = field(default_factory=set)
    imports: dict[str, list[Chain]] = field(default_factory=dict)
    loads: set[str] = field(default_factory=set)
    reads: dict[Chain, How] = field(default_factory=dict)
    changes: dict[Chain, How] = field(default_factory=dict)
    calls: dict[Chain, How] = field(default_factory=dict)
    commands: dict[Chain, How] = field(default_factory=dict)
    decorators: set[Chain] = field(default_factory=set)
    subclasses: set[Chain] = field(default_factory=set)
    called_at: dict[Chain, int] = field(default_factory=dict)
    bases: set[Chain] = field(default_factory=set)
    arguments: set[Argument] = field(default_factory=set)
    aliases: dict[str, set[Chain]] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)
    blind: list[tuple[int, str]] = field(default_factory=list)
    needs_module: bool = False
    asks_tasks: bool = False
    changes_params: bool = False
    calls_params: bool = False
    changes_subclasses: bool = False
