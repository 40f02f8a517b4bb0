"""The layer of requirements: what is in it, that it is the same everywhere, and who is refused.

All packages are made here and served on loopback; uv, the bytecode and the tar are real.
"""

import csv
import getpass
import hashlib
import io
import marshal
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
from collections.abc import Generator
from pathlib import Path

import pytest
from conftest import LONG
from package_index import PASSWORD, USER, Index, index, sdist, wheel

from penstock.images.bytecode import worth_compiling
from penstock.images.index_settings import IndexSettings
from penstock.images.installed_files import record, script
from penstock.images.locking import LockInputs, locked
from penstock.images.requirement_errors import BadLock, CannotInstall, RequirementsError
from penstock.images.requirements_layer import layers_folder, requirements_layer

PYTHON = ".".join(str(one) for one in sys.version_info[:2])
TAG = sys.implementation.cache_tag
PLATFORM = "linux/amd64"

MANY = {f"pack/part_{number:03}.py": f"NAME = 'part {number}'\n" for number in range(150)}
PACK = wheel(
    "pack",
    "1.0",
    {
        **MANY,
        "pack/__init__.py": "import sys\ndef main() -> None:\n    print('ran', sys.argv[0])\n",
        "pack/where.py": "HERE = __file__\n",
        "pack/template.py": "this is {{ no }} Python\n",
        "pack/tests/test_it.py": "assert True\n",
        "pack/data.bin": bytes(range(256)) * 700,
        "pack-1.0.data/data/share/pack/helper.py": "x = 1\n",
    },
    scripts={"run-pack": "pack:main"},
)
PLAIN = wheel("plain", "1.0", {"plain.py": "VALUE = 1\n"})


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Generator[Index]:
    """An index with a password, and no other one; caches are empty."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_INDEX_COMPANY_USERNAME", USER)
    monkeypatch.setenv("UV_INDEX_COMPANY_PASSWORD", PASSWORD)
    with index(protected=True) as running:
        running.add(PACK, PLAIN)
        yield running


def settings(running: Index) -> IndexSettings:
    return IndexSettings(index=f"company={running.url}")


def lock(running: Index, *requirements: str) -> str:
    inputs = LockInputs(requirements, (), PYTHON, PLATFORM)
    return locked(inputs, settings(running), lambda _: None)


def layer(running: Index, text: str, platform: str = PLATFORM) -> Path:
    return requirements_layer(text, PYTHON, platform, settings(running), lambda _: None)


def contents(tar: Path) -> dict[str, bytes]:
    with tarfile.open(tar) as archive:
        return {
            one.name: (archive.extractfile(one) or io.BytesIO()).read()
            for one in archive
            if one.isfile()
        }


def python(root: Path, *arguments: str, expected: int = 0) -> str:
    """What Python prints that finds packages as it does in an image."""
    packages = root / "opt/requirements"
    environment = {
        "PATH": f"{packages}/bin:{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": str(packages),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        arguments, env=environment, capture_output=True, text=True, check=False, cwd=root
    )
    assert done.returncode == expected, done.stderr
    return done.stdout.strip()


def unpacked(tar: Path, folder: Path) -> Path:
    with tarfile.open(tar) as archive:
        archive.extractall(folder, filter="tar")
    return folder


def test_what_is_in_it(ours: Index, tmp_path: Path) -> None:
    tar = layer(ours, lock(ours, "pack", "plain"))
    with tarfile.open(tar) as archive:
        members = archive.getmembers()
    names = [one.name for one in members]
    assert names[:2] == ["opt", "opt/requirements"]
    assert len(names) == len(set(names))
    assert all(one == "opt" or one.startswith("opt/requirements") for one in names)
    assert {one.mtime for one in members} == {1_700_000_000}
    assert {(one.uid, one.gid, one.uname, one.gname) for one in members} == {(0, 0, "", "")}
    modes = {one.name: one.mode for one in members if one.isfile()}
    assert {name for name, mode in modes.items() if mode == 0o755} == {
        "opt/requirements/bin/run-pack"
    }
    assert set(modes.values()) == {0o755, 0o644}
    assert {one.mode for one in members if one.isdir()} == {0o755}
    known: set[str] = set()
    for one in members:  # a folder comes before what it holds
        assert one.name == "opt" or os.path.dirname(one.name) in known
        if one.isdir():
            known.add(one.name)
    found = contents(tar)
    for absent in (".lock", "direct_url.json", "uv_cache.json", "uv_build.json"):
        assert not [one for one in found if one.endswith(f"/{absent}")]
    compiled = {one for one in found if one.endswith(".pyc")}
    assert f"opt/requirements/__pycache__/plain.{TAG}.pyc" in compiled
    assert f"opt/requirements/pack/__pycache__/part_007.{TAG}.pyc" in compiled
    assert len(compiled) == len(MANY) + 3
    root = unpacked(tar, tmp_path / "root")
    code = "import pack.where, plain; print(pack.where.__cached__)"
    where = f"opt/requirements/pack/__pycache__/where.{TAG}.pyc"
    assert python(root, sys.executable, "-c", code) == f"{root}/{where}"
    assert marshal.loads(found[where][16:]).co_filename == "/opt/requirements/pack/where.py"
    assert python(root, "run-pack").startswith("ran ")
    assert found["opt/requirements/bin/run-pack"].startswith(b"#!/usr/bin/env python3\n")


def test_bytecode_is_used_whatever_the_times_of_files_are(ours: Index, tmp_path: Path) -> None:
    root = unpacked(layer(ours, lock(ours, "plain")), tmp_path / "root")
    (root / "opt/requirements/plain.py").write_text("VALUE = 2\n")
    code = "import plain; print(plain.VALUE)"
    assert python(root, sys.executable, "-c", code) == "1"


def test_its_lists_of_files_are_true(ours: Index) -> None:
    found = contents(layer(ours, lock(ours, "pack")))
    text = found["opt/requirements/pack-1.0.dist-info/RECORD"].decode()
    rows = {row[0]: row for row in csv.reader(io.StringIO(text))}
    assert "bin/run-pack" in rows
    for path, digest, size in rows.values():
        content = found[f"opt/requirements/{path}"]
        if digest:
            assert digest.startswith("sha256=")
            assert int(size) == len(content)
            assert digest == _urlsafe(content)


def _urlsafe(content: bytes) -> str:
    import base64

    encoded = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
    return "sha256=" + encoded.rstrip(b"=").decode()


def test_nothing_of_this_machine_is_in_it(ours: Index, tmp_path: Path) -> None:
    text = lock(ours, "pack", "plain")
    secrets = [USER, PASSWORD, f":{ours.port}", "127.0.0.1", sys.prefix, sys.base_prefix]
    secrets += [str(tmp_path), str(Path.home()), os.environ["UV_CACHE_DIR"]]
    # Short names stand in digests by chance.
    secrets += [one for one in (socket.gethostname(), getpass.getuser()) if len(one) > 5]
    for one in secrets:
        assert one.encode() not in text.encode(), one
        for name, content in contents(layer(ours, text)).items():
            assert one.encode() not in content, f"{one} in {name}"


AGAIN = """\
import sys
from penstock.images.index_settings import IndexSettings
from penstock.images.requirements_layer import requirements_layer

