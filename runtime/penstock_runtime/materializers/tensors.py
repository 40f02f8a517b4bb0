"""Tensors of PyTorch, through safetensors: one, or a state dict of them."""

import json
from collections import OrderedDict
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from penstock_runtime.hints import Hint, class_name, full_name
from penstock_runtime.materializers.cells import cell, cells, shortened
from penstock_runtime.materializers.codec import NotPlain, decode, encode
from penstock_runtime.materializers.libraries import installed, library

_PURPOSE = "a tensor of PyTorch, stored by safetensors,"
_TYPES = (
    *("float64", "float32", "float16", "bfloat16", "complex64", "bool"),
    *("int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8"),
)
_COMPARABLE = tuple(one for one in _TYPES if one[0] in "fi" or one in ("bfloat16", "uint8"))
_TENSOR, _MODULE = "torch.Tensor", "torch.nn.modules.module.Module"
_MOST_NAMES, _HEAD = 500, 10
_LENGTH = 8
"""The first bytes of the file: how long its header is."""
_KEY = "penstock"
"""The one entry of the file's own metadata: safetensors mixes up the order of several."""


class StateMaterializer:
    """A dict or OrderedDict of tensors, its order and its `_metadata` of versions included."""

    name: ClassVar[str] = "safetensors"
    media: ClassVar[str] = "application/vnd.safetensors"
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        return exact and kind in (dict, OrderedDict)

    def handles(self, value: Any) -> bool:
        # Numbers of modules' versions; anything else that a user hangs on is pickled.
        return (
            bool(value)
            and all(type(name) is str and _is_plain_tensor(one) for name, one in value.items())
            and _beside(value) is not None
            and installed("safetensors")
        )

    def save(self, value: Any, path: Path) -> None:
        _write(value, {**(_beside(value) or {}), "order": list(value)}, path)

    def load(self, path: Path, hint: Hint) -> Any:
        tensors, beside = _read(path)
        kind: Any = OrderedDict if beside["ordered"] else dict
        state = kind((name, tensors[name]) for name in beside["order"])
        if "versions" in beside:
            state._metadata = OrderedDict(decode(beside["versions"]))
        return state

    def preview(self, value: Any) -> dict[str, Any]:
        return {"kind": "tensors", **_listed(value)}


class TensorMaterializer:
    """A dense tensor without a gradient; it is loaded into the memory of the processor."""

    name: ClassVar[str] = "tensor"
    media: ClassVar[str] = "application/vnd.safetensors"
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        return exact and full_name(kind) == _TENSOR

    def handles(self, value: Any) -> bool:
        return _is_plain_tensor(value) and installed("safetensors")

    def save(self, value: Any, path: Path) -> None:
        _write({"tensor": value}, {}, path)

    def load(self, path: Path, hint: Hint) -> Any:
        return _read(path)[0]["tensor"]

    def preview(self, value: Any) -> dict[str, Any]:
        found = {"kind": "tensor", "type": _type(value), "shape": list(value.shape)}
        if value.numel() and _type(value) in _COMPARABLE:
            found |= {key: cell(getattr(value, key)().item()) for key in ("min", "max")}
            found["mean"] = cell(value.mean(dtype=library("torch", _PURPOSE).float64).item())
        return found | {"head": cells(value.flatten()[:_HEAD].tolist())}


def is_module(value: object) -> bool:
    """Whether a value is a module of PyTorch."""
    return any(full_name(base) == _MODULE for base in type(value).__mro__)


def described_module(module: Any) -> dict[str, Any]:
    """The parameters of a module by name, and how many numbers they are together."""
    parameters = dict(module.named_parameters())
    count = sum(int(one.numel()) for one in parameters.values())
    return {"kind": "model", "type": class_name(module), "count": count, **_listed(parameters)}


def reduced_storage(value: Any) -> Any:
    """How pickle shall write a storage of tensors; NotImplemented for everything else.

    As PyTorch writes it by itself, the bytes would tell where the storage lies in memory.
    """
    if class_name(value) != "torch.storage.TypedStorage":
        return NotImplemented
    from io import BytesIO

    torch, stream = library("torch", _PURPOSE), BytesIO()
    torch.save(value, stream)
    return torch.storage._load_from_bytes, (stream.getvalue(),)


def _is_plain_tensor(value: Any) -> bool:
    if class_name(value) != _TENSOR or value.requires_grad:
        return False
    dense = str(value.layout) == "torch.strided" and str(value.device) != "meta"
    return dense and _type(value) in _TYPES and not value.is_conj() and not value.is_neg()


def _beside(state: Any) -> dict[str, Any] | None:
    """What a state dict is besides its tensors; None when JSON cannot hold it."""
    found: dict[str, Any] = {"ordered": type(state) is OrderedDict}
    attributes = dict(getattr(state, "__dict__", {}))
    versions = attributes.pop("_metadata", None)
    if attributes:
        return None
    if versions is not None:
        try:
            found["versions"] = encode(dict(versions))
        except NotPlain:
            return None
    return found


def _write(tensors: dict[str, Any], beside: dict[str, Any], path: Path) -> None:
    seen: set[int] = set()
    apart: dict[str, Any] = {}
    for name, tensor in tensors.items():
        own = tensor.cpu().contiguous()
        place = own.untyped_storage().data_ptr()
        # Tensors that share their memory are written one by one.
        apart[name] = own.clone() if place in seen else own
        seen.add(place)
    text = json.dumps(beside, separators=(",", ":"))
    library("safetensors.torch", _PURPOSE).save_file(apart, str(path), {_KEY: text})


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    data = path.read_bytes()  # not a memory map: a step may change its tensors
    end = _LENGTH + int.from_bytes(data[:_LENGTH], "little")
    beside = json.loads(json.loads(data[_LENGTH:end])["__metadata__"][_KEY])
    return library("safetensors.torch", _PURPOSE).load(data), beside


def _listed(tensors: Any) -> dict[str, Any]:
    shown = islice(tensors.items(), _MOST_NAMES)
    described = [{"name": shortened(k), "type": _type(v), "shape": list(v.shape)} for k, v in shown]
    return {"length": len(tensors), "tensors": described}


def _type(tensor: Any) -> str:
    return str(tensor.dtype).removeprefix("torch.")
