"""Building, pushing and running images on a real engine, with both of its builders."""

import io
import json
import re
import tarfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from conftest import LONG
from engine_support import BASE, REGISTRY, registry_or_skip
from engines import (
    FakeEngine,
    Proxy,
    engine_socket,
    fake_engine,
    private_registry,
    refusing_registry,
)

from penstock.images.context import MODIFIED, Context, File, packed
from penstock.images.engine import BuildFailed, Engine, EngineError, EngineImage
from penstock.images.plan import ImagePlan
from penstock.images.pushed import PUSHED, PushedImage, push_images, pushed_images
from penstock.ir.nodes import Image

BUILDERS = pytest.mark.parametrize("buildkit", [False, True], ids=["classic", "buildkit"])


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """The engine of the tests."""
    registry_or_skip()
    found = Engine()
    yield found
    found.close()


@pytest.fixture
def name(engine: Engine) -> Iterator[str]:
    """A name for images that are gone afterwards."""
    repository = f"penstock-test-build-{uuid.uuid4().hex[:12]}"
    yield f"{repository}:1"
    listed: list[dict[str, Any]] = cast(Any, engine.client.api).images()
    for one in listed:
        for tag in one["RepoTags"] or ():
            if repository in tag:
                engine.remove(tag)


@pytest.fixture
def proxy(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """Something between the client and the engine that can fail."""
    found = Proxy(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", found.address)
    yield found
    found.close()


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """An engine that says what it is told to say."""
    with fake_engine(tmp_path) as found:
        monkeypatch.setenv("DOCKER_HOST", found.address)
        yield found


def context(dockerfile: str, **files: bytes) -> Context:
    """A context; `__` in a name stands for "/"."""
    named = {name.replace("__", "/"): File(content) for name, content in files.items()}
    return {"Dockerfile": File(dockerfile.encode()), **named}


def ignore(line: str) -> None:
    """Nobody listens."""


def left_of(engine: Engine, name: str) -> list[EngineImage]:
    """Images with the label of a test, but without any name."""
    return [one for one in engine.labelled(f"io.penstock.test={name}") if not one.tags]


# -- building


@BUILDERS
def test_an_image_is_built_of_what_was_sent(engine: Engine, name: str, buildkit: bool) -> None:
    """With its labels, and its steps told in lines."""
    lines: list[str] = []
    sent = context('FROM scratch\nCOPY root/ /\nLABEL one="a b" two=c\n', root__app__f=b"hello")
    built = engine.build(sent, name, lines.append, buildkit=buildkit)
    assert built == engine.find(name) == engine.find(built.id)
    assert built.tags == (name,)
    assert dict(built.labels) == {"one": "a b", "two": "c"}
    assert len(built.layers) == 1
    assert built.size == 5
    assert re.search(r"^step \d/\d COPY root/ /", "\n".join(lines), re.MULTILINE)


def installed(folder: Path, count: int) -> tuple[File, dict[str, File]]:
    """The same files as a tar, and as files of a context; with odd names."""
    names = [f"opt/requirements/p{at % 71}/deep/er/m{at}.py" for at in range(count)]
    names += [
        "opt/requirements/ä é/\U0001f600.py",
        f"opt/{'long' * 40}/{'name' * 40}",
        "opt/ sp ace ",
    ]
    files = {one: File(one.encode() * 3, one.endswith("7.py")) for one in names}
    tar = folder / "requirements.tar"
    with tarfile.open(tar, "w", format=tarfile.PAX_FORMAT) as out:
        folders: set[str] = set()
        for one, file in sorted(files.items()):
            parts = one.split("/")
            for depth in range(1, len(parts)):
                inside = "/".join(parts[:depth])
                if inside not in folders:
                    folders.add(inside)
                    info = tarfile.TarInfo(inside)
                    info.type, info.mode, info.mtime = tarfile.DIRTYPE, 0o755, MODIFIED
                    out.addfile(info)
            assert isinstance(file.content, bytes)
            info = tarfile.TarInfo(one)
            info.size, info.mtime = len(file.content), MODIFIED
            info.mode = 0o755 if file.executable else 0o644
            out.addfile(info, io.BytesIO(file.content))
    return File(tar), {f"root/{one}": file for one, file in files.items()}


def test_both_builders_make_the_same_layers(engine: Engine, name: str, tmp_path: Path) -> None:
    """Of a tar with many files and of the files themselves, in folders that are new."""
    tar, files = installed(tmp_path, 5000 if LONG else 1500)
    recipes: list[Context] = [
        {"Dockerfile": File(b"FROM scratch\nADD requirements.tar /\n"), "requirements.tar": tar},
        {"Dockerfile": File(b"FROM scratch\nCOPY root/ /\n"), **files},
    ]
    layers: set[tuple[str, ...]] = set()
    for at, recipe in enumerate(recipes):
        for buildkit in (False, True):
            # A label makes the builder do it anew: nothing comes from its cache.
            text = recipe["Dockerfile"].content
            assert isinstance(text, bytes)
            fresh = text.replace(b"\n", f"\nLABEL run={name}{at}{buildkit}\n".encode(), 1)
            sent = {**recipe, "Dockerfile": File(fresh)}
            layers.add(engine.build(sent, name, ignore, buildkit=buildkit).layers)
    assert len(layers) == 1
    assert len(layers.pop()) == 1


def test_both_builders_keep_the_links_of_a_tar(engine: Engine, name: str, tmp_path: Path) -> None:
    """Symbolic ones, also those that lead nowhere, and hard ones."""
    with tarfile.open(tmp_path / "requirements.tar", "w", format=tarfile.PAX_FORMAT) as out:
        for one, kind, target in (
            ("opt", tarfile.DIRTYPE, ""),
            ("opt/file", tarfile.REGTYPE, ""),
            ("opt/link", tarfile.SYMTYPE, "file"),
            ("opt/nowhere", tarfile.SYMTYPE, "/none/such"),
            ("opt/hard", tarfile.LNKTYPE, "opt/file"),
        ):
            info = tarfile.TarInfo(one)
            info.type, info.linkname, info.mtime = kind, target, MODIFIED
            info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
            info.size = 4 if kind == tarfile.REGTYPE else 0
            out.addfile(info, io.BytesIO(b"text") if info.size else None)
    sent = {
        "Dockerfile": File(f"FROM {BASE}\nADD requirements.tar /\n".encode()),
        "requirements.tar": File(tmp_path / "requirements.tar"),
    }
    layers = {engine.build(sent, name, ignore, buildkit=one).layers for one in (False, True)}
    assert len(layers) == 1
    look = "import os; print(os.readlink('/opt/link'), open('/opt/link').read()); "
    look += "print(os.readlink('/opt/nowhere'), os.stat('/opt/hard').st_nlink)"
    assert engine.run(name, ["python3", "-c", look]) == (0, "file text\n/none/such 2\n")


@BUILDERS
def test_a_failing_command_is_told_with_its_output(
    engine: Engine, name: str, buildkit: bool
) -> None:
    """The line that says why, the lines before it, and no control character in any of them."""
    lines: list[str] = []
    shell = r"echo before; printf 'E: \033[31mno \033[2Jpackage\033[0m\n'; echo after; exit 3"
    sent = context(f"FROM {BASE}\nLABEL io.penstock.test={name}\nRUN {shell}\n")
    with pytest.raises(BuildFailed, match="ended with exit code 3: E: no ") as caught:
        engine.build(sent, name, lines.append, buildkit=buildkit)
    failed = caught.value
    assert failed.line == r"E: no \x1b[2Jpackage"
    assert failed.log == ("before", failed.line, "after")
    assert re.search(r"step \d/\d RUN echo before", str(failed))
    assert [f"  {one}" for one in failed.log] == lines[-3:]
    assert all(one.isprintable() for one in [*lines, str(failed)])
    assert engine.find(name) is None
    assert not left_of(engine, name)


@BUILDERS
@pytest.mark.parametrize(
    ("dockerfile", "why"),
    [
        ("FROM scratch\nFOO bar\n", "parse error line 2: unknown instruction: FOO"),
        ("FROM one two\n", "FROM requires either one or three arguments"),
        ("COPY a /\n", "no build stage in current context"),
        ("", "cannot be empty"),
        ("FROM scratch\nCOPY nothing /\n", "step .* COPY nothing /: .*not found"),
        ("FROM scratch\nRUN true\n", "step .* RUN true.*/bin/sh.* no such file"),
    ],
)
def test_a_mistake_in_a_dockerfile_is_told(
    engine: Engine, name: str, buildkit: bool, dockerfile: str, why: str
) -> None:
    """In the words of the builder, as one sentence."""
    with pytest.raises(BuildFailed, match=why) as caught:
        engine.build(context(dockerfile), name, ignore, buildkit=buildkit)
    assert str(caught.value).startswith(f"the image {name} cannot be built: ")
    assert "\n" not in str(caught.value)


@BUILDERS
@pytest.mark.parametrize(
    ("base", "why"),
    [
        ("registry.invalid/none:1", "the registry registry.invalid cannot be reached"),
        ("127.0.0.1:1/none:1", "the registry 127.0.0.1:1 cannot be reached"),
        (f"{REGISTRY}/none/such:1", f"{REGISTRY} has no such image; is its name right"),
        ("No-Such-Name", "repository name must be lowercase"),
    ],
)
def test_a_base_that_cannot_be_had_is_told(
    engine: Engine, name: str, buildkit: bool, base: str, why: str
) -> None:
    """Whether it is its name, its registry, or the way there."""
    with pytest.raises(EngineError, match=re.escape(why)) as caught:
        engine.build(context(f"FROM {base}\nCOPY f /\n", f=b""), name, ignore, buildkit=buildkit)
    assert f"the FROM of {name} names it" in str(caught.value)


def test_a_context_without_a_dockerfile_is_refused(engine: Engine, name: str) -> None:
    """Before anything is sent."""
    with pytest.raises(BuildFailed, match="has no Dockerfile"):
        engine.build({"f": File(b"")}, name, ignore)


@BUILDERS
def test_what_a_name_stood_for_before_is_removed(engine: Engine, name: str, buildkit: bool) -> None:
    """A rebuild leaves nothing without a name; but not what has another one."""
    copy = f"{name.removesuffix(':1')}:copy"
    built: list[EngineImage] = []
    for content in (b"1", b"2", b"3"):
        sent = context(
            f"FROM {BASE}\nLABEL io.penstock.test={name}\nCOPY root/ /\nCMD x\n", root__f=content
        )
        built.append(engine.build(sent, name, ignore, buildkit=buildkit))
        if content == b"1":
            engine.tag(name, copy)
    assert len({one.id for one in built}) == 3
    assert [engine.find(one.id) is None for one in built] == [False, True, False]
    engine.remove(copy)
    assert not left_of(engine, name)


@BUILDERS
def test_the_proxies_of_the_docker_client_reach_commands_alone(
    engine: Engine, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, buildkit: bool
) -> None:
    """As `docker build` does it; the image does not know them."""
    proxies = {"default": {"httpProxy": "http://me:secret@127.0.0.1:9"}}
    (tmp_path / "config.json").write_text(json.dumps({"proxies": proxies}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    near = Engine()
    sent = context(f"FROM {BASE}\nLABEL a={name}\nRUN echo got $HTTP_PROXY > /got\n")
    built = near.build(sent, name, ignore, buildkit=buildkit)
    near.close()
    assert engine.run(name, ["python3", "-c", "print(open('/got').read())"]) == (
        0,
        "got http://me:secret@127.0.0.1:9\n\n",
    )
    facts: Any = engine.client.images.get(built.id)
    assert "secret" not in json.dumps([facts.attrs, facts.history()])


def test_settings_of_the_docker_client_that_cannot_be_used_are_told(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A credential that is none, and a helper that is not installed."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text('{"auths": {"host.example": {"auth": "!!"}}}')
    with pytest.raises(EngineError, match=r"the docker client's config\.json cannot be used"):
        Engine()
    (tmp_path / "config.json").write_text('{"credsStore": "nonesuch"}')
    near = Engine()
    with (
        pytest.warns(UserWarning, match="docker-credential-nonesuch not installed"),
        pytest.raises(EngineError, match="look at credsStore"),
    ):
        near.pull("host.example/x:1", ignore)
    near.close()


def test_the_second_build_of_the_same_says_so(engine: Engine, name: str) -> None:
    """And is the same image."""
    lines: list[str] = []
    sent = context(f"FROM {BASE}\nCOPY root/ /\n", root__f=name.encode())
    first = engine.build(sent, name, ignore)
    assert engine.build(sent, name, lines.append).layers == first.layers
    assert lines[-1].endswith("COPY root/ / (as before)")


def test_a_file_that_changes_while_it_is_sent_is_told(
    engine: Engine, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not taken for a lost connection."""
    (tmp_path / "file").write_bytes(bytes(1000))

    def late(context: Context) -> io.BufferedReader:
        stream = packed(context)
        (tmp_path / "file").write_bytes(bytes(2000))
        return stream

    monkeypatch.setattr("penstock.images.engine.packed", late)
    sent = {**context("FROM scratch\nCOPY f /\n"), "f": File(tmp_path / "file")}
    with pytest.raises(EngineError, match="was written while it was being sent; build again"):
        engine.build(sent, name, ignore)
    monkeypatch.undo()
    assert engine.build(sent, name, ignore).size == 2000


# -- registries


def test_a_push_gives_the_digest_that_the_registry_has(engine: Engine, name: str) -> None:
    """Twice the same, and an image is pulled by it."""
    lines: list[str] = []
    engine.build(context("FROM scratch\nCOPY f /\n", f=name.encode()), name, ignore)
    there = f"{REGISTRY}/team/{name}"
    engine.tag(name, there)
    digest = engine.push(there, lines.append)
    assert engine.push(there, ignore) == digest
    repository = name.partition(":")[0]
    asked = urllib.request.Request(
        f"http://{REGISTRY}/v2/team/{repository}/manifests/1",
        method="HEAD",
        headers={"Accept": "application/vnd.docker.distribution.manifest.v2+json"},
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        assert answer.headers["Docker-Content-Digest"] == digest
    pinned = f"{REGISTRY}/team/{repository}@{digest}"
    found = engine.find(pinned)
    assert found is not None
    assert found.digests == (pinned,)
    engine.remove(there)
    engine.remove(name)
    assert engine.find(pinned) is None
    pulled = engine.pull(pinned, lines.append)
    assert pulled.layers == found.layers
    assert lines[0] == f"pushing {there}"
    assert f"pulling {pinned}" in lines
    engine.remove(pinned)


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (401, "`docker login {host}` first"),
        (403, "`docker login {host}` first"),
        (None, "EOF"),
        # The engine tries again for almost a minute.
        pytest.param(500, "500", marks=pytest.mark.skipif(not LONG, reason="takes a minute")),
    ],
)
def test_a_push_that_is_refused_fails(
    engine: Engine, name: str, status: int | None, why: str
) -> None:
    """The SDK itself would say nothing."""
    engine.build(context("FROM scratch\nCOPY f /\n", f=b"1"), name, ignore)
    with refusing_registry(status) as host:
        there = f"{host}/{name}"
        engine.tag(name, there)
        with pytest.raises(EngineError, match=re.escape(why.format(host=host))) as caught:
            engine.push(there, ignore)
    assert str(caught.value).startswith(f"the image {there} cannot be pushed: ")


def test_a_push_to_nowhere_fails(engine: Engine, name: str) -> None:
    """No registry there; no such image here; no tag."""
    engine.build(context("FROM scratch\nCOPY f /\n", f=b"1"), name, ignore)
    engine.tag(name, f"127.0.0.1:1/{name}")
    with pytest.raises(EngineError, match=r"the registry 127\.0\.0\.1:1 cannot be reached"):
        engine.push(f"127.0.0.1:1/{name}", ignore)
    with pytest.raises(EngineError, match="does not exist locally"):
        engine.push(f"{REGISTRY}/{name}", ignore)
    with pytest.raises(EngineError, match="a push needs a tag"):
        engine.push(f"{REGISTRY}/team/x", ignore)


def test_pushed_images_are_written_down(engine: Engine, name: str, tmp_path: Path) -> None:
    """With their bases, by digest where these came from a registry."""
    base = f"{REGISTRY}/{name.replace(':1', '-base:1')}"
    engine.build(context("FROM scratch\nCOPY f /\n", f=name.encode()), base, ignore)
    digest = engine.push(base, ignore)
    engine.build(context(f"FROM {base}\nCOPY g /\n", g=b"1"), name, ignore)
    image = Image(
        name=name,
        base=base,
        python="3.11",
        platform="linux/amd64",
        penstock="1",
        source="1",
        steps=("a",),
    )
    other = image.model_copy(update={"name": name.replace(":1", ":2"), "base": BASE})
    plan = cast(ImagePlan, SimpleNamespace(images=(image, other)))
    pushing = push_images(plan, tmp_path, f"{REGISTRY}/team", engine, ignore)
    there, reference = next(pushing)
    assert there == name
    assert pushed_images(tmp_path / PUSHED) == {
        name: PushedImage(reference=reference, base=f"{base}@{digest}")
    }
    assert re.fullmatch(
        rf"{REGISTRY}/team/{name.removesuffix(':1')}@sha256:[0-9a-f]{{64}}", reference
    )
    with pytest.raises(EngineError, match="No such image"):  # the second was never built
        next(pushing)
    assert list(pushed_images(tmp_path / PUSHED)) == [name]
    with pytest.raises(ValueError, match="leave out https://"):
        next(push_images(plan, tmp_path, f"https://{REGISTRY}", engine, ignore))


@BUILDERS
def test_a_private_base_is_pulled_with_the_credentials_of_the_user(
    engine: Engine, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, buildkit: bool
) -> None:
    """Those that `docker login` has written down; no builder needs them."""
    import base64

    engine.build(context("FROM scratch\nCOPY f /\n", f=name.encode()), name, ignore)
    engine.tag(name, f"{REGISTRY}/{name}")
    engine.push(f"{REGISTRY}/{name}", ignore)
    with private_registry(REGISTRY, "me", "secret") as host:
        base = f"{host}/{name}"
        sent = context(f"FROM {base}\nCOPY g /\n", g=b"2")
        with pytest.raises(EngineError, match=f"`docker login {host}` first") as caught:
            engine.build(sent, f"{name}2", ignore, buildkit=buildkit)
        auth = base64.b64encode(b"me:secret").decode()
        (tmp_path / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        known = Engine()
        built = known.build(sent, f"{name}2", ignore, buildkit=buildkit)
        known.close()
        engine.remove(base)
    assert len(built.layers) == 2
    assert "secret" not in str(caught.value)


# -- running


def test_a_command_is_run_without_rights(engine: Engine) -> None:
    """No user of the machine, no network, no capability, nothing to write but /tmp."""
    look = """
import os, socket, sys
print(os.getuid(), os.getgid(), sys.stdin.read())
caps = [one.split()[1] for one in open("/proc/self/status") if one.startswith("Cap")]
print(set(caps), [one for one in os.listdir("/sys/class/net")])
open("/tmp/fine", "w").close()
try:
    open("/home/file", "w")
except OSError as error:
    print(error.strerror)
sys.exit(7)
"""
    code, output = engine.run(BASE, ["python3", "-c", look], stdin=b"hello")
    assert code == 7
    assert output == ("10001 10001 hello\n{'0000000000000000'} ['lo']\nRead-only file system\n")


def test_nothing_of_a_run_is_left(engine: Engine, name: str) -> None:
    """Whether it ends, takes too long or cannot begin."""
    engine.build(context(f"FROM {BASE}\nCOPY f /\n", f=name.encode()), name, ignore)
    code, output = engine.run(name, ["sh", "-c", "echo out; echo err >&2"])
    assert (code, sorted(output.split())) == (0, ["err", "out"])
    with pytest.raises(EngineError, match="did not end within 1 seconds"):
        engine.run(name, ["python3", "-c", "import time; time.sleep(60)"], seconds=1)
    with pytest.raises(EngineError, match="executable file not found"):
        engine.run(name, ["nonesuch"])
    assert not engine.client.containers.list(all=True, filters={"ancestor": name})
    with pytest.raises(EngineError, match="the image none:1 cannot be run: No such image"):
        engine.run("none:1", ["true"])


def test_large_input_and_output_pass(engine: Engine) -> None:
    """More than any buffer holds; of the output the last part. Input need not be read."""
    copy = "import sys; sys.stdout.write(sys.stdin.read()); print('end')"
    code, output = engine.run(BASE, ["python3", "-c", copy], stdin=b"x" * 3_000_000)
    assert code == 0
    assert output.endswith("xend\n")
    assert len(output) == 1 << 20
    began = time.monotonic()
    assert engine.run(BASE, ["python3", "-c", "print(1)"], stdin=bytes(30_000_000)) == (0, "1\n")
    assert time.monotonic() - began < 60


# -- engines that are not there, or go away


def test_no_engine_is_told_with_its_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing there, nobody listens, and not for this user."""
    import socket

    address = f"unix://{tmp_path}/none.sock"
    monkeypatch.setenv("DOCKER_HOST", address)
    with pytest.raises(EngineError) as caught:
        Engine()
    assert str(caught.value) == f"no Docker engine answers at {address}: is it started?"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(f"{tmp_path}/none.sock")
    dead.close()
    with pytest.raises(EngineError, match="is it started"):
        Engine()
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(EngineError, match=r"no Docker engine answers at tcp://127\.0\.0\.1:1"):
        Engine()
    monkeypatch.setenv("DOCKER_HOST", "nonsense://x")
    with pytest.raises(EngineError, match="nonsense://x does not answer"):
        Engine()

    def refuse(self: socket.socket, address: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setenv("DOCKER_HOST", address)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(EngineError, match="join its group"):
        Engine()


def test_the_context_of_the_docker_client_is_followed(
    engine: Engine, proxy: Proxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where DOCKER_HOST is not set; one that does not exist is told."""
    import hashlib

    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text('{"currentContext": "mine"}')
    folder = tmp_path / "contexts" / "meta" / hashlib.sha256(b"mine").hexdigest()
    folder.mkdir(parents=True)
    host = {"docker": {"Host": proxy.address, "SkipTLSVerify": False}}
    (folder / "meta.json").write_text(
        json.dumps({"Name": "mine", "Metadata": {}, "Endpoints": host})
    )
    found = Engine()
    assert found.address == proxy.address
    assert found.version == engine.version
    found.close()
    monkeypatch.setenv("DOCKER_CONTEXT", "other")
    with pytest.raises(EngineError, match="the docker context 'other' does not exist"):
        Engine()
    monkeypatch.setenv("DOCKER_CONTEXT", "default")
    monkeypatch.setattr("penstock.images.connecting.USUAL", f"unix://{engine_socket()}")
    Engine().close()


@BUILDERS
def test_an_engine_that_goes_away_while_building_is_told(
    engine: Engine, proxy: Proxy, name: str, buildkit: bool
) -> None:
    """As soon as the connection ends, and nothing has the image's name."""
    wait = "import time; print('begun', flush=True); time.sleep(60)"
    sent = context(f'FROM {BASE}\nENV RUN={name}\nRUN python3 -c "{wait}"\n')

    def listen(line: str) -> None:
        if line.strip() == "begun":
            proxy.cut()

    near = Engine()
    began = time.monotonic()
    with pytest.raises(EngineError, match="the connection to the Docker engine was lost"):
        near.build(sent, name, listen, buildkit=buildkit)
    near.close()
    assert time.monotonic() - began < 30
    assert engine.find(name) is None


@BUILDERS
def test_an_engine_that_goes_away_while_it_is_sent_to_is_told(
    engine: Engine, proxy: Proxy, name: str, buildkit: bool
) -> None:
    """In the middle of a large context."""
    near = Engine()
    proxy.cut_after = 3_000_000
    with pytest.raises(EngineError, match="the connection to the Docker engine was lost"):
        near.build(
            context("FROM scratch\nCOPY f /\n", f=bytes(9_000_000)), name, ignore, buildkit=buildkit
        )
    near.close()
    assert engine.find(name) is None


def test_an_engine_that_goes_away_while_pushing_is_told(
    engine: Engine, proxy: Proxy, name: str
) -> None:
    """A push without its digest has failed."""
    engine.build(context("FROM scratch\nCOPY f /\n", f=name.encode()), name, ignore)
    engine.tag(name, f"{REGISTRY}/{name}")
    near = Engine()
    proxy.cut_when = lambda piece: b"The push refers to" in piece
    with pytest.raises(EngineError, match="the connection to the Docker engine was lost"):
        near.push(f"{REGISTRY}/{name}", ignore)
    near.close()


# -- engines that say strange things


def test_a_push_without_a_digest_has_failed(fake: FakeEngine) -> None:
    """An end without an error is not a success."""
    fake.say("/push", {"status": "Pushing"}, {"aux": {"Digest": "sha256:../../x"}})
    engine = Engine()
    with pytest.raises(EngineError, match="the engine ended without a digest"):
        engine.push("host.example/x:1", ignore)
    fake.say("/push", {"status": "1: digest: sha256:" + "a" * 64 + " size: 5"})
    assert engine.push("host.example/x:1", ignore) == "sha256:" + "a" * 64
    fake.say("/push", {"errorDetail": {"message": "denied: \x1b[2J no"}, "error": "x"})
    with pytest.raises(
        EngineError, match=r"docker login host.example` first.*denied: \\x1b\[2J no"
    ):
        engine.push("host.example/x:1", ignore)
    engine.close()


def test_the_progress_of_a_push_is_told_in_megabytes(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all layers together, each line once; and that the registry fails."""
    monkeypatch.setattr("penstock.images.transfers._SECONDS", 0)
    of = [("a", 1, 8), ("b", 2, 5), ("b", 2.5, 5), ("a", 9, 8), ("b", 5, 5)]
    fake.say(
        "/push",
        *(
            {
                "status": "Pushing",
                "id": layer,
                "progressDetail": {"current": int(now * 1e6), "total": int(total * 1e6)},
            }
            for layer, now, total in of
        ),
        {"status": "Pushing", "id": "c", "progressDetail": {"current": "x", "total": None}},
        {"status": "Retrying in 5 seconds", "id": "a"},
        {"status": "Retrying in 4 seconds", "id": "a"},
        {"status": "1: digest: sha256:" + "a" * 64 + " size: 5"},
    )
    engine, lines = Engine(), list[str]()
    engine.push("host.example/x:1", lines.append)
    engine.close()
    told = "pushing host.example/x:1"
    assert lines == [
        told,
        f"{told}: 1 of 8 MB",
        f"{told}: 3 of 13 MB",
        f"{told}: 10 of 13 MB",
        f"{told}: 13 of 13 MB",
        f"{told}: the registry failed, trying again",
    ]


@BUILDERS
def test_a_build_that_ends_strangely_has_failed(fake: FakeEngine, buildkit: bool) -> None:
    """Without an image, without a whole answer, with a full disk, with nonsense."""
    engine = Engine()
    sent = context("FROM scratch\nCOPY f /\n", f=b"")
    endings: list[tuple[list[object], str]] = [
        ([], "the engine ended without an image"),
        ([{"stream": 5}, {"aux": 3}, [], {"errorDetail": 7}], "ended without an image"),
        ([{"error": "write /x: no space left on device"}], "the disk of the Docker engine is full"),
        ([{"errorDetail": {"message": "a\nb\x1b[2Jc"}}], r"a b\\x1b\[2Jc"),
        ([{"id": "moby.buildkit.trace", "aux": "////"}], "ended without an image"),
    ]
    for events, why in endings:
        fake.answers["/images/json"] = (200, [b"[]"])
        fake.say("/build", *events)
        with pytest.raises(EngineError, match=why):
            engine.build(sent, "x:1", ignore, buildkit=buildkit)
    fake.answers["/build"] = (200, [b'{"stream": "Step 1'])
    with pytest.raises(EngineError, match="the connection to the Docker engine was lost"):
        engine.build(sent, "x:1", ignore, buildkit=buildkit)
    engine.close()


def test_an_engine_of_podman_builds_without_buildkit(fake: FakeEngine) -> None:
    """It speaks the API of Docker, with names and lines of its own."""
    fake.version = {
        "Version": "4.3.1",
        "ApiVersion": "1.41",
        "Arch": "amd64",
        "Components": [{"Name": "Podman Engine"}],
    }
    image = {"Id": "sha256:1", "RepoTags": ["localhost/x:1", "docker.io/library/y:2"], "Size": 3}
    fake.answers["/images/json"] = (200, [b"[]"])
    fake.say(
        "/build",
        {"stream": "STEP 1/2: FROM scratch\n"},
        {"stream": "STEP 2/2: COPY f /\n"},
        {"stream": "COMMIT x:1\n--> aaaaaaaaaaaa\n"},
        {"aux": {"ID": "sha256:1"}},
        {"stream": "Successfully built aaaaaaaaaaaa\n"},
    )
    fake.answers["/images/x:1/json"] = (200, [json.dumps(image).encode()])
    engine = Engine()
    assert (engine.podman, engine.buildkit) == (True, False)
    lines: list[str] = []
    built = engine.build(context("FROM scratch\n"), "x:1", lines.append, buildkit=True)
    assert built.tags == ("x:1", "y:2")
    assert lines == ["step 1/2 FROM scratch", "step 2/2 COPY f /"]
    engine.close()


def test_a_hostile_build_removes_no_image_of_others(engine: Engine, name: str) -> None:
    """A command that writes what the classic builder writes of its own images."""
    victim = engine.build(context("FROM scratch\nCOPY f /\n", f=name.encode()), name, ignore)
    short = victim.id.removeprefix("sha256:")[:12]
    sent = context(f"FROM {BASE}\nRUN echo ' ---> {short}'; exit 1\n")
    with pytest.raises(BuildFailed):
        engine.build(sent, f"{name}2", ignore, buildkit=False)
    assert engine.find(victim.id) == victim
