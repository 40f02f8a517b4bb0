"""Stores and loads tensors; a program of the environment that has PyTorch.

Prints the digests as JSON, so that processes can be compared.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import OrderedDict
from importlib import import_module
from pathlib import Path
from typing import Any

from trips import Trips

# The environment of the type checkers has no PyTorch.
torch: Any = import_module("torch")


def network() -> Any:
    """A network with a buffer, a frozen parameter, and two layers that share their weights."""
    torch.manual_seed(0)
    nn = torch.nn
    made = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Linear(3, 3))
    made[0].bias.requires_grad_(False)
    made[2].weight = made[0].weight
    return made


def state_dicts(trips: Trips) -> list[str]:
    """A state dict, and dicts of the user's."""
    again: Any
    state = network().state_dict()
    ref, again = trips.there_and_back(state, OrderedDict[str, Any])
    assert (ref.materializer, ref.unsafe) == ("safetensors", False), ref
    assert type(again).__name__ == "OrderedDict"
    assert list(again) == list(state)
    assert again._metadata == state._metadata
    assert all(torch.equal(again[name], state[name]) for name in state)
    fresh = network()
    fresh.load_state_dict(again)
    for tensor in again.values():
        tensor.add_(1)  # free to be changed, and the store's file is not
    assert torch.equal(trips.load(ref)["1.bias"], state["1.bias"])
    shown = trips.preview(ref)
    assert (shown["length"], shown["tensors"][0]["name"]) == (len(state), "0.weight")

    base = torch.arange(6.0)
    own = {"z": base, "a": base[:2], "view": base.reshape(2, 3).t(), "half": base.half()}
    loaded: Any
    second, loaded = trips.there_and_back(own, dict[str, Any])
    assert second.materializer == "safetensors"
    assert loaded.__class__ is dict and list(loaded) == list(own)
    assert all(torch.equal(loaded[name], own[name]) for name in own)
    return [ref.digest, second.digest]


def tensors(trips: Trips) -> list[str]:
    """Single tensors of every kind that safetensors has."""
    digests: list[str] = []
    for value in (
        *(torch.arange(6).reshape(2, 3).t(), torch.tensor(3.5), torch.zeros(0, 3)),
        *(torch.ones(3, dtype=torch.bfloat16), torch.tensor([1 + 2j]), torch.tensor([True])),
        *(torch.tensor([1], dtype=torch.uint16), torch.tensor([float("nan")])),
    ):
        ref, again = trips.there_and_back(value, torch.Tensor)
        assert (ref.materializer, ref.unsafe) == ("tensor", False), value
        torch.testing.assert_close(again, value, rtol=0, atol=0, equal_nan=True)
        assert trips.preview(ref)["shape"] == list(value.shape)
        digests.append(ref.digest)
    return digests


def pickled(trips: Trips) -> list[str]:
    """What safetensors would lose, in bytes that do not tell where it lay in memory."""
    digests: list[str] = []
    for value in (
        *(torch.ones(2, requires_grad=True), torch.nn.Parameter(torch.ones(2))),
        *({"a": torch.ones(2), "b": 1}, torch.eye(2).to_sparse(), network()),
    ):
        ref, again = trips.there_and_back(value, trusted=True)
        assert (ref.materializer, ref.unsafe) == ("pickle", True), value
        assert repr(again) == repr(value)
        digests.append(ref.digest)
    ref = trips.save(network())
    again = trips.load(ref, trusted=True)
    assert again[2].weight is again[0].weight
    assert not again[0].bias.requires_grad
    shown = trips.preview(ref)
    assert (shown["kind"], shown["tensors"][0]) == (
        "model",
        {"name": "0.weight", "type": "float32", "shape": [3, 3]},
    )
    return digests


def main() -> None:
    """Checks all and prints the digests."""
    with tempfile.TemporaryDirectory() as name:
        trips = Trips(Path(name))
        json.dump([*state_dicts(trips), *tensors(trips), *pickled(trips)], sys.stdout)


if __name__ == "__main__":
    main()
