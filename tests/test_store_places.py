"""What may name the place of a store, and what is refused, in one sentence."""

import sys
from pathlib import Path

import pytest
from s3_servers import Server, point_to

from penstock_runtime.errors import StoreError
from penstock_runtime.opening import open_store
from penstock_runtime.places import store_location

BASE = Path("/home/me/project")


@pytest.mark.parametrize(
    ("text", "location"),
    [
        (".penstock", "/home/me/project/.penstock"),
        ("a b/c", "/home/me/project/a b/c"),
        ("odd:name", "/home/me/project/odd:name"),
        ("/srv/store", "/srv/store"),
        ("file:///srv/a%20b", "/srv/a b"),
        ("file:/srv/store", "/srv/store"),
        ("file://localhost/srv", "/srv"),
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/", "s3://bucket"),
        ("s3://my-bucket.x/team/churn/", "s3://my-bucket.x/team/churn"),
        ("gs://bucket/x", "gs://bucket/x"),
        ("az://container/x", "az://container/x"),
    ],
)
def test_places(text: str, location: str) -> None:
    assert store_location(text, BASE) == location
    assert store_location(location, Path("/elsewhere")) == location, "it is absolute"


REFUSED = [
    *("", "a\0b", "a\nb", "file://host/x", "file:relative", "file:///x?y", "file:///x%00"),
    *("http://x/y", "https://x", "ftp://x", "S3://bucket", "s3:/bucket", "s3://", "s3:///x"),
    *("s3://user:secret@bucket/x", "s3://bucket/a@b", "s3://bucket/x?versionId=1", "s3://b/x#y"),
    *("s3://bucket/../other", "s3://bucket//x", "s3://bucket/a b", "s3://bucket/%2e%2e/x"),
    *("simplecache::s3://bucket/x", "s3://bucket/x::file:///etc", "filecache::file:///x"),
    *("reference://x", "zip://x::s3://b/y", "s3://arn:aws:s3:eu:123456789012:accesspoint/x/y"),
]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_place_is_refused(text: str) -> None:
    for attempt in (lambda: store_location(text, BASE), lambda: open_store(text)):
        with pytest.raises(StoreError) as caught:
            attempt()
        message = str(caught.value)
        assert "\n" not in message
        assert "secret" not in message


def test_a_relative_folder_needs_a_base() -> None:
    with pytest.raises(StoreError, match="must be an absolute path or a URL"):
        open_store("relative")


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    for protocol, library in (("s3", "s3fs"), ("gs", "gcsfs"), ("az", "adlfs")):
        monkeypatch.setitem(sys.modules, library, None)
        with pytest.raises(StoreError, match=rf'pip install "penstock\[{protocol}\]"'):
            open_store(f"{protocol}://bucket/x")


def test_a_missing_bucket_and_wrong_credentials_are_named(
    rclone_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_to(monkeypatch, rclone_server.endpoint)
    with pytest.raises(StoreError, match="there is no bucket for the store s3://nowhere/x"):
        open_store("s3://nowhere/x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(StoreError, match="refused") as caught:
        open_store("s3://nowhere/x")
    assert "wrong" not in str(caught.value)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StoreError, match="AWS_ACCESS_KEY_ID"):
        open_store("s3://nowhere/x")
