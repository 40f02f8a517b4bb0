"""The seal of a record: its last key is the digest of all bytes before it.

    {"format":2,"run":"<uuid>",...,"sha256":"<64 hex digits>"}

A damaged byte inside a text would still be JSON, and be believed. A record of format 2 without
a seal is damaged; those of format 1 come from before there were seals, and can be read for ever.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from penstock_runtime.errors import BadRequest, RecordCorrupt
from penstock_runtime.reference import as_object
from penstock_runtime.request import parse_json
from penstock_runtime.store import Store, canonical_json

FORMAT = 2
_UNSEALED = 1
_SEAL = re.compile(rb',"sha256":"([0-9a-f]{64})"}\n')
_SEAL_LENGTH = len(',"sha256":""}\n') + 64


def sealed(facts: Mapping[str, Any]) -> bytes:
    """A record of these facts, which do not hold `format` or `sha256`."""
    open_end = canonical_json({"format": FORMAT, **facts})[:-1]
    return open_end + b',"sha256":"%s"}\n' % hashlib.sha256(open_end).hexdigest().encode()


def read_record(store: Store, name: str) -> dict[str, Any] | None:
    """A record without its seal, which is checked; None if there is none. Raises StoreError."""
    data = store.read(name)
    return None if data is None else unsealed(data, name)


def unsealed(data: bytes, name: str) -> dict[str, Any]:
    """The record in these bytes, which stand under this name. Raises RecordCorrupt."""
    try:
        found = as_object(parse_json(data, name), name)
    except BadRequest as error:
        raise RecordCorrupt(name, str(error)) from error
    version = found.get("format")
    if version not in (_UNSEALED, FORMAT):
        raise RecordCorrupt(name, f"its format is {version!r}, which this penstock does not know")
    if version == FORMAT or "sha256" in found:
        seal = _SEAL.fullmatch(data[-_SEAL_LENGTH:])
        digest = hashlib.sha256(data[:-_SEAL_LENGTH]).hexdigest()
        if seal is None or seal[1].decode() != digest:
            raise RecordCorrupt(name, "its content is not what was sealed")
        del found["sha256"]
    _check_place(found, name)
    return found


def _check_place(found: Mapping[str, Any], name: str) -> None:
    """A whole record of another run or step, under this name, would be believed too."""
    parts = name.split("/")
    if parts[0] == "runs" and "run" in found and found["run"] not in parts:
        raise RecordCorrupt(name, f"it belongs to run {found['run']}")
    if "steps" in parts and "step" in found:
        step = parts[parts.index("steps") + 1]
        if found["step"] != step:
            raise RecordCorrupt(name, f"it belongs to step {found['step']!r}")