text, python, index = sys.argv[1:]
settings = IndexSettings(index=index or None)
print(requirements_layer(text, python, "linux/amd64", settings, lambda _: None))
"""


def test_it_is_the_same_everywhere(ours: Index, tmp_path: Path) -> None:
    text = lock(ours, "pack", "plain")
    first = layer(ours, text).read_bytes()
    shutil.rmtree(layers_folder())
    assert layer(ours, text).read_bytes() == first  # with uv's cache
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    for name, content in ours.files.items():
        (wheels / name).write_bytes(content)
    # From a folder, uv notes when each wheel was written there.
    for number, variables in enumerate(
        (
            {"PYTHONHASHSEED": "7", "PYTHONOPTIMIZE": "2", "LANG": "C", "TZ": "Asia/Tokyo"},
            {"UV_LINK_MODE": "symlink", "UV_COMPILE_BYTECODE": "1", "PYTHONUTF8": "1"},
            {"UV_FIND_LINKS": str(wheels), "UV_NO_INDEX": "1", "UV_LINK_MODE": "copy"},
        )
    ):
        place = tmp_path / f"place-{number}" / "a folder with spaces"
        place.mkdir(parents=True)
        environment = os.environ | variables
        environment |= {"XDG_CACHE_HOME": str(place), "UV_CACHE_DIR": str(place / "uv")}
        url = "" if "UV_NO_INDEX" in variables else f"company={ours.url}"
        command = [sys.executable, "-c", AGAIN, text, PYTHON, url]
        done = subprocess.run(
            command, env=environment, cwd=place, capture_output=True, text=True, check=True
        )
        assert Path(done.stdout.strip()).read_bytes() == first


def test_a_layer_is_made_once_and_needs_no_uv_then(
    ours: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = lock(ours, "plain")
    made = layer(ours, text)
    before = made.stat().st_ino
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", "")
    noted = text.replace("# Review", "# My note. Review")
    assert layer(ours, noted) == made
    assert made.stat().st_ino == before
    assert [one.name for one in layers_folder().iterdir()] == [made.name]


def test_without_a_network_uv_takes_what_it_has(
    ours: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = lock(ours, "plain")
    first = layer(ours, text).read_bytes()
    shutil.rmtree(layers_folder())
    ours.files.clear()
    monkeypatch.setenv("UV_OFFLINE", "1")
    assert layer(ours, text).read_bytes() == first
    with pytest.raises(CannotInstall):
        layer(ours, text.replace("plain==1.0", "pack==1.0"))
    assert len(list(layers_folder().iterdir())) == 1


def test_a_wheel_that_was_changed_is_refused(ours: Index) -> None:
    text = lock(ours, "plain")
    shutil.rmtree(os.environ["UV_CACHE_DIR"])
    ours.add(wheel("plain", "1.0", {"plain.py": "VALUE = 'changed'\n"}))
    with pytest.raises(CannotInstall) as caught:
        layer(ours, text)
    assert str(caught.value) == (
        f"what the package index has as plain==1.0 for linux/amd64 and Python {PYTHON} is none of "
        "the files in the lock: its digest differs"
    )


def test_a_lock_without_a_digest_is_refused(ours: Index) -> None:
    with pytest.raises(BadLock):
        layer(ours, "plain==1.0\n")


def test_a_package_without_a_wheel_is_built_if_it_is_python_only(
    ours: Index, tmp_path: Path
) -> None:
    ours.add(sdist("only_source", "1.0", {"only_source.py": "VALUE = 3\n"}))
    ours.add(sdist("also_source", "1.0", {"also_source.py": "VALUE = 4\n"}))
    tar = layer(ours, lock(ours, "only-source", "also-source", "plain"))
    root = unpacked(tar, tmp_path / "root")
    code = "import only_source, also_source; print(only_source.VALUE + also_source.VALUE)"
    assert python(root, sys.executable, "-c", code) == "7"


@pytest.mark.parametrize(
    ("tag", "file"),
    [(f"cp{PYTHON.replace('.', '')}-abi3-linux_x86_64", "in_c.py"), ("py3-none-any", "in_c.so")],
)
def test_a_package_without_a_wheel_that_holds_machine_code_is_refused(
    ours: Index, tag: str, file: str
) -> None:
    ours.add(sdist("in_c", "1.5", {file: "x = 1\n"}, tag=tag))
    text = lock(ours, "in-c", "plain")
    with pytest.raises(CannotInstall) as caught:
        layer(ours, text)
    assert str(caught.value) == (
        f"in-c 1.5 has no wheel for linux/amd64 and Python {PYTHON}, and holds machine code: "
        "choose a version that has one, or a base image that brings the package"
    )
    assert list(layers_folder().iterdir()) == []


def test_a_wheel_for_another_platform_is_not_taken(ours: Index) -> None:
    for machine in ("x86_64", "aarch64"):
        files: dict[str, str | bytes] = {
            "machine.py": f"NAME = '{machine}'\n",
            "machine.so": b"\x7fELF",
        }
        ours.add(wheel("machine", "1.0", files, tag=f"py3-none-manylinux_2_17_{machine}"))
    text = lock(ours, "machine")
    for platform, name in (("linux/amd64", b"x86_64"), ("linux/arm64", b"aarch64")):
        found = contents(layer(ours, text, platform))
        assert name in found["opt/requirements/machine.py"]
        assert (
            b"none-manylinux_2_17_" + name in found["opt/requirements/machine-1.0.dist-info/WHEEL"]
        )


PATH_FILE = """\
# a note
import os; os.environ['FROM_PATH_FILE'] = 'seen'
below
"""


@pytest.mark.parametrize("theirs", [None, "import sys\nsys.theirs = True\n"])
def test_path_files_work(ours: Index, tmp_path: Path, theirs: str | None) -> None:
    files = {"own.pth": PATH_FILE, "below/deep.py": "VALUE = 5\n"}
    if theirs is not None:
        files["sitecustomize.py"] = theirs
    ours.add(wheel("with_path", "1.0", files))
    root = unpacked(layer(ours, lock(ours, "with-path")), tmp_path / "root")
    code = (
        "import os, sys, deep; "
        "print(os.environ['FROM_PATH_FILE'], deep.VALUE, getattr(sys, 'theirs', None))"
    )
    seen = python(root, sys.executable, "-c", code)
    assert seen == f"seen 5 {True if theirs else None}"


def test_path_files_that_do_nothing_change_nothing(ours: Index) -> None:
    ours.add(wheel("with_path", "1.0", {"own.pth": "# a note\n\n"}))
    found = contents(layer(ours, lock(ours, "with-path")))
    assert "opt/requirements/sitecustomize.py" not in found


def test_an_empty_lock_gives_an_empty_layer(ours: Index) -> None:
    with tarfile.open(layer(ours, "# nothing\n")) as archive:
        assert archive.getnames() == ["opt", "opt/requirements"]


def test_a_python_that_is_not_here(ours: Index) -> None:
    with pytest.raises(RequirementsError) as caught:
        requirements_layer("", "3.99", PLATFORM, settings(ours), lambda _: None)
    assert str(caught.value) == (
        "the image has Python 3.99 and this machine has none: install it, or "
        "`uv python install 3.99`"
    )


def test_a_killed_writer_leaves_no_half_layer(ours: Index, tmp_path: Path) -> None:
    text = lock(ours, "pack", "plain")
    command = [sys.executable, "-c", AGAIN, text, PYTHON, f"company={ours.url}"]
    kills = 0
    while True:  # later and later, until one has the time to finish
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            try:
                process.wait(0.1 + kills * 0.15)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                kills += 1
        whole = list(layers_folder().glob("*.tar"))
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        assert whole == [] or contents(whole[0])
    assert kills > 1
    assert contents(whole[0]) == contents(layer(ours, text))


def test_what_killed_writers_left_is_removed_after_a_day(ours: Index) -> None:
    for name, age in (("making-old", 2), ("making-new", 0)):
        left = layers_folder() / name
        left.mkdir(parents=True)
        then = left.stat().st_mtime - age * 86_400
        os.utime(left, (then, then))
    made = layer(ours, lock(ours, "plain"))
    assert {one.name for one in layers_folder().iterdir()} == {made.name, "making-new"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"#!/some where/python3.11\nx", b"#!/usr/bin/env python3\nx"),
        (b"#!python\nx", b"#!/usr/bin/env python3\nx"),
        (b"#!/a/python\r\nx", b"#!/usr/bin/env python3\r\nx"),
        (
            b"#!/bin/sh\n'''exec' '/a b/python' \"$0\" \"$@\"\n' '''\nx",
            b"#!/usr/bin/env python3\nx",
        ),
        (b"#!/bin/sh\necho", b"#!/bin/sh\necho"),
        (b"#!/usr/bin/env python3\nx", b"#!/usr/bin/env python3\nx"),
        (b"\x7fELF", b"\x7fELF"),
    ],
)
def test_scripts_start_the_python_of_the_image(before: bytes, after: bytes) -> None:
    assert script(before) == after


def test_lists_of_files_with_odd_names() -> None:
    text = '"a,b.py",sha256=x,1\nbin/it,sha256=y,2\np-1.dist-info/uv_cache.json,,\n'
    assert record(text, {"bin/it": b"hello"}).splitlines() == [
        '"a,b.py",sha256=x,1',
        "bin/it,sha256=LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ,5",
    ]


@pytest.mark.parametrize(
    ("path", "worth"),
    [
        ("six.py", True),
        ("a/b/c.py", True),
        ("tests/a.py", True),
        ("a/tests/b.py", False),
        ("a/test/b.py", False),
        ("a/testing/b.py", True),
        ("bin/a.py", False),
        ("a-1.0.dist-info/a.py", False),
        ("a/b.pyi", False),
    ],
)
def test_what_is_worth_compiling(path: str, worth: bool) -> None:
    from pathlib import PurePosixPath

    assert worth_compiling(PurePosixPath(path)) is worth


@pytest.mark.skipif(not LONG, reason="PENSTOCK_LONG=1 downloads pandas and scikit-learn")
def test_pandas_and_scikit_learn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    inputs = LockInputs(("pandas", "scikit-learn"), (), PYTHON, PLATFORM)
    text = locked(inputs, IndexSettings(), print)
    made = requirements_layer(text, PYTHON, PLATFORM, IndexSettings(), print)
    first = _sha256(made)
    root = unpacked(made, tmp_path / "root")
    code = "import pandas, sklearn.linear_model; print(pandas.DataFrame({'a': [1]}).a.sum())"
    assert python(root, sys.executable, "-S", "-c", code) == "1"
    made.unlink()
    assert _sha256(requirements_layer(text, PYTHON, PLATFORM, IndexSettings(), print)) == first


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
