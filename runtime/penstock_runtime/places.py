"""Where a store may be: a folder of this machine, or a prefix inside a bucket."""

import re
from pathlib import Path
from typing import NamedTuple

from penstock_runtime.errors import StoreError
from penstock_runtime.labels import is_label

LIBRARIES = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs"}
"""Protocol of a bucket -> the library that speaks it, and penstock's extra of the same name."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/|.*::")
_FORMS = "write a folder, file:///folder, s3://bucket/prefix, gs://... or az://..."


class Bucketed(NamedTuple):
    """A store in a bucket; the prefix may be empty."""

    protocol: str
    bucket: str
    prefix: str

    @property
    def url(self) -> str:
        """The place in its one spelling; it holds no credentials."""
        return "/".join((f"{self.protocol}:/", self.bucket, *filter(None, [self.prefix])))


def store_location(text: str, base: Path) -> str:
    """What a user writes for a store, in the absolute form that requests carry.

    A relative folder is one of `base`. Raises StoreError for what is no place of a store.
    """
    place = find_place(text, base)
    return place.url if isinstance(place, Bucketed) else str(place)


def find_place(text: str, base: Path | None = None) -> Path | Bucketed:
    """The place that a text names; without `base` a relative folder is refused.

    Raises StoreError. Credentials never stand in a URL: it is printed and recorded.
    """
    if not text or not text.isprintable():
        raise StoreError(f"{text!r} is not the place of a store; {_FORMS}")
    if text.startswith("file:"):
        return _folder_of(text)
    if _SCHEME.match(text) is None:
        path = Path(text)
        if base is not None:
            path = base.absolute() / path
        if not path.is_absolute():
            raise StoreError(f"the store {text!r} must be an absolute path or a URL")
        return path
    return _bucket_of(text)


def _folder_of(url: str) -> Path:
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(url)
    path = unquote(parts.path)
    if (
        parts.netloc not in ("", "localhost")
        or parts.query
        or parts.fragment
        or not path.startswith("/")
        or not path.isprintable()
    ):
        raise StoreError(f"{url} is not the URL of a local folder; write file:///folder")
    return Path(path)


def _bucket_of(url: str) -> Bucketed:
    protocol, separator, rest = url.partition("://")
    shown = _without_user(url)
    if not separator or protocol not in (*LIBRARIES, "memory"):
        raise StoreError(f"no driver for the store {shown}; {_FORMS}")
    if "@" in rest:
        raise StoreError(f"the store {shown} may not name a user; credentials come from outside")
    bucket, _, prefix = rest.partition("/")
    prefix = prefix.removesuffix("/")
    # Of these characters no driver reads anything but a name: no query, version or chained URL.
    if not is_label(bucket) or not all(map(is_label, prefix.split("/") if prefix else [])):
        raise StoreError(
            f"{shown} cannot be a store: a bucket and each part of its prefix have letters, "
            "digits, '.', '_', '-' only"
        )
    return Bucketed(protocol, bucket, prefix)


def _without_user(url: str) -> str:
    return re.sub(r"//[^/]*@", "//***@", url)
