"""Machines that trust some keys: whose results count, and what somebody who may write but is not trusted can do."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from luisy.cas import segments
from luisy.cas.gc import Policy
from luisy.cas.remote.memory import MemoryRemote
from luisy.cas.remote_gc.compacting import compacted
from luisy.cas.remote_gc.inventory import inventory
from luisy.cas.remote_limits import FOLD_ABOVE
from luisy.cas.remote_names import Namespace, new_uuid, segment_name
from luisy.cas.remote_records import BadRecord, Block, Records, folded
from luisy.cas.segments import encode, open_segment, records_of
from luisy.cas.signing import Authority
from luisy.cas.transfer import Ref
from luisy.errors import UsageError
from tests.collectors import collect
from tests.mirrors import Machine, machine, put_refs
from tests.unit.cas.test_signing import signing_key
from tests.unit.cas.values import key

if TYPE_CHECKING:
    from pathlib import Path

INDEX = Namespace("weather").index


def authority(*trusted: int, signer: int | None = None) -> Authority:
    """Who trusts the keys of these numbers (none: everybody), and signs with one."""
    keys = frozenset(signing_key(number).public for number in trusted)
    return Authority(keys or None, None if signer is None else signing_key(signer))


class Container:
    """A remote, and machines that write to it and read from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.remote = MemoryRemote()
        self.count = 0

    def machine(self, name: str, who: Authority | None = None) -> Machine:
        return machine(self.folder, name, self.remote, authority=who)

    def push(
        self, data: bytes, *, number: int = 1, signer: int | None = None, force: bool = False
    ) -> Machine:
        """Somebody with a new store pushes a result: heeding nobody else, or in place of what anybody has pushed."""
        self.count += 1
        one = self.machine(
            f"pusher-{self.count}", authority(*([signer] if signer and not force else []), signer=signer)
        )
        name = one.result(number, data)
        one.mirror.push([name], superseding=frozenset([name] if force else []))
        return one

    def pulled(self, *trusted: int, number: int = 1) -> Any:
        """What somebody with an empty store gets who trusts these."""
        self.count += 1
        return self.machine(f"puller-{self.count}", authority(*trusted)).pull(key(number))[key(number)]

    def segments(self) -> dict[str, Records]:
        """All that is committed."""
        return {
            blob.name: records_of(open_segment(self.remote.get(blob.name), "weather"))
            for blob in self.remote.list(INDEX).blobs
            if blob.size
        }

    def forge(self, records: Records, *, level: int = 0) -> None:
        """Put a segment there, as who may write can."""
        self.remote.put(INDEX + segment_name(level, new_uuid()), encode("weather", records))


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(tmp_path)


# --- who counts


def test_what_a_trusted_key_signed_comes_down(container: Container) -> None:
    """Also for who trusts nobody in particular."""
    container.push(b"good", signer=1)
    assert [container.pulled(*trusted) for trusted in ((1,), (2, 1), ())] == [b"good"] * 3


@pytest.mark.parametrize("signer", [None, 2])
def test_what_others_made_is_a_miss_and_told_once(
    container: Container, caplog: pytest.LogCaptureFixture, signer: int | None
) -> None:
    """Whether it is signed or not; who trusts nobody in particular has it."""
    container.push(b"theirs", signer=signer)
    container.push(b"theirs too", signer=signer, number=2)
    reader = container.machine("reader", authority(1))
    with caplog.at_level(logging.WARNING):
        assert reader.pull(key(1), key(2)) == {key(1): None, key(2): None}
        assert reader.mirror.results([key(1), key(2)]) == {}
    assert len([one for one in caplog.messages if "none of the trusted keys" in one]) == 1
    assert container.pulled() == b"theirs"


