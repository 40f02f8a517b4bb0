"""What a task of Kubeflow is given: its ports, put together to the inputs of the step.

`--inputs` is JSON that says it of each input that is not just the port of the same name:

    {"in": PORT}                      the port; with "optional": true, None where it is missing
    {"in": PORT, "at": ["rates", 0]}  a part of it
    {"in": PORT, "each": ["name"]}    that part of each item; "pick" then picks from the list
    {"list": [...]}                   a list of such things
    {"value": ...}                    a value that is written in the pipeline
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from penstock_runtime.artifacts import check_digest, named_path, trusted_materializer
from penstock_runtime.errors import BadRequest, StoreError
from penstock_runtime.execute import item_hint, loading
from penstock_runtime.folders import hash_path
from penstock_runtime.hints import Hint, plain
from penstock_runtime.parameters import coerce, to_json
from penstock_runtime.reference import (
    Artifact,
    ArtifactRef,
    Constant,
    Several,
    Value,
    as_list,
    as_object,
    check_keys,
    list_or_empty,
    parse_ref,
)
from penstock_runtime.target import Target
from penstock_runtime.values import RunStatus

REF_KEYS = ("digest", "size", "type", "materializer", "media", "unsafe", "preview")
_ROOTS = {"gs": "/gcs/", "s3": "/s3/", "minio": "/minio/"}
_SHAPE = ("in", "at", "each", "pick", "optional", "list", "value")
_STATES = {
    "COMPLETE": RunStatus.SUCCEEDED,
    "SUCCEEDED": RunStatus.SUCCEEDED,
    "CANCELED": RunStatus.CANCELLED,
    "CANCELING": RunStatus.CANCELLED,
    "CANCELLED": RunStatus.CANCELLED,
}


@dataclass(frozen=True)
class File:
    """An artifact where the launcher has put it."""

    artifact: Mapping[str, Any]


@dataclass(frozen=True)
class Json:
    """A parameter's value."""

    value: Any


Piece = Json | File | list["Piece"]


@dataclass(frozen=True)
class Inputs:
    """What the step is called with, and what of it is recorded."""

    values: dict[str, Any]
    recorded: dict[str, Value]


def loaded(
    given: Mapping[str, Any],
    lists: frozenset[str],
    shapes: Mapping[str, Any],
    target: Target,
    scratch: Path,
) -> Inputs:
    """The inputs of a step from those of its ExecutorInput.

    Raises BadRequest, StoreError, StepFailed.
    """
    ports = _ports(given, lists)
    pieces: dict[str, Piece] = {}
    used: set[str] = set()
    for name, shape in shapes.items():
        pieces[name] = shaped(shape, ports, used, name)
    pieces |= {name: piece for name, piece in ports.items() if name not in used}
    found = Inputs({}, {})
    loader = _Loader(scratch)
    for name, piece in pieces.items():
        hint = target.input_hints.get(name, Any)
        constant = Constant(None) if isinstance(piece, Json) else Several(())
        with loading(target.step, name, constant):
            found.values[name], found.recorded[name] = loader.load(piece, hint)
    return found


def local_path(artifact: Mapping[str, Any]) -> Path:
    """Where the launcher keeps an artifact of this URI. Raises BadRequest for unknown schemes."""
    custom, uri = artifact.get("customPath"), artifact.get("uri")
    if isinstance(custom, str) and custom:
        return Path(custom)
    if not isinstance(uri, str) or not uri:
        raise BadRequest("an artifact of the executor input has no uri")
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return Path(uri)
    if scheme not in _ROOTS or ".." in rest.split("/"):
        raise BadRequest(f"no local path for the artifact {uri}")
    return Path(_ROOTS[scheme] + rest)


def _ports(given: Mapping[str, Any], lists: frozenset[str]) -> dict[str, Piece]:
    parameters = as_object(given.get("parameterValues", {}), "inputs.parameterValues")
    ports: dict[str, Piece] = {name: Json(value) for name, value in parameters.items()}
    for name, entry in as_object(given.get("artifacts", {}), "inputs.artifacts").items():
        found = as_list(as_object(entry, f"artifact {name}").get("artifacts", []), name)
        if name not in lists and len(found) != 1:
            raise BadRequest(f"input {name!r} has {len(found)} artifacts, not one")
        files: list[Piece] = [File(as_object(one, name)) for one in found]
        ports[name] = files if name in lists else files[0]
    return ports


