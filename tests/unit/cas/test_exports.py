"""The format of export files: what a writer makes, and that a reader takes nothing else."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from luisy.cas.envelope import seal
from luisy.cas.exports import Head, Member, Part, Reader, Writer
from luisy.cas.hashing import digest_bytes
from luisy.errors import CorruptionError, LuisyError, StoreError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NAMES = [f"{number:064x}" for number in range(4)]
MEMBERS = [
    (Member(Part.OBJECT, NAMES[0], 0), b""),
    (Member(Part.OBJECT, NAMES[1], 512), b"x" * 512),
    (Member(Part.ACTION, NAMES[0], 3), b"abc"),
    (Member(Part.ALIAS, NAMES[2], 5), b"alias"),
]
HEAD = Head(2, 512, 1, 1)


def written(members: Sequence[tuple[Member, bytes]] = MEMBERS, head: Head = HEAD) -> bytes:
    """An export file of *members*."""
    target = io.BytesIO()
    writer = Writer(target, head)
    for member, data in members:
        writer.begin(member)
        writer.write(data)
    writer.end()
    return target.getvalue()


def read(data: bytes) -> list[tuple[Member, bytes]]:
    """All that a reader finds in *data*."""
    reader = Reader(io.BytesIO(data))
    return [(member, b"".join(reader.pieces())) for member in reader.members()]


def slug_of(data: bytes) -> str:
    """Why *data* is refused."""
    with pytest.raises(LuisyError) as caught:
        read(data)
    return caught.value.slug


def test_a_reader_finds_what_a_writer_wrote() -> None:
    """Members with their bytes, in order, and the head."""
    assert read(written()) == MEMBERS
    assert Reader(io.BytesIO(written())).head == HEAD


def test_what_is_not_read_is_skipped() -> None:
    """A caller may look at the members alone."""
    assert list(Reader(io.BytesIO(written())).members()) == [member for member, _ in MEMBERS]


def test_the_bytes_of_the_format_do_not_change() -> None:
    """Golden vector: the same members always give these bytes."""
    assert digest_bytes(written()) == "071207f2dcb702707f19a3ce074c1d06897a01d9e9747dac6b9510ec65c85840"


def test_any_tar_lists_it() -> None:
    """The file is an archive for other programs, too: names, sizes and bytes."""
    with tarfile.open(fileobj=io.BytesIO(written())) as archive:
        infos = archive.getmembers()
        assert [info.name for info in infos[1:]] == [member.path for member, _ in MEMBERS]
        assert all(info.isreg() and info.mode == 0o444 and info.mtime == info.uid == 0 for info in infos)
        last = archive.extractfile(infos[-1])
        assert last is not None
        assert last.read() == b"alias"


@pytest.mark.parametrize("size", [(1 << 33) - 1, 1 << 33, (1 << 63) - 1])
def test_sizes_of_many_gigabytes_are_those_of_gnu_tar(size: int) -> None:
    """From 8 GiB on a size is binary, and read again, by tar as well."""
    target = io.BytesIO()
    Writer(target, HEAD).begin(Member(Part.OBJECT, NAMES[0], size))
    data = target.getvalue()
    assert tarfile.TarInfo.frombuf(data[-512:], "ascii", "strict").size == size
    assert next(Reader(io.BytesIO(data)).members()).size == size


def test_a_cut_anywhere_is_noticed() -> None:
    """No beginning of an export passes for a whole one."""
    data = written()
    assert {slug_of(data[:length]) for length in range(0, len(data), 61)} == {"bad-export"}
    assert slug_of(data[:-1]) == "bad-export"


def test_no_flipped_bit_outside_of_the_objects_passes() -> None:
    """Headers, paddings, head and end have one encoding each."""
    data = written()
    bodies = {place for at, size in _bodies(data) for place in range(at, at + size)}
    for place in range(0, len(data), 7):
        if place not in bodies:
            changed = bytearray(data)
            changed[place] ^= 1
            assert slug_of(bytes(changed)) in ("bad-export", "newer-export"), place


def _bodies(data: bytes) -> list[tuple[int, int]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return [(info.offset_data, info.size) for info in archive.getmembers()[1:]]


@pytest.mark.parametrize(
    ("members", "head"),
    [
        ([MEMBERS[1], MEMBERS[0], *MEMBERS[2:]], HEAD),
        ([MEMBERS[0], MEMBERS[0], *MEMBERS[2:]], Head(2, 0, 1, 1)),
        ([*MEMBERS[2:], *MEMBERS[:2]], HEAD),
        (MEMBERS[:-1], HEAD),
        (MEMBERS, Head(2, 513, 1, 1)),
        (MEMBERS, Head(1, 512, 1, 1)),
    ],
    ids=["unsorted", "twice", "records-first", "one-less", "other-bytes", "other-count"],
)
def test_order_and_counts_are_held_to(members: Sequence[tuple[Member, bytes]], head: Head) -> None:
    """Members stand in order, each once, and are those that the head tells of."""
    assert slug_of(written(members, head)) == "bad-export"


def tampered(change: Callable[[tarfile.TarInfo], None]) -> bytes:
    """An export with another header before its last member, checksum and all."""
    data = written()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        info = archive.getmembers()[-1]
    at = info.offset
    change(info)
    return data[:at] + info.tobuf(tarfile.GNU_FORMAT) + data[at + 512 :]


def _set(**values: object) -> Callable[[tarfile.TarInfo], None]:
    def change(info: tarfile.TarInfo) -> None:
        for name, value in values.items():
            setattr(info, name, value)

    return change


@pytest.mark.parametrize(
    "values",
    [
        {"name": "../" * 20 + "etc/passwd"},
        {"name": "/etc/passwd"},
        {"name": "aliases/00/../../../x"},
        {"name": f"aliases/00/{'A' * 62}"},
        {"name": f"aliases/00/{'0' * 61}\n"},
        {"name": f"objects\\00\\{'0' * 62}"},
        {"name": "luisy-export.json"},
        {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
        {"type": tarfile.LNKTYPE, "linkname": "x"},
        {"type": tarfile.DIRTYPE},
        {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3},
        {"type": tarfile.FIFOTYPE},
        {"type": tarfile.GNUTYPE_LONGNAME},
        {"type": tarfile.XHDTYPE},
        {"mode": 0o4777},
        {"uid": 1000},
        {"mtime": 1},
    ],
    ids=str,
)
def test_members_that_no_export_has_are_refused(values: dict[str, object]) -> None:
    """Other names, kinds, modes and owners are no part of the format, however well they are formed."""
    assert slug_of(tampered(_set(**values))) == "bad-export"


def test_a_size_without_bytes_is_a_cut() -> None:
    """An absurd size promises bytes that do not come; nothing is allocated for them."""
    assert slug_of(tampered(_set(size=(1 << 62)))) == "bad-export"


def test_a_record_of_absurd_size_is_refused_unread() -> None:
    """Records are read whole, so they have a limit."""
    target = io.BytesIO()
    Writer(target, HEAD).begin(Member(Part.ACTION, NAMES[0], 1 << 40))
    reader = Reader(io.BytesIO(target.getvalue()))
    with pytest.raises(CorruptionError, match="too large"):
        reader.whole(next(reader.members()))


@pytest.mark.parametrize("after", [b"x", b"\0", bytes(10240)])
def test_nothing_stands_behind_the_end(after: bytes) -> None:
    """What follows the end is refused: it may be what somebody has hidden, or another export."""
    assert slug_of(written() + after) == "bad-export"


def test_a_newer_version_says_so() -> None:
    """A file of a later format is no damage, and the hint is to update."""
    head = seal("export", {}).replace(b"luisy-export-1 ", b"luisy-export-2 ")
    with pytest.raises(StoreError, match="newer luisy") as caught:
        Head.decode(head)
    assert (caught.value.slug, caught.value.exit_code) == ("newer-export", 2)


def test_an_unreadable_file_is_told_as_that() -> None:
    """An error of the disk that the file lies on is not taken for the store's."""

    class Broken(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(UsageError, match="Input/output error") as caught:
        Reader(Broken())
    assert caught.value.slug == "cannot-read"