def test_where_nothing_is_missed_nothing_is_told(
    container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    """Others may have results of their own beside the trusted ones."""
    container.push(b"theirs")
    container.push(b"good", signer=1)
    with caplog.at_level(logging.WARNING):
        assert container.pulled(1) == b"good"
    assert caplog.messages == []


@pytest.mark.parametrize("force", [False, True])
def test_trust_comes_before_who_wins(container: Container, *, force: bool) -> None:
    """Neither who was first nor who supersedes wins over a trusted key's result, if his own does not count."""
    container.push(b"evil", signer=2, force=force)
    container.push(b"good", signer=1)
    container.push(b"evil again", force=True)
    assert container.pulled(1) == b"good"
    assert container.pulled() == b"evil again"


def test_of_two_trusted_keys_the_first_slot_wins(container: Container) -> None:
    """As without keys; and both take it."""
    container.push(b"first", signer=1)
    late = container.machine("late", authority(1, 2, signer=2))
    late.result(1, b"second")
    assert late.mirror.push().outvoted == (key(1),)
    container.push(b"unheard of the first", signer=2)
    assert container.pulled(1, 2) == b"first"
    assert late.pull(key(1)) == {key(1): b"first"}


def test_every_question_is_answered_by_trusted_results_only(container: Container) -> None:
    """By shallow key, by trace, by task, by prefix and in lists."""
    one = container.machine("one", authority(signer=2))
    one.result(1, b"x", shallow_key=key(8))
    one.result(2, b"x", base_key=key(9))
    one.mirror.push()
    reader = container.machine("reader", authority(1))
    reader.mirror.refresh()
    item = container.machine("everybody")
    item.mirror.refresh()
    task = item.mirror.actions([key(1)])[key(1)]
    for mirror, found in ((item.mirror, True), (reader.mirror, False)):
        assert (mirror.by_shallow(key(8)) is not None) is found
        assert bool(mirror.traced([key(9)])) is found
        assert bool(mirror.listed()) is found
        assert bool(mirror.starting(key(1)[:8])) is found
        assert bool(mirror.known_many([("weather", "Clean", task.params_digest)])) is found
        assert bool(mirror.history("weather", "Clean", task.params_digest)) is found
        assert (mirror.nearest("weather", "Clean", task.params_digest) is not None) is found
        assert bool(mirror.actions([key(1)])) is found


# --- keys that come and go


def test_a_revoked_key_s_results_miss_at_once_and_are_back_with_it(container: Container) -> None:
    """Also those that were merged when it was trusted; without a request."""
    container.push(b"one", signer=1)
    container.push(b"two", signer=2, number=2)
    container.machine("reader", authority(1, 2)).mirror.refresh()
    for trusted, found in (((1, 2), {key(1), key(2)}), ((2,), {key(2)}), ((1, 2), {key(1), key(2)})):
        assert set(container.machine("reader", authority(*trusted)).mirror.results([key(1), key(2)])) == found


def test_what_was_merged_before_anybody_was_trusted_is_verified_then(container: Container) -> None:
    """Good signatures count from the next refresh on, forged ones do not."""
    container.push(b"good", signer=1)
    container.push(b"theirs", number=2)
    (forged,) = [one for one in container.segments().values() if not one.blocks[0].key_id]
    claim = msgspec.structs.replace(forged.blocks[0], key_id=signing_key(1).public, signature=bytes(64))
    container.forge(folded([Records((claim,), forged.actions, locations=forged.locations)]))
    container.machine("reader").mirror.refresh()
    reader = container.machine("reader", authority(1))
    reader.mirror.refresh()
    assert set(reader.mirror.results([key(1), key(2)])) == {key(1)}


def test_a_wrong_signature_is_told(container: Container, caplog: pytest.LogCaptureFixture) -> None:
    """It is no accident."""
    container.push(b"good", signer=1)
    (records,) = container.segments().values()
    claim = msgspec.structs.replace(records.blocks[0], opened=1)
    container.forge(Records((claim,), records.actions))
    with caplog.at_level(logging.WARNING):
        assert container.pulled(1) == b"good"
    assert [one for one in caplog.messages if "not by the key they name" in one]


def test_a_record_that_a_signed_block_does_not_list_is_nobody_s(container: Container) -> None:
    """A trusted block vouches for nothing that was put beside its records."""
    container.push(b"good", signer=1)
    container.push(b"evil", signer=2, number=2)
    good, evil = (
        next(one for one in container.segments().values() if one.blocks[0].key_id == signing_key(n).public)
        for n in (1, 2)
    )
    container.forge(Records(good.blocks, evil.actions, locations=evil.locations))
    assert container.pulled(1, number=2) is None


def test_a_truncated_block_s_results_miss(container: Container) -> None:
    """Its list of records is what is signed."""
    one = container.machine("one", authority(1, signer=1))
    for number in (1, 2):
        one.result(number, b"good %d" % number)
    one.mirror.push()
    ((name, records),) = container.segments().items()
    short = msgspec.structs.replace(records.blocks[0], records=records.actions[0].digest())
    container.remote.delete(name)
    container.forge(Records((short,), records.actions[:1], locations=records.locations))
    assert container.pulled(1) is None


def test_a_dropped_record_leaves_its_block_signed(container: Container) -> None:
    """As compaction drops them: the list stays as it was."""
    one = container.machine("one", authority(1, signer=1))
    for number in (1, 2):
        one.result(number, b"good %d" % number)
    one.mirror.push()
    ((name, records),) = container.segments().items()
    container.remote.delete(name)
    kept = [action for action in records.actions if action.key.hex() == key(1)]
    container.forge(Records(records.blocks, kept, locations=records.locations))
    assert container.pulled(1) == b"good 1"


# --- folding


def test_folding_keeps_signatures(container: Container) -> None:
    """Whoever folds, and whether he has a key or not."""
    for number in range(1, FOLD_ABOVE + 3):
        container.push(b"good %d" % number, number=number, signer=1)
    folder = container.machine("folder")
    folder.mirror.refresh()
    folder.result(99, b"unsigned")
    folder.mirror.push()
    reader = container.machine("reader", authority(1))
    assert set(reader.pull(*(key(number) for number in range(1, FOLD_ABOVE + 3))).values()) == {
        b"good %d" % number for number in range(1, FOLD_ABOVE + 3)
    }
    assert len(reader.mirror._index.merged()) < FOLD_ABOVE


@pytest.mark.parametrize("forged_first", [False, True])
def test_a_block_with_another_s_slot_takes_nothing_from_it(
    container: Container, *, forged_first: bool
) -> None:
    """Folded with it, in either order, both stay what they are."""
    container.push(b"good", signer=1)
    (good,) = container.segments().values()
    forged = Records((Block(good.blocks[0].slot, 1, b""),))
    both = folded([forged, good] if forged_first else [good, forged])
    assert set(both.blocks) == {good.blocks[0], forged.blocks[0]}
    assert both.blocks[both.actions[0].block] == good.blocks[0]


@pytest.mark.parametrize("claimed", [None, 1, 2])
def test_gc_keeps_what_wins_for_who_trusts_its_key(container: Container, claimed: int | None) -> None:
    """Whoever else came first, and also if he says that he has that very key."""
    container.push(b"evil", signer=2)
    (evil,) = container.segments().values()
    container.push(b"good", signer=1)
    if claimed is not None:
        keys = {"key_id": signing_key(claimed).public, "opened": 1}
        claim = msgspec.structs.replace(evil.blocks[0], **keys)
        container.forge(Records((claim,), evil.actions))
    store = container.machine("collector").store
    for _ in range(2):
        collect(store, container.remote, Policy(older_than=1e9))
    assert container.pulled(1) == b"good"


def test_gc_keeps_who_said_that_bytes_are_bad(container: Container) -> None:
    """The word stays in a block that lists it, though nothing else is left of that."""
    container.push(b"good", signer=1)
    bad = _bad_word(container)
    block = Block(bytes.fromhex(new_uuid()), 1, bad.told()).signed_by(signing_key(1), "weather")
    container.forge(Records((block,), bads=[bad]))
    records = next(one for one in container.segments().values() if one.bads)
    assert compacted(inventory(records, "weather"), set(), set()).blocks == (block,)


# --- what else may be said


def _bad_word(container: Container) -> BadRecord:
    location = next(one for records in container.segments().values() for one in records.locations)
    etag = str(container.remote.list(Namespace("weather").blob("packs/")).blobs[0].etag)
    return BadRecord(location.digest, location.blob, etag, 0)


@pytest.mark.parametrize("signer", [None, 1])
def test_only_a_trusted_word_about_bad_bytes_lets_another_result_win(
    container: Container, signer: int | None
) -> None:
    """Else anybody could have a trusted result replaced by saying that its bytes are bad."""
    container.push(b"first", signer=1)
    bad = _bad_word(container)
    block = Block(bytes.fromhex(new_uuid()), 1, bad.told())
    container.forge(
        Records((block.signed_by(None if signer is None else signing_key(signer), "weather"),), bads=[bad])
    )
    second = container.machine("second", authority(1, 2, signer=2))
    second.result(1, b"second")
    outvoted = second.mirror.push().outvoted
    assert (outvoted == (key(1),)) is (signer is None)
    assert container.pulled(1, 2) == (b"first" if signer is None else b"second")


def test_a_reader_s_word_is_signed_and_believed(container: Container) -> None:
    """From the damage that a reader met to the pusher who mends it, under keys."""
    one = container.push(b"good", signer=1)
    pack = container.remote.list(Namespace("weather").blob("packs/")).blobs[0].name
    container.remote.put(pack, bytes(len(container.remote.get(pack))))
    reader = container.machine("reader", authority(1, 2, signer=2))
    assert reader.pull(key(1)) == {key(1): None}
    reader.result(5, b"something else")
    reader.mirror.push()
    again = machine(container.folder, one.folder.name, container.remote, authority=authority(1, 2, signer=1))
    again.mirror.push()
    assert container.pulled(1, 2) == b"good"


def test_who_trusts_others_only_pushes_his_own_once(container: Container) -> None:
    """What he pushed is no result for him, and yet it is there."""
    one = container.machine("one", authority(1, signer=2))
    one.result(1, b"mine")
    assert one.mirror.push().actions == (key(1),)
    assert one.mirror.push().actions == ()
    assert container.machine("one", authority(1, signer=2)).mirror.push().actions == ()
    assert one.mirror.results([key(1)]) == {}
    unsigned = container.machine("unsigned", authority(1))
    unsigned.result(2, b"mine")
    assert [unsigned.mirror.push().actions for _ in range(2)] == [(key(2),), ()]


# --- refs


def _content(one: Machine, data: bytes) -> Ref:
    path = one.folder / "raw.csv"
    path.write_bytes(data)
    return Ref(one.store.keep([(b"", str(path))]).digest)


def test_only_a_trusted_ref_says_what_a_file_is(
    container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    """A ref that somebody else has moved, or moved to another name, is as if there was none, and told."""
    good = container.machine("good", authority(1, signer=1))
    evil = container.machine("evil", authority(signer=2))
    ref = _content(good, b"good")
    put_refs(good, {"raw/a.csv": ref})
    reader = container.machine("reader", authority(1))
    assert reader.mirror.refs() == {"raw/a.csv": ref}
    put_refs(evil, {"raw/b.csv": _content(evil, b"evil"), "raw/a.csv": _content(evil, b"evil")}, force=True)
    with caplog.at_level(logging.WARNING):
        assert reader.mirror.refs() == {}
    assert [one for one in caplog.messages if "none of the trusted keys" in one]
    assert set(container.machine("everybody").mirror.refs()) == {"raw/a.csv", "raw/b.csv"}


def test_an_untrusted_ref_is_in_nobody_s_way(container: Container) -> None:
    """It is written over without a question; what does not concern us stays."""
    good = container.machine("good", authority(1, signer=1))
    evil = container.machine("evil", authority(signer=2))
    put_refs(evil, {"raw/b.csv": _content(evil, b"evil"), "raw/a.csv": _content(evil, b"evil")})
    ref = _content(good, b"good")
    put_refs(good, {"raw/a.csv": ref})
    assert container.machine("reader", authority(1)).mirror.refs() == {"raw/a.csv": ref}
    assert set(container.machine("everybody").mirror.refs()) == {"raw/a.csv", "raw/b.csv"}


# --- signing again


def test_rotation(container: Container) -> None:
    """The new key signs what the old one did; then the old one is taken away, and nothing is missed."""
    container.push(b"one", signer=1)
    container.push({"a": b"a" * 2000, **{f"{n:03}": b"" for n in range(60)}}, signer=1, number=2)  # type: ignore[arg-type]
    container.push(b"theirs", signer=3, number=3)
    rotating = container.machine("rotating", authority(1, 2, signer=2))
    would = rotating.mirror.resign(dry_run=True)
    done = rotating.mirror.resign()
    assert would == done
    assert (set(done.actions), done.there, done.left) == ({key(1), key(2)}, 0, (key(3),))
    again = rotating.mirror.resign()
    assert (again.actions, again.there) == ((), 2)
    assert container.pulled(2) == b"one"
    assert container.pulled(2, number=2)["a"] == b"a" * 2000
    assert container.pulled(2, number=3) is None


def test_what_wins_wins_after_the_rotation(container: Container) -> None:
    """Also over what the new key itself, or another that stays, had signed before."""
    for number, other in ((1, 2), (2, 3)):
        container.push(b"winner %d" % number, signer=1, number=number)
        container.push(b"loser", signer=other, number=number)
    container.machine("rotating", authority(1, 2, 3, signer=2)).mirror.resign()
    assert [container.pulled(2, 3, number=number) for number in (1, 2)] == [b"winner 1", b"winner 2"]


def test_what_superseded_supersedes_after_the_rotation(container: Container) -> None:
    """The result that was forced, not the one before it."""
    container.push(b"first", signer=3)
    container.push(b"forced", signer=1, force=True)
    container.machine("rotating", authority(1, 2, 3, signer=2)).mirror.resign()
    assert container.pulled(2, 3) == b"forced"


def test_what_the_store_has_itself_may_be_signed(container: Container) -> None:
    """From an unsigned container to a signed one: by a machine that has the same content, and only that."""
    one = container.push(b"mine")
    container.push(b"theirs", number=2)
    signer = machine(container.folder, one.folder.name, container.remote, authority=authority(1, signer=1))
    signer.result(2, b"another")
    done = signer.mirror.resign()
    assert (done.actions, done.left) == ((key(1),), (key(2),))
    assert container.pulled(1) == b"mine"


def test_damaged_content_vouches_for_nothing(container: Container) -> None:
    """The store's own bytes are verified first."""
    one = container.push(b"mine")
    (path,) = (
        path
        for path in (one.store.path / "objects").rglob("*")
        if path.is_file() and path.read_bytes() == b"mine"
    )
    path.chmod(0o644)
    path.write_bytes(b"evil")
    signer = machine(container.folder, one.folder.name, container.remote, authority=authority(1, signer=1))
    assert signer.mirror.resign().actions == ()


def test_refs_are_signed_again(container: Container) -> None:
    """Those that a trusted key has signed."""
    good = container.machine("good", authority(1, signer=1))
    ref = _content(good, b"good")
    put_refs(good, {"raw/a.csv": ref})
    rotating = container.machine("rotating", authority(1, 2, signer=2))
    assert rotating.mirror.resign(dry_run=True).refs == ("raw/a.csv",)
    assert rotating.mirror.resign().refs == ("raw/a.csv",)
    assert rotating.mirror.resign().refs == ()
    assert container.machine("reader", authority(2)).mirror.refs() == {"raw/a.csv": ref}


def test_nothing_is_signed_without_a_key(container: Container) -> None:
    """It is told which setting is missing."""
    with pytest.raises(UsageError) as caught:
        container.machine("one").mirror.resign()
    assert caught.value.slug == "no-signing-key"


# --- other projects


def test_a_block_of_another_project_does_not_verify(container: Container) -> None:
    """Copied there as it is, or with its segment's project changed, it counts for nothing."""
    container.push(b"good", signer=1)
    (records,) = container.segments().values()
    other = Namespace("other")
    container.remote.put(other.format, b'{"format": 1}')
    container.remote.put(other.index + segment_name(0, new_uuid()), segments.encode("other", records))
    reader = machine(container.folder, "reader", container.remote, "other", authority(1))
    reader.mirror.refresh()
    ((verified,),) = reader.store.database.query("SELECT verified FROM remote_blocks")
    assert verified == -1
    assert reader.mirror.results([key(1)]) == {}
