"""The decoders under a fuzzer that goes by coverage; by hand, since its wheels are for few Pythons.

::

    pip install atheris
    python -m tests.fuzz.by_coverage -max_total_time=600 corpus/

Bytes that prove themselves are sealed here, so that the fuzzer gets behind their digests. What it finds becomes an
example of ``test_decoders.py``.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import atheris

from luisy.errors import LuisyError

if TYPE_CHECKING:
    from collections.abc import Callable

with atheris.instrument_imports(include=["luisy.cas"]):
    from luisy.cas import segments
    from tests.fuzz import samples
    from tests.fuzz.test_decoders import DECODE, built_segment, sealed, whole_segment


def _segment(data: bytes) -> object:
    """*data* as the raw directory of a segment, with its frames behind it."""
    import msgspec

    opened = segments.open_segment(samples.SEGMENT, samples.PROJECT)
    return whole_segment(built_segment(msgspec.Raw(data), b"".join(opened.frames)))


TARGETS: list[Callable[[bytes], object]] = [
    *(decode for decode, _ in DECODE.values()),
    *((lambda data, kind=kind: DECODE[kind][0](sealed(kind, data))) for kind in samples.RECORDS),
    _segment,
]


def one(data: bytes) -> None:
    """The first byte says which decoder gets the rest."""
    if data:
        with contextlib.suppress(LuisyError):
            TARGETS[data[0] % len(TARGETS)](data[1:])


def seeds(folder: str) -> None:
    """Begin with the samples."""
    for number, (_, found) in enumerate(DECODE.values()):
        for place, data in enumerate(found):
            with open(f"{folder}/seed-{number}-{place}", "wb") as file:
                file.write(bytes((number,)) + data[:4096])


def main() -> Any:
    """Until it is stopped, or finds something."""
    if folders := [word for word in sys.argv[1:] if not word.startswith("-")]:
        seeds(folders[0])
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
