"""What records name: blobs, plans, folders of blobs, and other runs."""

from __future__ import annotations

import re
from typing import Any, cast

from penstock_runtime.labels import is_digest
from penstock_runtime.reference import FOLDER_MEDIA

_DIGEST = re.compile(rb"sha256:[0-9a-f]{64}")


def digests_in(data: bytes) -> set[str]:
    """Every digest that stands anywhere in a record, whatever the field.

    A collector must rather keep too much: a field that is not known yet may name a blob.
    """
    return {found.decode("ascii") for found in set(_DIGEST.findall(data))}


def folders_in(data: bytes, found: dict[str, Any]) -> set[str]:
    """The digests of the folders in a record, also of its source; their manifests name blobs."""
    source: Any = found.get("source")
    digests: set[str] = {source} if is_digest(source) else set()
    if FOLDER_MEDIA.encode() not in data:
        return digests
    todo: list[Any] = [found]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            inner = cast("dict[str, Any]", one)
            todo.extend(inner.values())
            if inner.get("media") == FOLDER_MEDIA and isinstance(inner.get("digest"), str):
                digests.add(inner["digest"])
        elif isinstance(one, list):
            todo.extend(cast(Any, one))
    return digests


def runs_needed(found: dict[str, Any]) -> set[str]:
    """The runs that a record builds upon: it resumed one, or took over the outputs of a step."""
    reused: Any = found.get("reused")
    other = cast("dict[str, Any]", reused).get("run") if isinstance(reused, dict) else None
    return {run for run in (found.get("resume_of"), other) if isinstance(run, str)}
