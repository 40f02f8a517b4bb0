"""Where packages come from, as a project sets it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from penstock.images.requirement_errors import BadIndex


@dataclass(frozen=True)
class IndexSettings:
    """Package indexes and a certificate; they reach uv on this machine, and nothing else.

    An index is a URL, or `name=URL` so that uv finds `UV_INDEX_<NAME>_USERNAME` and
    `UV_INDEX_<NAME>_PASSWORD`. `extra_index` is asked before `index`. `extra_ca` is a PEM file
    that is trusted besides the system's certificates.
    """

    index: str | None = None
    extra_index: tuple[str, ...] = ()
    extra_ca: Path | None = None

    def __post_init__(self) -> None:
        for one in (self.index, *self.extra_index):
            if one is not None:
                _check(one)
        if self.extra_ca is not None and not self.extra_ca.is_file():
            raise BadIndex(f"extra-ca names {self.extra_ca}, which is no file")


def _check(index: str) -> None:
    url = re.sub(r"^[A-Za-z0-9_.-]+=", "", index)
    try:
        parts = urlsplit(url)
        holds_credentials = "@" in parts.netloc
    except ValueError:
        raise BadIndex("an index is no valid URL") from None
    if holds_credentials:
        raise BadIndex(
            f"the index on {parts.hostname} holds a user name or password: keep them in "
            "~/.netrc, a keyring, or UV_INDEX_<NAME>_USERNAME and _PASSWORD"
        )
    if not url.strip() or re.search(r"\s", url):
        raise BadIndex("an index is one URL without spaces")
