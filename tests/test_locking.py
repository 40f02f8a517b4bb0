"""Locking with the real uv: against the index that this machine reaches, and against our own."""

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from package_index import PASSWORD, USER, Index, index, own_certificate, wheel

from penstock.images.index_settings import IndexSettings
from penstock.images.lock_file import pins
from penstock.images.locking import LockInputs, is_current, locked
from penstock.images.requirement_errors import BadIndex, CannotLock, RequirementsError, UvFailed
from penstock.images.unsolvable import unsolvable
from penstock.images.uv import find_uv, run_uv

PLATFORM = "linux/amd64"


def lock(
    *requirements: str,
    settings: IndexSettings | None = None,
    constraints: tuple[str, ...] = (),
    previous: str = "",
    listen: Callable[[str], None] = lambda _: None,
) -> str:
    inputs = LockInputs(requirements, constraints, "3.11", PLATFORM)
    return locked(inputs, settings or IndexSettings(), listen, previous=previous)


@pytest.fixture
def only_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """No index of this machine is asked, and nothing is in uv's cache."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    return monkeypatch


@pytest.fixture
def ours(only_ours: pytest.MonkeyPatch) -> Generator[Index]:
    with index() as running:
        running.add(
            wheel("small_one", "1.0", {"small_one.py": ""}),
            wheel("small_one", "2.0", {"small_one.py": ""}),
            wheel("user_of_old", "1.0", {"user_of_old.py": ""}, requires=("small-one<2",)),
            wheel("user_of_any", "1.0", {"user_of_any.py": ""}, requires=("small-one",)),
        )
        yield running


def test_the_index_that_this_machine_reaches() -> None:
    progress: list[str] = []
    text = lock("six>=1.16", listen=progress.append)
    assert set(pins(text)) == {"six"}
    assert text.startswith(
        "# The packages of a step image, for linux/amd64 and Python 3.11.\n"
        "# Review this file and commit it; `penstock build --lock` makes it anew.\n"
        "# inputs: sha256:"
    )
    assert "    # via the steps\n" in text
    assert any(line.startswith("Resolved 1 package") for line in progress)


def test_the_same_inputs_give_the_same_lock_from_every_folder(
    ours: Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = IndexSettings(index=ours.url)
    first = lock("user-of-any", "small-one", settings=settings)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "another"))
    monkeypatch.setenv("UV_NO_HEADER", "0")
    monkeypatch.setenv("UV_RESOLUTION", "lowest")
    second = lock("user-of-any", "small-one", settings=settings)
    assert first == second
    assert pins(first) == {"small-one": "2.0", "user-of-any": "1.0"}


def test_versions_are_kept_where_they_still_fit(ours: Index) -> None:
    settings = IndexSettings(index=ours.url)
    before = lock("small-one", settings=settings, constraints=("small-one<2",))
    assert pins(before) == {"small-one": "1.0"}
    kept = lock("small-one", "user-of-any", settings=settings, previous=before)
    assert pins(kept) == {"small-one": "1.0", "user-of-any": "1.0"}
    anew = lock("small-one", "user-of-any", settings=settings)
    assert pins(anew) == {"small-one": "2.0", "user-of-any": "1.0"}
    moved = lock("small-one>1", settings=settings, previous=before)
    assert pins(moved) == {"small-one": "2.0"}


def test_no_requirements_need_no_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert pins(lock()) == {}


TEXTS = st.lists(
    st.from_regex(r"[a-z]{1,4}(==[0-9]\.[0-9])?", fullmatch=True), max_size=4, unique=True
)


@given(TEXTS, TEXTS, st.randoms(use_true_random=False))
def test_a_lock_knows_the_inputs_that_it_was_made_from(
    requirements: list[str], constraints: list[str], chance: random.Random
) -> None:
    inputs = LockInputs(tuple(requirements), tuple(constraints), "3.11", PLATFORM)
    text = f"# some title\n# inputs: sha256:{inputs.digest}\nsix==1.0\n"
    chance.shuffle(requirements)
    chance.shuffle(constraints)
    again = LockInputs(tuple(requirements), tuple(constraints), "3.11", PLATFORM)
    assert is_current(text, again)
    assert is_current(text.replace("\n", "\r\n") + "\n# my note", again)
    others = (
        LockInputs((*requirements, "more"), tuple(constraints), "3.11", PLATFORM),
        LockInputs(tuple(requirements), (*constraints, "more"), "3.11", PLATFORM),
        LockInputs(tuple(requirements), tuple(constraints), "3.12", PLATFORM),
        LockInputs(tuple(requirements), tuple(constraints), "3.11", "linux/arm64"),
    )
    assert not any(is_current(text, one) for one in others)


@pytest.mark.parametrize(
    ("requirements", "constraints", "message", "blamed"),
    [
        (
            ("small-one", "no-such-package"),
            (),
            "no package index has a package no-such-package",
            ("no-such-package",),
        ),
        (
            ("small-one>=2", "user-of-any", "Small_One<2"),
            (),
            "no version is both small-one>=2 and small-one<2",
            ("small-one>=2", "Small_One<2"),
        ),
        (
            ("small-one >= 2", "user-of-old", "user-of-any"),
            (),
            "user-of-old",
            ("small-one >= 2", "user-of-old"),
        ),
        (
            ("user-of-old",),
            ("small-one>=2",),
            "user-of-old",
            ("user-of-old", "small-one>=2"),
        ),
        (("small-one==3",), (), "there is no version of small-one==3", ("small-one==3",)),
        (("small-one >> 2",), (), "'small-one >> 2' is no requirement", ("small-one >> 2",)),
        (("-r /etc/passwd",), (), "'-r /etc/passwd' is no requirement", ("-r /etc/passwd",)),
        (
            ("small-one @ file:///tmp/x.whl",),
            (),
            "small-one comes from a URL or file, which cannot be locked",
            ("small-one @ file:///tmp/x.whl",),
        ),
    ],
)
def test_who_is_to_blame(
    ours: Index,
    requirements: tuple[str, ...],
    constraints: tuple[str, ...],
    message: str,
    blamed: tuple[str, ...],
) -> None:
    progress: list[str] = []
    with pytest.raises(CannotLock) as caught:
        lock(
            *requirements,
            settings=IndexSettings(index=ours.url),
            constraints=constraints,
            listen=progress.append,
        )
    assert message in str(caught.value)
    assert len(str(caught.value)) < 330
    assert "\n" not in str(caught.value)
    assert caught.value.blamed == blamed
    assert not any("error" in line or "Because" in line for line in progress)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (  # what uv 0.5 wrote, after its drawing is taken off
            "No solution found when resolving dependencies:\n"
            "Because you require a>=2 and a<2, we can conclude that your requirements are "
            "unsatisfiable.",
            "no version is both a>=2 and a<2",
        ),
        (
            "Failed to download `a==1`\nFailed to fetch: `https://example.org/a.whl`\nno route",
            "the package index on example.org cannot be reached: no route",
        ),
        ("something new\nhint: do this", "something new"),
    ],
)
def test_words_of_other_releases_of_uv(words: str, message: str) -> None:
    assert str(unsolvable(UvFailed(words), ["a>=2"])) == message


def test_an_index_that_is_not_there(only_ours: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        port = taken.getsockname()[1]
        with pytest.raises(CannotLock) as caught:
            lock("six", settings=IndexSettings(index=f"http://127.0.0.1:{port}/simple"))
    assert f"the package index on 127.0.0.1:{port} cannot be reached" in str(caught.value)
    assert caught.value.blamed == ()


def without_a_trace(text: str, *secrets: str) -> None:
    for one in (USER, PASSWORD, "127.0.0.1", "/simple", *secrets):
        assert one not in text


def test_a_private_index_with_its_password_in_the_environment(
    only_ours: pytest.MonkeyPatch,
) -> None:
    with index(protected=True) as running:
        running.add(wheel("small_one", "1.0", {"small_one.py": ""}))
        settings = IndexSettings(index=f"company={running.url}")
        with pytest.raises(CannotLock) as caught:
            lock("small-one", settings=settings)
        assert "401" in caught.value.hint
        only_ours.setenv("UV_INDEX_COMPANY_USERNAME", USER)
        only_ours.setenv("UV_INDEX_COMPANY_PASSWORD", PASSWORD)
        text = lock("small-one", settings=settings)
    assert pins(text) == {"small-one": "1.0"}
    without_a_trace(text, f":{running.port}")


def test_a_private_index_that_only_pip_knows(only_ours: pytest.MonkeyPatch, tmp_path: Path) -> None:
    progress: list[str] = []
    with index(protected=True) as running:
        running.add(wheel("small_one", "1.0", {"small_one.py": ""}))
        address = running.url.replace("//", f"//{USER}:{PASSWORD}@")
        file = tmp_path / "pip.conf"
        file.write_text(f"[global]\nindex-url = {address}\n")
        only_ours.setenv("PIP_CONFIG_FILE", str(file))
        text = lock("small-one", listen=progress.append)
        with pytest.raises(CannotLock) as caught:
            lock("another-one", listen=progress.append)
    without_a_trace(text, f":{running.port}")
    without_a_trace("\n".join([*progress, str(caught.value), caught.value.hint]))


def test_an_extra_index_is_asked_first_and_netrc_is_read(
    only_ours: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with index() as public, index(protected=True) as private:
        public.add(wheel("small_one", "9.0", {"small_one.py": ""}))
        public.add(wheel("other_one", "1.0", {"other_one.py": ""}))
        private.add(wheel("small_one", "1.0", {"small_one.py": ""}))
        netrc = tmp_path / "netrc"
        netrc.write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
        netrc.chmod(0o600)
        only_ours.setenv("NETRC", str(netrc))
        settings = IndexSettings(index=public.url, extra_index=(private.url,))
        text = lock("small-one", "other-one", settings=settings)
    # Not 9.0: whoever puts a package of that name on a public index must not be believed.
    assert pins(text) == {"small-one": "1.0", "other-one": "1.0"}
    without_a_trace(text)


def test_a_certificate_of_its_own(only_ours: pytest.MonkeyPatch, tmp_path: Path) -> None:
    context, authority = own_certificate(tmp_path)
    with index(tls=context) as running:
        running.add(wheel("small_one", "1.0", {"small_one.py": ""}))
        with pytest.raises(CannotLock) as caught:
            lock("small-one", settings=IndexSettings(index=running.url))
        assert "cannot be reached" in str(caught.value)
        settings = IndexSettings(index=running.url, extra_ca=authority)
        text = lock("small-one", settings=settings)
        only_ours.delenv("SSL_CERT_FILE", raising=False)
        assert lock("small-one", settings=settings) == text
    without_a_trace(text, str(authority), "BEGIN CERTIFICATE")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"index": f"https://{USER}:{PASSWORD}@example.org/simple"}, "holds a user name"),
        ({"extra_index": (f"own=https://{PASSWORD}@example.org/simple",)}, "holds a user name"),
        ({"index": "https://example.org/a https://example.org/b"}, "one URL without spaces"),
        ({"extra_ca": Path("no-such.pem")}, "extra-ca names no-such.pem, which is no file"),
    ],
)
def test_settings_that_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(BadIndex) as caught:
        IndexSettings(**arguments)  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_a_certificate_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("hello")
    with pytest.raises(BadIndex, match="holds no certificate in PEM form"):
        lock("six", settings=IndexSettings(extra_ca=file))


def test_another_platform_is_refused() -> None:
    inputs = LockInputs(("six",), (), "3.11", "windows/amd64")
    with pytest.raises(RequirementsError, match="linux/amd64 and linux/arm64, not for"):
        locked(inputs, IndexSettings(), print)


def test_without_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RequirementsError) as caught:
        find_uv()
    assert str(caught.value).endswith("pip install 'penstock[docker]'")


def test_no_password_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said = "https://someone:secret@example.org/simple"
    program = tmp_path / "uv"
    program.write_text(f"#!/bin/sh\necho 'Asking {said}' >&2\necho 'error: {said}' >&2\nexit 2\n")
    program.chmod(0o755)
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    progress: list[str] = []
    with pytest.raises(UvFailed) as caught:
        run_uv(["pip"], {}, progress.append, tmp_path)
    assert progress == ["Asking https://example.org/simple"]
    assert str(caught.value) == "https://example.org/simple"


def test_an_interrupt_ends_uv_too(only_ours: pytest.MonkeyPatch) -> None:
    program = (
        "from penstock.images.index_settings import IndexSettings\n"
        "from penstock.images.locking import LockInputs, locked\n"
        "import sys\n"
        "inputs = LockInputs(('six',), (), '3.11', 'linux/amd64')\n"
        "locked(inputs, IndexSettings(index=sys.argv[1]), print)\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/simple"
        server.settimeout(60)
        with subprocess.Popen(
            [sys.executable, "-c", program, url], stderr=subprocess.PIPE, text=True
        ) as process:
            connection, _ = server.accept()  # uv is there, and never gets an answer
            with connection:
                process.send_signal(signal.SIGINT)
                _, said = process.communicate(timeout=60)
                connection.settimeout(60)
                while connection.recv(4096):
                    pass  # what uv had asked for; then it is gone
    assert said.rstrip().endswith("KeyboardInterrupt")
