"""Dataclasses, as JSON objects of their fields."""

import json
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar, cast

from penstock_runtime.hints import Hint, plain, spelled
from penstock_runtime.materializers.cells import cell
from penstock_runtime.materializers.codec import NotPlain, decode, encode
from penstock_runtime.parameters import coerce, same
from penstock_runtime.store import canonical_json
from penstock_runtime.values import Metrics


class DataclassMaterializer:
    """A dataclass whose fields have a JSON form; loaded as what the consumer's annotation says."""

    name: ClassVar[str] = "dataclass"
    media: ClassVar[str] = "application/json"
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        return exact and "__dataclass_fields__" in vars(kind)

    def handles(self, value: Any) -> bool:
        # Only a trial tells whether the annotations are enough to rebuild the very same value.
        try:
            return same(coerce(decode(encode(value, _plainer)), type(value)), value)
        except (NotPlain, TypeError, ValueError):
            return False

    def save(self, value: Any, path: Path) -> None:
        path.write_bytes(canonical_json(encode(value, _plainer)))

    def load(self, path: Path, hint: Hint) -> Any:
        found = decode(json.loads(path.read_bytes()))
        value = coerce(found, hint)
        if isinstance(value, dict) and plain(hint) is not dict:
            raise TypeError(
                f"a dataclass was stored, but the annotation {spelled(hint)} does not say which; "
                "annotate the input with the dataclass (or with dict)"
            )
        return cast(Any, value)

    def preview(self, value: Any) -> dict[str, Any]:
        names = list(value.__dataclass_fields__)
        return {
            "kind": "dataclass",
            "type": type(value).__qualname__,
            "fields": {name: cell(getattr(value, name)) for name in names},
        }


def _plainer(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Metrics):
        return dict(value)
    if "__dataclass_fields__" in vars(cast(Any, type(value))):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    raise NotPlain(f"{type(value).__name__} has no JSON form")
