"""Keys: what names one execution. Pure: the same facts and inputs give the same key, no file is touched.

A key is BLAKE3 in derive-key mode over a length-prefixed encoding of labelled parts (DESIGN 3, ADR 0001).
All labels stand in the encoding from the start, empty where nothing fills them yet, so that a later version
of luisy can fill one without changing the keys of those who do not use it. Golden vectors freeze the bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from luisy.canonical import canonical, tagged, text
from luisy.model import Digest, Key

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY_VERSION = 1
CONTEXT = "luisy 1 task key"


class Counted(Enum):
    """How an input counts in its consumer's key."""

    BY_KEY = b"k"
    BY_CONTENT = b"c"


@dataclass(frozen=True, slots=True)
class Ref:
    """An input as its consumer's key sees it: its key, or where that says nothing, its content digest.

    :param promise: with a content digest, what its outputs were promised as (``promise_of``): the consumer reads
        them through their targets, and equal bytes read in another way are another input.
    """

    counted: Counted
    digest: str
    promise: bytes = b""

    def encoded(self) -> bytes:
        """The reference as a leaf of the structure of ``requires()``."""
        return self.counted.value + bytes.fromhex(self.digest) + tagged(b"q", self.promise)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One significant parameter.

    :param serialised: Luigi's serialisation; shown and kept only where *public*.
    :param value: the canonical bytes of the value: serialisation alone is not injective.
    """

    name: str
    serialised: str
    value: bytes
    public: bool = True

    def encoded(self) -> bytes:
        """Name, serialisation and canonical value."""
        return text(self.name) + text(self.serialised) + tagged(b"v", self.value)


@dataclass(frozen=True, slots=True)
class Output:
    """What a task promises to write: the place in ``output()``, the target's class, its format options.

    :param options: canonical bytes of the options, and the fingerprint of the target's class where it is the
        project's own.
    """

    name: bytes
    target: str
    options: bytes = b""

    def encoded(self) -> bytes:
        """Place, class and options; never the path."""
        return tagged(b"n", self.name) + text(self.target) + tagged(b"o", self.options)


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a task's key is made of, but for its inputs.

    :param options: values of the ``luigi.Config`` options that the code reads, by ``section.option``.
    :param declared: declared extras: label to value.
    :param observed: what was read while the user's module was imported: label to value.
    """

    project: str
    family: str
    fingerprint: Digest
    parameters: tuple[Parameter, ...] = ()
    outputs: tuple[Output, ...] = ()
    options: tuple[Parameter, ...] = ()
    declared: Mapping[str, str] | None = None
    observed: Mapping[str, str] | None = None

    def encoded(self) -> bytes:
        """The labelled parts in their fixed order."""
        return b"".join(
            (
                _who(self.project, self.family, self.fingerprint),
                _part("parameters", *(p.encoded() for p in self.parameters)),
                _promised(self.outputs),
                _part("options", *(p.encoded() for p in self.options)),
                _extras("declared", self.declared),
                _extras("observed", self.observed),
            )
        )

    def params_digest(self) -> Digest:
        """Digest of all significant parameters: names the task's instance whatever its code."""
        return Digest(_digest("luisy 1 parameters", b"".join(p.encoded() for p in self.parameters)))


# What tasks of one class have in common is encoded once: keys of 10,000 tasks are made of a few classes.


@cache
def _who(project: str, family: str, fingerprint: Digest) -> bytes:
    return b"".join(
        (
            _part("version", str(KEY_VERSION).encode()),
            _part("project", text(project)),
            _part("family", text(family)),
            _part("fingerprint", bytes.fromhex(fingerprint)),
        )
    )


@lru_cache
def _promised(outputs: tuple[Output, ...]) -> bytes:
    return _part("outputs", *(o.encoded() for o in outputs))


def _extras(label: str, values: Mapping[str, str] | None) -> bytes:
    return _part(label, canonical(dict(sorted(values.items())))) if values else _part(label)


@lru_cache
def promise_of(outputs: tuple[Output, ...]) -> bytes:
    """*outputs* in 32 bytes, for references by content."""
    return bytes.fromhex(_digest("luisy 1 outputs", b"".join(output.encoded() for output in outputs)))


def _part(label: str, *bodies: bytes) -> bytes:
    return _label(label) + tagged(b"p", *bodies)


_label = cache(text)


def _digest(context: str, message: bytes) -> str:
    return blake3(message, derive_key_context=context, max_threads=1).hexdigest()


def encode_structure(structure: Any, leaf: Callable[[Any], bytes]) -> bytes:
    """The structure of ``requires()``: labels, nesting and order, with *leaf* for each task.

    Sequences and other iterables are one kind; a set's members are sorted, since their order is another one in
    every process.
    """
    if isinstance(structure, (list, tuple)):
        return tagged(b"L", *(encode_structure(item, leaf) for item in structure))
    if isinstance(structure, Mapping):
        items = (canonical(k) + encode_structure(v, leaf) for k, v in structure.items())
        return tagged(b"M", *items)
    if isinstance(structure, AbstractSet):
        return tagged(b"U", *sorted(encode_structure(item, leaf) for item in structure))
    if structure is None:
        return tagged(b"L")
    return tagged(b"R", leaf(structure))


def task_key(facts: bytes, inputs: bytes) -> Key:
    """The key of a task: *facts* is ``Facts.encoded()``, *inputs* the encoded structure of its inputs' refs.

    With refs by key it is the deep key; with refs by content alone, the shallow key.
    """
    return Key(_digest(CONTEXT, facts + _part("inputs", inputs)))


def wrapper_key(inputs: bytes) -> Key:
    """The key of a wrapper without ``run()``: made of its inputs' refs and nothing else."""
    return Key(_digest("luisy 1 wrapper key", inputs))


def wrapper_content(inputs: bytes) -> Digest:
    """What a wrapper stands for in a shallow key: its inputs' content digests, recursively."""
    return Digest(_digest("luisy 1 wrapper content", inputs))


def external_key(project: str, family: str, content: Digest) -> Key:
    """The key of an external task: the content of its files."""
    return Key(_digest("luisy 1 external key", text(project) + text(family) + bytes.fromhex(content)))


def declared_content(project: str, family: str, parameters: Sequence[Parameter], version: str) -> Digest:
    """What a task without files counts as in its consumers' keys: the version that it declares, of this instance."""
    instance = tagged(b"P", *(p.encoded() for p in parameters))
    return Digest(
        _digest("luisy 1 declared content", text(project) + text(family) + instance + text(version))
    )


def table_content(key: Key | None, versions: Sequence[tuple[str, str]]) -> Digest:
    """What tables count as in their consumers' keys: each with its location and version, and the key that wrote them.

    :param key: of the task that wrote them; None where somebody else makes them.
    """
    told = tagged(b"V", *(text(location) + text(version) for location, version in versions))
    return Digest(_digest("luisy 1 table content", bytes.fromhex(key or "") + told))


def traced_key(key: Key, trace: Sequence[Ref]) -> Key:
    """The key of an action with dynamic dependencies: the task's key and what it yielded, in that order."""
    return Key(_digest("luisy 1 trace", bytes.fromhex(key) + tagged(b"T", *(ref.encoded() for ref in trace))))
