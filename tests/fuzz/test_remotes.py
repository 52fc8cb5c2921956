"""A remote whose blobs somebody has changed: what comes is what was pushed, or a miss, or an error that names it."""

from __future__ import annotations

import functools
import shutil
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from luisy.cas import verify
from luisy.cas.remote.memory import MemoryRemote
from luisy.cas.transfer import Ref
from luisy.errors import LuisyError
from tests.fuzz.bounds import answer, fuzzed
from tests.fuzz.changes import changed
from tests.mirrors import machine, put_refs
from tests.unit.cas.values import key

if TYPE_CHECKING:
    from pathlib import Path

SMALL = {"a": b"text " * 200, "b": b"x"}
LARGE = b"y" * ((1 << 20) + 5)


@functools.cache
def pushed(folder: Path) -> dict[str, bytes]:
    """The blobs of a remote with two results and a ref."""
    remote = MemoryRemote()
    one = machine(folder, "one", remote)
    one.result(1, SMALL)
    one.result(2, LARGE)
    one.mirror.push()
    put_refs(one, {"raw/a.csv": Ref(one.store.results([key(1)])[key(1)].manifest)})
    one.store.close()
    return {blob.name: remote.get(blob.name) for blob in remote.list("").blobs}


@given(data=st.data())
@fuzzed(60)
def test_changed_blobs(tmp_path: Path, data: st.DataObject) -> None:
    """Segments, packs, objects, refs and the version, one of them changed, all of the rest as they were."""
    blobs = pushed(tmp_path)
    name = data.draw(st.sampled_from(sorted(blobs)))
    remote = MemoryRemote()
    for other, content in blobs.items():
        remote.put(other, content)
    small = blobs[name] if len(blobs[name]) < 10_000 else blobs[name][:2000]
    remote.put(name, data.draw(changed([small])))
    shutil.rmtree(tmp_path / "two", ignore_errors=True)
    two = machine(tmp_path, "two", remote)
    got = answer(lambda: two.pull(key(1), key(2)))
    if not isinstance(got, LuisyError):
        assert got[key(1)] in (SMALL, None)
        assert got[key(2)] in (LARGE, None)
    answer(lambda: [two.mirror.listed(), two.mirror.refs()])
    answer(two.mirror.push)
    assert not verify.inspect(two.store).problems
    two.store.close()
