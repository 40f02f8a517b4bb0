"""Files of skops with the same bytes for the same model.

skops names arrays and objects after their place in memory, keeps sets in the order of their
hashes, and a zip archive keeps the time. Here all of that is written anew, in order of meeting.
"""

import json
from io import BytesIO
from itertools import count
from typing import Any, cast

_SCHEMA = "schema.json"
_ID, _FILE, _LOADER = "__id__", "file", "__loader__"
_LEAF = "JsonNode"
_SHAREABLE_OR_NOT = (_LEAF, "TypeNode", "TupleNode")
"""What cannot be changed: whether Python keeps it once or twice is chance."""

ADDRESSES = ("_stop_words_id",)
"""Attributes of scikit-learn that hold a place in memory, only to notice a change."""


def canonical(data: bytes) -> bytes:
    """The same file without chance in it."""
    from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

    out = BytesIO()
    with ZipFile(BytesIO(data)) as source, ZipFile(out, "w") as target:
        names = _Names()
        schema = names.renamed(json.loads(source.read(_SCHEMA)))

        def write(name: str, content: bytes, compression: int) -> None:
            info = ZipInfo(name)  # of 1980, as all that says nothing of its time
            info.compress_type = compression
            info.external_attr = 0o600 << 16
            target.writestr(info, content)

        for old, new in names.files.items():
            write(new, source.read(old), ZIP_STORED)
        write(_SCHEMA, json.dumps(schema, separators=(",", ":")).encode("ascii"), ZIP_DEFLATED)
    return out.getvalue()


class _Names:
    """Numbers for objects and files, given in the order in which they are met."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self._ids: dict[int, int] = {}
        self._numbers = count(1)

    def renamed(self, state: Any) -> Any:
        """A part of the schema with its new names."""
        if isinstance(state, list):
            return [self.renamed(item) for item in cast(Any, state)]
        if not isinstance(state, dict):
            return state
        found = cast(dict[str, Any], state)
        if found.get(_LOADER) == _LEAF:  # most nodes are such, so it pays to go no further
            return {key: value for key, value in found.items() if key != _ID}
        if found.get(_LOADER) == "SetNode":
            found = found | {"content": sorted(found["content"], key=_nameless)}
        return {key: self._entry(found, key) for key in found if not _is_chance(found, key)}

    def _entry(self, state: dict[str, Any], key: str) -> Any:
        value = state[key]
        if not _is_node(state):
            if key in ADDRESSES and isinstance(value, dict):
                value = cast(dict[str, Any], value) | {"content": "0"}
            return self.renamed(value)
        if key == _ID:
            if value not in self._ids:
                self._ids[value] = next(self._numbers)
            return self._ids[value]
        if key == _FILE and isinstance(value, str):
            suffix = value.rpartition(".")[2]
            return self.files.setdefault(value, f"{len(self.files)}.{suffix}")
        return self.renamed(value)


def _is_node(state: dict[str, Any]) -> bool:
    """Whether it is skops that wrote the keys, not the user whose dict it holds."""
    return isinstance(state.get(_LOADER), str)


def _is_chance(state: dict[str, Any], key: str) -> bool:
    return key == _ID and state.get(_LOADER) in _SHAREABLE_OR_NOT


def _nameless(state: Any) -> str:
    if isinstance(state, list):
        return f"[{','.join(map(_nameless, cast(Any, state)))}]"
    if isinstance(state, dict):
        found = cast(dict[str, Any], state)
        kept = [f"{key}:{_nameless(found[key])}" for key in found if key not in (_ID, _FILE)]
        return f"{{{','.join(kept)}}}"
    return json.dumps(state)
