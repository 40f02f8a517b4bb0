"""Models of pydantic, as JSON objects of their fields."""

import json
from pathlib import Path
from typing import Any, ClassVar

from penstock_runtime.hints import Hint, full_name, plain, spelled
from penstock_runtime.materializers.cells import cell
from penstock_runtime.materializers.codec import NotPlain, decode, encode
from penstock_runtime.materializers.libraries import library
from penstock_runtime.materializers.protocol import NotHeld
from penstock_runtime.parameters import same
from penstock_runtime.store import canonical_json

_PURPOSE = "a model of pydantic"


class ModelMaterializer:
    """A pydantic model that its own class can rebuild; loaded as the consumer's annotation says."""

    name: ClassVar[str] = "pydantic"
    media: ClassVar[str] = "application/json"
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        return full_name(kind) == "pydantic.main.BaseModel"

    def handles(self, value: Any) -> bool:
        return True

    def save(self, value: Any, path: Path) -> None:
        # Only a trial tells whether the class takes what it gives, and keeps all of it.
        try:
            data = _written(value)
            again = _read(data, type(value))
            kept = type(again) is type(value) and same(_whole(again), _whole(value))
        except (NotPlain, TypeError, ValueError) as error:
            raise NotHeld(f"its JSON form cannot be read back: {error}") from error
        if not kept:
            raise NotHeld("its JSON form does not keep all of it")
        path.write_bytes(data)

    def load(self, path: Path, hint: Hint) -> Any:
        data = path.read_bytes()
        value: Any = _read(data, hint)
        if isinstance(value, library("pydantic", _PURPOSE).BaseModel):
            if _written(value) == data:
                return value
            raise TypeError(
                f"the model that was stored is not a {spelled(hint)}; annotate the input with the "
                "class that its step returned"
            )
        if _is_dict(value) and plain(hint) is not dict:
            raise TypeError(
                f"a pydantic model was stored, but the annotation {spelled(hint)} does not say "
                "which; annotate the input with the model (or with dict)"
            )
        return value

    def preview(self, value: Any) -> dict[str, Any]:
        fields = _names(type(value))
        return {
            "kind": "model",
            "type": type(value).__qualname__,
            "fields": {name: cell(getattr(value, name)) for name in fields},
        }


def _is_dict(value: object) -> bool:
    return isinstance(value, dict)


def _names(model: Any) -> list[str]:
    return list(model.model_fields)


def _written(value: Any) -> bytes:
    found = value.model_dump(mode="python", by_alias=True, round_trip=True)
    return canonical_json(encode(found, _plainer))


def _read(data: bytes, hint: Hint) -> Any:
    return library("pydantic", _PURPOSE).TypeAdapter(hint).validate_python(decode(json.loads(data)))


def _whole(value: Any) -> tuple[Any, Any]:
    """All that a model holds: what subclasses in its fields add, and what is private."""
    return value.model_dump(serialize_as_any=True), value.__pydantic_private__


def _plainer(value: Any) -> Any:
    core = library("pydantic_core", _PURPOSE)
    try:
        return core.to_jsonable_python(value)
    except core.PydanticSerializationError as error:
        raise NotPlain(str(error)) from error
