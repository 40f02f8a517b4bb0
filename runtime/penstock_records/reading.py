"""The door for records: what comes from a store is checked before anything else sees it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from penstock_records.schema import Record
from penstock_runtime.errors import BadRequest, RecordCorrupt, StoreError
from penstock_runtime.reference import as_object
from penstock_runtime.request import parse_json
from penstock_runtime.sealing import FORMAT, unsealed
from penstock_runtime.store import Store

_R = TypeVar("_R", bound=Record)
_DEEPEST = 200


class Damaged(Exception):
    """A record that is not what penstock writes; the message says what is wrong with it."""


class Newer(Exception):
    """A record that a newer penstock has written: it exists, and is not understood here."""


def read(store: Store, name: str, run: str | None = None) -> dict[str, Any] | None:
    """A record as JSON; None if there is none. Raises Damaged and Newer.

    With `run`, a record of another run is damaged: it lies where it was not written.
    """
    try:
        data = store.read(name)
    except StoreError as error:
        raise Damaged(str(error)) from None
    return None if data is None else parsed(data, name, run)


def parsed(data: bytes, name: str, run: str | None = None) -> dict[str, Any]:
    """The bytes of a record as JSON, its format known, its seal whole. Raises Damaged and Newer."""
    try:
        found = unsealed(data, name)
    except RecordCorrupt as error:
        if (written := _format_of(data)) > FORMAT:
            raise Newer(f"it has format {written}, of a newer penstock") from None
        raise Damaged(error.why) from None
    if type(found.get("format")) is not int:
        raise Damaged(f"its format is {found.get('format')!r}")
    if run is not None and found.get("run") != run:
        raise Damaged(f"it is of run {str(found.get('run'))[:40]!r}")
    if not _shallow(data, found):
        raise Damaged(f"it is nested more than {_DEEPEST} deep")
    return found


def _format_of(data: bytes) -> int:
    try:
        written = as_object(parse_json(data, "it"), "it").get("format")
    except BadRequest:
        return 0
    return written if type(written) is int else 0


def read_as(kind: type[_R], store: Store, name: str, run: str | None = None) -> _R | None:
    """A record of a kind, its fields checked; None if there is none. Raises Damaged and Newer."""
    found = read(store, name, run)
    return None if found is None else checked(kind, found)


def checked(kind: type[_R], found: Any) -> _R:
    """What was read, as a record of a kind. Raises Damaged."""
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:100]
        raise Damaged(f"its {where}: {first['msg'].lower()}") from None


def _shallow(data: bytes, found: dict[str, Any]) -> bool:
    """Whether whoever walks through it by recursion is safe."""
    if data.count(b"[") + data.count(b"{") <= _DEEPEST:
        return True
    level: list[Any] = [found]
    for _ in range(_DEEPEST):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return True
    return False


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value).values()
    return cast(Any, value) if isinstance(value, list) else ()
