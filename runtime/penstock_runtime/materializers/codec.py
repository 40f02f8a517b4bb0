"""Python values as JSON without loss.

Plain JSON stays as it is. What JSON lacks becomes an object with one key that begins with `$`:
`{"$tuple": [...]}`, `{"$set": [...]}`, `{"$frozenset": [...]}`, `{"$map": [[key, value]]}` for
keys that are not text (or begin with `$`), `{"$float": "nan"}`, `{"$bytes": "<base64>"}`.
"""

import base64
import json
import math
from collections.abc import Callable
from typing import Any, cast

_DEEPEST = 100

Other = Callable[[Any], Any]


class NotPlain(TypeError):
    """A value that has no lossless JSON form."""


def encode(value: Any, other: Other | None = None, depth: int = _DEEPEST) -> Any:
    """The JSON form of a value; `other` turns what is not plain into what is.

    NumPy's scalars become Python's. Raises NotPlain.
    """
    if depth == 0:
        raise NotPlain(f"nested more than {_DEEPEST} deep")
    kind = cast(Any, type(value))
    if value is None or kind in (bool, int, str):
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind in (list, tuple):
        items = [encode(item, other, depth - 1) for item in value]
        return items if kind is list else {"$tuple": items}
    if kind is dict:
        return _encode_dict(value, other, depth)
    if kind in (set, frozenset):
        # The order of a set differs from process to process; that of its texts does not.
        items = [encode(item, other, depth - 1) for item in value]
        return {f"${kind.__name__}": sorted(items, key=json.dumps)}
    if kind is bytes:
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    if kind.__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        bare = value.item()
        if type(bare) is not kind:
            return encode(bare, other, depth - 1)
    if other is not None:
        return encode(other(value), other, depth - 1)
    raise NotPlain(f"{kind.__name__} has no JSON form")


def decode(data: Any) -> Any:
    """The value of a JSON form. Raises ValueError for a form that `encode` does not write."""
    if isinstance(data, list):
        return [decode(item) for item in cast(Any, data)]
    if not isinstance(data, dict):
        return data
    found = cast(dict[str, Any], data)
    key = next(iter(found), "")
    if len(found) == 1 and key.startswith("$"):
        return _decode_tagged(key, found[key])
    return {name: decode(item) for name, item in found.items()}


def _encode_dict(value: dict[Any, Any], other: Other | None, depth: int) -> Any:
    if all(type(key) is str and not key.startswith("$") for key in value):
        return {key: encode(item, other, depth - 1) for key, item in value.items()}
    pairs = value.items()
    return {"$map": [[encode(k, other, depth - 1), encode(v, other, depth - 1)] for k, v in pairs]}


def _decode_tagged(tag: str, content: Any) -> Any:
    if tag == "$float" and content in ("nan", "inf", "-inf"):
        return float(content)
    if tag == "$bytes" and isinstance(content, str):
        return base64.b64decode(content, validate=True)
    if isinstance(content, list):
        items: list[Any] = list(cast(Any, content))
        if tag == "$map":
            return {decode(key): decode(item) for key, item in items}
        kinds: dict[str, Callable[[list[Any]], Any]] = {
            "$tuple": tuple,
            "$set": set,
            "$frozenset": frozenset,
        }
        if tag in kinds:
            return kinds[tag]([decode(item) for item in items])
    raise ValueError(f"{tag} is not a form that penstock writes")
