"""Tests the engine beside the machine's own: that the two know nothing of each other."""

from contextlib import closing
from pathlib import Path

import docker
import pytest
from second_engine import second_engine, why_no_second_engine


def test_it_starts_empty_and_leaves_nothing() -> None:
    if why := why_no_second_engine():
        pytest.skip(why)
    before = bridge()
    with second_engine() as host:
        folder = Path(host.removeprefix("unix://")).parent
        with closing(docker.DockerClient(base_url=host)) as client:
            assert client.images.list(all=True) == []
            assert client.info()["DockerRootDir"] == str(folder / "data")
        assert bridge() == before
    assert not folder.exists()
    assert bridge() == before


def test_what_keeps_it_from_starting_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert why_no_second_engine() == "only root can start a second engine"
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "/nowhere")
    assert why_no_second_engine() == "dockerd, setpriv, unshare cannot be found"


def bridge() -> str | None:
    """The number of the first engine's bridge; it is another one once the bridge was made anew."""
    number = Path("/sys/class/net/docker0/ifindex")
    return number.read_text() if number.exists() else None
