"""The verifier's tables of messages and fields are those of the protocol that the SDK ships."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Iterator
from typing import Any

from penstock_kubeflow.verifier.messages import FIELDS, ONE_OF
from penstock_kubeflow.verifier.platform_messages import FIELDS as PLATFORM_FIELDS

_messages: Any = importlib.import_module("kfp.pipeline_spec.pipeline_spec_pb2")


def _described(message: Any) -> dict[str, str]:
    fields: dict[str, str] = {}
    for one in message.fields:
        entry = one.message_type is not None and one.message_type.GetOptions().map_entry
        message_type: Any = one.message_type
        value = message_type.fields_by_name["value"] if entry else one
        repeated = not entry and one.is_repeated
        fields[one.json_name] = ("map " if entry else "list " if repeated else "") + _kind(value)
    return fields


def _kind(one: Any) -> str:
    if one.message_type is not None:
        name = one.message_type.full_name
        short = name.removeprefix("ml_pipelines.").removeprefix("kfp_kubernetes.")
        known = {"google.protobuf.Value": "any", "google.protobuf.Duration": "Duration"}
        return known.get(name) or ("Struct" if name.startswith("google.") else short)
    if one.enum_type is not None:
        return "enum " + "|".join(value.name for value in one.enum_type.values)
    names = {1: "double", 2: "double", 3: "int64", 5: "int32", 8: "bool", 9: "string"}
    return names[one.type]


def _kubernetes() -> Any:
    package = importlib.metadata.distribution("kfp-kubernetes")
    file = package.locate_file("kfp/kubernetes/kubernetes_executor_config_pb2.py")
    spec = importlib.util.spec_from_file_location("kubernetes_executor_config_pb2", str(file))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _all(file: Any) -> Iterator[Any]:
    todo = list(file.DESCRIPTOR.message_types_by_name.values())
    while todo:
        one = todo.pop()
        yield one
        todo += one.nested_types


def test_the_messages_are_those_of_the_protocol() -> None:
    known = {one.full_name.removeprefix("ml_pipelines."): one for one in _all(_messages)}
    for name, fields in FIELDS.items():
        real = _described(known[name])
        if name == "PipelineSpec":
            assert real.pop("deploymentSpec") == "Struct"  # read strictly by the backend
            fields = {key: kind for key, kind in fields.items() if key != "deploymentSpec"}
        assert fields == real, name
        groups = [one for one in known[name].oneofs if not one.name.startswith("_")]
        expected = tuple(tuple(field.json_name for field in one.fields) for one in groups)
        assert ONE_OF.get(name, ()) == expected, name


def test_the_platform_messages_are_those_of_the_protocol() -> None:
    found = {one.full_name.removeprefix("kfp_kubernetes."): one for one in _all(_kubernetes())}
    for name, fields in PLATFORM_FIELDS.items():
        assert fields == _described(found[name]), name