def shaped(shape: object, ports: Mapping[str, Piece], used: set[str], where: str) -> Piece:
    """An input made from ports as its shape says; notes which ports. Raises BadRequest."""
    found = as_object(shape, f"--inputs {where}")
    check_keys(found, required=(), optional=_SHAPE, where=f"--inputs {where}")
    if "value" in found:
        piece: Piece = Json(found["value"])
    elif "list" in found:
        items = as_list(found["list"], where)
        piece = [shaped(one, ports, used, where) for one in items]
    else:
        piece = _port(found, ports, used, where)
    piece = _at(piece, as_list(found.get("at", []), where), where)
    if "each" in found:
        path = as_list(found["each"], where)
        piece = [_at(one, path, where) for one in _items(piece, where)]
    return _at(piece, as_list(found.get("pick", []), where), where)


def _port(
    shape: Mapping[str, Any], ports: Mapping[str, Piece], used: set[str], where: str
) -> Piece:
    name = shape.get("in")
    if not isinstance(name, str):
        raise BadRequest(f"--inputs {where} has none of the keys in, list, value")
    used.add(name)
    if name in ports:
        return ports[name]
    if shape.get("optional") is True:
        return Json(None)
    raise BadRequest(f"input {where!r} is made from {name!r}, which is not given")


def _items(piece: Piece, where: str) -> list[Piece]:
    value = piece.value if isinstance(piece, Json) else None
    if isinstance(value, list):
        return [Json(one) for one in list_or_empty(cast(Any, value))]
    if isinstance(piece, list):
        return piece
    raise BadRequest(f"input {where!r} is made from the items of what is no list")


def _at(piece: Piece, path: list[Any], where: str) -> Piece:
    for key in path:
        try:
            if isinstance(piece, Json):
                inside = piece.value
                if not isinstance(inside, (list, dict)):
                    raise TypeError
                piece = Json(cast(Any, inside)[key])
            elif isinstance(piece, list):
                piece = piece[key]
            else:
                raise TypeError
        except (LookupError, TypeError):
            raise BadRequest(f"input {where!r}: there is no {key!r} in what is given") from None
    return piece


class _Loader:
    """Loads pieces, each artifact from a free name in the scratch folder."""

    def __init__(self, scratch: Path) -> None:
        self._scratch, self._number = scratch, 0

    def load(self, piece: Piece, hint: Hint) -> tuple[Any, Value]:
        """A piece as the annotation asks, and how it is recorded."""
        if isinstance(piece, Json):
            given = _status(piece.value) if plain(hint) is RunStatus else piece.value
            value = coerce(given, hint)
            return value, Constant(to_json(value))
        if isinstance(piece, File):
            self._number += 1
            return _load_artifact(piece.artifact, hint, self._scratch / str(self._number))
        if all(isinstance(one, Json) for one in piece):
            return self.load(Json([cast(Json, one).value for one in piece]), hint)
        each = item_hint(hint)
        pairs = [self.load(one, each) for one in piece]
        return [value for value, _ in pairs], Several(tuple(one for _, one in pairs))


def _load_artifact(artifact: Mapping[str, Any], hint: Hint, path: Path) -> tuple[Any, Value]:
    ref, source = _reference_in(artifact), local_path(artifact)
    # The pipeline's own steps wrote it: MLMD keeps the digest, and it is checked here.
    materializer = trusted_materializer(ref, trusted=True)
    if not source.exists():
        raise StoreError(f"the launcher left no file at {source}")
    check_digest(ref, hash_path(source), str(source))
    if materializer.name == "path":  # the step may change its copy
        path = named_path(ref, path)
        materializer.save(source, path)
        source = path
    return materializer.load(source, hint), Artifact(ref)


def _reference_in(artifact: Mapping[str, Any]) -> ArtifactRef:
    metadata = as_object(artifact.get("metadata", {}), "metadata")
    found = {key: metadata[key] for key in REF_KEYS if key in metadata}
    if "digest" not in found:
        raise BadRequest(f"the artifact {artifact.get('uri')} has no digest in its metadata")
    size = found.get("size")
    if isinstance(size, float) and size.is_integer():  # every number of a Struct is a double
        found["size"] = int(size)
    return parse_ref(found, "the artifact's metadata")


def _status(value: Any) -> Any:
    # An exit handler gets PipelineTaskFinalStatus; its states are not our words.
    if not isinstance(value, dict):
        return value
    state = str(cast(dict[str, Any], value).get("state", "")).upper()
    return _STATES.get(state, RunStatus.FAILED).value
