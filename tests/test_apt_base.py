"""Tests the base with apt: dpkg takes it for a complete Debian, and packages install."""

from contextlib import closing

import docker
import pytest
from apt_base import base_with_apt, why_no_apt
from debian_packages import essential, installed_packages
from engine_support import BASE, engine_or_skip

NOTES = {
    "apt": "Package: apt\nPre-Depends: libc (>= 2.3)\nDepends: keys | none, base:any\n",
    "base": "Package: base\nEssential: yes\n",
    "glibc": "Package: glibc\nProvides: libc (= 2.36), other\n",
    "keys": "Package: keys\nDepends: apt\n",
    "unused": "Package: unused\nDepends: base\n",
}


@pytest.fixture(scope="module")
def image() -> str:
    engine_or_skip()
    if why := why_no_apt():
        pytest.skip(why)
    return base_with_apt(BASE)


def run(image: str, command: str) -> str:
    with closing(docker.from_env()) as client:
        said = client.containers.run(image, ["sh", "-c", command], remove=True, stderr=True)
        assert isinstance(said, bytes)
        return said.decode()


def test_apt_brings_what_it_depends_on_and_nothing_else() -> None:
    assert set(essential(NOTES)) == {"apt", "base", "glibc", "keys"}


def test_dpkg_takes_it_for_a_complete_debian(image: str) -> None:
    assert run(image, "dpkg --audit && apt-get check -qq") == ""
    differing = run(image, "dpkg --verify").splitlines()
    assert [line for line in differing if not line.startswith("missing ")] == []
    assert [line for line in differing if "/usr/share/" not in line] == []
    names = run(image, "dpkg-query --show --showformat '${Package}\\n'").split()
    assert names == sorted(essential(installed_packages()))


def test_python_is_the_one_that_runs_the_tests(image: str) -> None:
    ours = run(BASE, "python3 -VV")
    assert run(image, "python3 -c 'import ctypes, sqlite3, ssl' && python3 -VV") == ours


def test_a_package_installs(image: str) -> None:
    said = run(
        image,
        "apt-get update -q && apt-get install -q -y --no-install-recommends tini"
        " && tini --version && adduser --quiet --system --comment 'A Service' service",
    )
    assert "\nSetting up tini " in said
    assert "\nW: " not in said


def test_it_is_made_once(image: str) -> None:
    with closing(docker.from_env()) as client:
        before = client.images.get(image).id
        assert client.images.get(base_with_apt(BASE)).id == before
