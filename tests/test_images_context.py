"""The tar that an engine is sent: the same everywhere, and exactly what was hashed."""

import hashlib
import io
import os
import random
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.images.context import MODIFIED, Context, ContextError, File, context_digest, packed

NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12
).filter(lambda name: name not in (".", ".."))
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
FILES = st.builds(File, st.binary(max_size=2000), st.booleans())


@st.composite
def contexts(draw: st.DrawFn) -> dict[str, File]:
    """Files of which none lies below another."""
    paths = draw(st.lists(PATHS, unique=True, max_size=12))
    folders = {one.rsplit("/", depth)[0] for one in paths for depth in range(1, one.count("/") + 1)}
    return {one: draw(FILES) for one in paths if one not in folders}


def read(tar: bytes) -> dict[str, File]:
    """The files in a tar."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as opened:
        found: dict[str, File] = {}
        for one in opened:
            content = opened.extractfile(one)
            if content is not None:
                found[one.name] = File(content.read(), bool(one.mode & 0o111))
        return found


@given(contexts())
def test_every_file_arrives_as_it_was(context: dict[str, File]) -> None:
    """Names in any script, bytes of any kind, and whether a file may be run."""
    with packed(context) as stream:
        assert read(stream.read()) == context


@given(contexts(), st.randoms(use_true_random=False))
def test_the_order_of_files_does_not_matter(
    context: dict[str, File], chance: random.Random
) -> None:
    """The bytes are those of the set of files."""
    names = list(context)
    chance.shuffle(names)
    shuffled = {name: context[name] for name in names}
    with packed(context) as one, packed(shuffled) as other:
        assert one.read() == other.read()


@given(contexts())
def test_the_digest_is_that_of_the_bytes_that_are_sent(context: dict[str, File]) -> None:
    """What is hashed and what is built cannot differ."""
    with packed(context) as stream:
        sent = stream.read()
    assert context_digest(context) == f"sha256:{hashlib.sha256(sent).hexdigest()}"


@given(contexts())
def test_any_change_of_a_file_changes_the_digest(context: dict[str, File]) -> None:
    """Its content, its name, or whether it may be run."""
    before = context_digest(context)
    for name, file in context.items():
        assert isinstance(file.content, bytes)
        others = {one: context[one] for one in context if one != name}
        changed: list[Context] = [
            others,
            {**context, name: File(file.content + b"x", file.executable)},
            {**context, name: File(file.content, not file.executable)},
            {**others, f"{name}.moved": file},
        ]
        assert before not in map(context_digest, changed)


@given(contexts(), st.data())
def test_the_stream_can_be_read_from_anywhere(
    context: dict[str, File], data: st.DataObject
) -> None:
    """A request that is sent again begins anew."""
    with packed(context) as stream:
        whole = stream.read()
        at = data.draw(st.integers(0, len(whole)))
        assert stream.seek(at) == at
        assert stream.read() == whole[at:]
        assert stream.seek(0, os.SEEK_END) == len(whole)
        stream.seek(0)
        assert b"".join(iter(lambda: stream.read(777), b"")) == whole


def test_nothing_in_the_tar_tells_of_this_machine(tmp_path: Path) -> None:
    """No time, no owner, no mode of the files here; folders are there before their files."""
    file = tmp_path / "file"
    file.write_bytes(b"content")
    tars: list[bytes] = []
    for modified, mode in ((1, 0o600), (2_000_000_000, 0o777)):
        os.utime(file, (modified, modified))
        file.chmod(mode)
        with packed({"b/c/file": File(file), "a": File(b"", True)}) as stream:
            tars.append(stream.read())
    assert tars[0] == tars[1]
    with tarfile.open(fileobj=io.BytesIO(tars[0])) as opened:
        members = opened.getmembers()
    assert [one.name for one in members] == ["a", "b", "b/c", "b/c/file"]
    assert [one.mode for one in members] == [0o755, 0o755, 0o755, 0o644]
    for one in members:
        assert (one.mtime, one.uid, one.gid, one.uname, one.gname) == (MODIFIED, 0, 0, "", "")


def test_content_on_disk_gives_the_bytes_of_content_in_memory(tmp_path: Path) -> None:
    """Also for sizes around those of a block and of what is read at once."""
    for size in (0, 1, 511, 512, 513, 262_143, 262_144, 262_145, 1_000_003):
        content = random.Random(size).randbytes(size)
        (tmp_path / "file").write_bytes(content)
        there, here = {"f": File(tmp_path / "file")}, {"f": File(content)}
        with packed(there) as one, packed(here) as other:
            assert one.read() == other.read()


def test_a_large_file_is_not_held_in_memory(tmp_path: Path) -> None:
    """500 MB, of which the disk holds nothing."""
    import tracemalloc

    with (tmp_path / "large").open("wb") as file:
        file.truncate(500_000_000)
    with packed({"large": File(tmp_path / "large")}) as stream:
        tracemalloc.start()
        size = sum(map(len, iter(lambda: stream.read(1 << 20), b"")))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert size > 500_000_000
    assert peak < 8_000_000


@pytest.mark.parametrize("change", ["longer", "shorter", "same size", "gone"])
def test_a_file_that_is_written_meanwhile_is_told(tmp_path: Path, change: str) -> None:
    """Bytes that nobody hashed are not sent."""
    file = tmp_path / "file"
    file.write_bytes(bytes(1_000_000))
    with packed({"file": File(file)}) as stream:
        if change == "gone":
            file.unlink()
        else:
            stream.read(100_000)
            size = {"longer": 1_000_001, "shorter": 300_000, "same size": 1_000_000}[change]
            file.write_bytes(bytes(size))
            os.utime(file, (1, 1))
        with pytest.raises(ContextError, match="file"):
            stream.read()


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../up", "a/../b", "./a", "a//b", "a/", "a\0b", "half\udce4"]
)
def test_paths_that_lead_elsewhere_are_refused(name: str) -> None:
    """A context cannot write outside of itself."""
    with pytest.raises(ContextError, match="is no path inside a context"):
        packed({name: File(b"")})


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """Folders, and files that are not there; and a name that is a file and a folder."""
    with pytest.raises(ContextError, match="is no file"):
        packed({"a": File(tmp_path)})
    with pytest.raises(ContextError, match="No such file"):
        packed({"a": File(tmp_path / "none")})
    with pytest.raises(ContextError, match="'a' is a file and a folder"):
        packed({"a/b": File(b""), "a": File(b"")})
