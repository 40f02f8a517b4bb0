"""Points of curves in a record: one JSON object a line, and a seal over all of them at the end."""

from typing import Any

from penstock_runtime.errors import BadRequest, RecordCorrupt
from penstock_runtime.hashing import hash_bytes
from penstock_runtime.reference import as_object
from penstock_runtime.request import parse_json
from penstock_runtime.sealing import sealed, unsealed
from penstock_runtime.store import Store, canonical_json


def lines_of(run: str, points: list[dict[str, Any]]) -> bytes:
    """The lines of some points. The last one is a sealed record that holds their digest."""
    lines = b"".join(canonical_json(point) + b"\n" for point in points)
    return lines + sealed({"run": run, "points": len(points), "lines": hash_bytes(lines).digest})


def read_points(store: Store, name: str) -> list[dict[str, Any]] | None:
    """The points in a record; None if there is none. Raises RecordCorrupt, StoreError."""
    data = store.read(name)
    if data is None:
        return None
    body, _, last = data.removesuffix(b"\n").rpartition(b"\n")
    lines = body + b"\n" if body else b""
    try:
        end = as_object(parse_json(last, name), name)
        if "key" in end and not {"format", "points", "lines", "sha256"} & set(end):
            lines = data  # from before there were seals
        elif unsealed(last + b"\n", name).get("lines") != hash_bytes(lines).digest:
            raise RecordCorrupt(name, "its points are not those that were sealed")
        return [as_object(parse_json(line, name), name) for line in lines.splitlines()]
    except BadRequest as error:
        raise RecordCorrupt(name, str(error)) from error
