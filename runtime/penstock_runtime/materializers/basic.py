"""JSON values, Metrics, bytes and text."""

import json
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, cast

from penstock_runtime.hints import Hint, full_name
from penstock_runtime.materializers.cells import cell, cells, shortened
from penstock_runtime.materializers.codec import NotPlain, decode, encode
from penstock_runtime.parameters import coerce
from penstock_runtime.store import canonical_json
from penstock_runtime.values import Metrics, plain_number

_HEAD = 10
_HEAD_TEXT = 2000


class JsonMaterializer:
    """None, numbers, lists, dicts, tuples and sets of those, as JSON without loss."""

    name: ClassVar[str] = "json"
    media: ClassVar[str] = "application/json"
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        if not exact:
            return False
        if kind.__module__ == "numpy":  # a number of NumPy is saved as Python's
            return any(full_name(base) == "numpy.generic" for base in kind.__mro__)
        return kind in (type(None), bool, int, float, list, dict, tuple, set, frozenset)

    def handles(self, value: Any) -> bool:
        try:
            encode(value)
        except NotPlain:
            return False
        return True

    def save(self, value: Any, path: Path) -> None:
        path.write_bytes(canonical_json(encode(value)))

    def load(self, path: Path, hint: Hint) -> Any:
        return coerce(decode(json.loads(path.read_bytes())), hint)

    def preview(self, value: Any) -> dict[str, Any]:
        kind = type(value).__name__
        if isinstance(value, (list, tuple, dict, set, frozenset)):
            items = cast(Any, value)
            head = cells(islice(items, _HEAD))
            return {"kind": kind, "length": len(items), "head": head}
        return {"kind": kind, "value": cell(value)}


class MetricsMaterializer:
    """Metrics, as a JSON object; what is not finite by its name."""

    name: ClassVar[str] = "metrics"
    media: ClassVar[str] = "application/json"
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        return exact and kind is Metrics

    def handles(self, value: Any) -> bool:
        return True

    def save(self, value: Metrics, path: Path) -> None:
        path.write_bytes(canonical_json({name: plain_number(v) for name, v in value.items()}))

    def load(self, path: Path, hint: Hint) -> Metrics:
        found: dict[str, float | str] = json.loads(path.read_bytes())
        return Metrics({name: float(number) for name, number in found.items()})

    def preview(self, value: Metrics) -> dict[str, Any]:
        return {"kind": "metrics", "value": {name: plain_number(v) for name, v in value.items()}}


class BytesMaterializer:
    """Bytes, as they are."""

    name: ClassVar[str] = "bytes"
    media: ClassVar[str] = "application/octet-stream"
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        return exact and kind is bytes

    def handles(self, value: Any) -> bool:
        return True

    def save(self, value: bytes, path: Path) -> None:
        path.write_bytes(value)

    def load(self, path: Path, hint: Hint) -> bytes:
        return path.read_bytes()

    def preview(self, value: bytes) -> dict[str, Any]:
        return {"kind": "bytes", "length": len(value), "head": value[:64].hex()}


class TextMaterializer:
    """Text, as UTF-8."""

    name: ClassVar[str] = "text"
    media: ClassVar[str] = "text/plain; charset=utf-8"
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        return exact and kind is str

    def handles(self, value: Any) -> bool:
        return True

    def save(self, value: str, path: Path) -> None:
        # A lone surrogate is no UTF-8, yet Python texts (file names) may hold one.
        path.write_bytes(value.encode("utf-8", "surrogatepass"))

    def load(self, path: Path, hint: Hint) -> Any:
        return coerce(path.read_bytes().decode("utf-8", "surrogatepass"), hint)

    def preview(self, value: str) -> dict[str, Any]:
        return {"kind": "text", "length": len(value), "head": shortened(value, _HEAD_TEXT)}
