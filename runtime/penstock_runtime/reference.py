"""How values travel between steps: constants as JSON, artifacts by reference."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from penstock_runtime.errors import BadRequest
from penstock_runtime.labels import is_digest, is_label

FOLDER_MEDIA = "application/vnd.penstock.folder+json"
"""The media type of an artifact that is a folder: its blob is the manifest."""

_DEEPEST = 32
_LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class ArtifactRef:
    """A stored artifact: what it is, and which materializer of the reader's own can load it.

    `type` says what was stored, for people; it is never imported.
    """

    digest: str
    size: int
    type: str
    materializer: str
    media: str
    unsafe: bool = False
    preview: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The reference as a JSON object."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Constant:
    """A parameter's value, as JSON."""

    value: Any


@dataclass(frozen=True, slots=True)
class Artifact:
    """An artifact's value."""

    ref: ArtifactRef


@dataclass(frozen=True, slots=True)
class Several:
    """The values that `gather` collected, in order."""

    items: "tuple[Value, ...]"


Value: TypeAlias = Constant | Artifact | Several


def value_to_json(value: Value) -> dict[str, Any]:
    """A value as the JSON object that `parse_value` reads."""
    if isinstance(value, Constant):
        return {"value": value.value}
    if isinstance(value, Artifact):
        return {"artifact": value.ref.to_json()}
    return {"list": [value_to_json(item) for item in value.items]}


def parse_value(data: object, where: str, depth: int = _DEEPEST) -> Value:
    """A value from its JSON object. Raises BadRequest naming the place."""
    found = as_object(data, where)
    if depth == 0:
        raise BadRequest(f"{where} is nested more than {_DEEPEST} deep")
    if len(found) == 1:
        kind, content = next(iter(found.items()))
        if kind == "value":
            return Constant(content)
        if kind == "artifact":
            return Artifact(parse_ref(content, where))
        if kind == "list":
            items = as_list(content, where)
            return Several(
                tuple(parse_value(v, f"{where}[{i}]", depth - 1) for i, v in enumerate(items))
            )
    raise BadRequest(f"{where} must have exactly one of the keys value, artifact, list")


def parse_ref(data: object, where: str) -> ArtifactRef:
    """A reference from its JSON object, every key checked. Raises BadRequest."""
    found = as_object(data, where)
    check_keys(
        found,
        required=("digest", "size", "type", "materializer", "media"),
        optional=("unsafe", "preview"),
        where=where,
    )
    digest, size, preview = found["digest"], found["size"], found.get("preview")
    if not is_digest(digest):
        raise BadRequest(f"{where}: {digest!r} is not a digest")
    if preview is not None and not is_digest(preview):
        raise BadRequest(f"{where}: {preview!r} is not a digest")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise BadRequest(f"{where}: size {size!r} is not a number of bytes")
    if not is_label(found["materializer"]):
        raise BadRequest(f"{where}: {found['materializer']!r} cannot name a materializer")
    if not isinstance(found.get("unsafe", False), bool):
        raise BadRequest(f"{where}: unsafe must be true or false")
    for key in ("type", "media"):
        if not isinstance(found[key], str) or len(found[key]) > _LONGEST_TEXT:
            raise BadRequest(f"{where}: {key} must be a short text")
    return ArtifactRef(**found)


def as_object(data: object, where: str) -> dict[str, Any]:
    """The data, which must be a JSON object. Raises BadRequest."""
    if not isinstance(data, dict):
        raise BadRequest(f"{where} must be a JSON object, not {type(data).__name__}")
    return cast(dict[str, Any], data)


def object_or_empty(data: object) -> dict[str, Any]:
    """The data if it is a JSON object; an empty one for anything else."""
    return cast(dict[str, Any], data) if isinstance(data, dict) else {}


def list_or_empty(data: object) -> list[Any]:
    """The data if it is a JSON list; an empty one for anything else."""
    return list(cast(Any, data)) if isinstance(data, list) else []


def as_list(data: object, where: str) -> list[Any]:
    """The data, which must be a JSON list. Raises BadRequest."""
    if not isinstance(data, list):
        raise BadRequest(f"{where} must be a JSON list, not {type(data).__name__}")
    return list(cast(Any, data))


def check_keys(
    found: Mapping[str, Any], *, required: tuple[str, ...], optional: tuple[str, ...], where: str
) -> None:
    """Refuse a missing or an unknown key. Raises BadRequest."""
    for key in required:
        if key not in found:
            raise BadRequest(f"{where} lacks the key {key!r}")
    for key in found:
        if key not in required and key not in optional:
            raise BadRequest(f"{where} has the unknown key {key!r}")
