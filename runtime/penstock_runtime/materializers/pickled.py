"""The last resort: pickle, for types that have no safe form."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, cast

from penstock_runtime.hints import Hint
from penstock_runtime.materializers.cells import shortened
from penstock_runtime.materializers.estimators import described as described_estimator
from penstock_runtime.materializers.estimators import is_estimator, reduced_vectorizer
from penstock_runtime.materializers.tensors import described_module, is_module, reduced_storage
from penstock_runtime.refusals import known_refusal

_LONGEST_REPR = 2000
_REDUCERS = {"torch": reduced_storage, "sklearn.feature_extraction.text": reduced_vectorizer}


class PickleMaterializer:
    """Any object that pickle accepts.

    Loading executes what the file says, so references to it carry `unsafe: true`, and only
    artifacts of the same store's runs are loaded, their digest checked first.
    """

    name: ClassVar[str] = "pickle"
    media: ClassVar[str] = "application/x-python-pickle"
    unsafe: ClassVar[bool] = True

    def claims(self, kind: type, exact: bool) -> bool:
        return True

    def handles(self, value: Any) -> bool:
        return True

    def save(self, value: Any, path: Path) -> None:
        refused = known_refusal(type(cast(object, value)))
        if refused is not None:
            raise TypeError(f"{refused.reason}; {refused.hint}")
        with open(path, "xb") as stream:
            _pickler(stream).dump(value)

    def load(self, path: Path, hint: Hint) -> Any:
        with open(path, "rb") as stream:
            # The caller has checked trust and digest.
            return import_module("pickle").load(stream)

    def preview(self, value: Any) -> dict[str, Any]:
        found: dict[str, Any] = {"kind": "object", "type": type(value).__qualname__}
        try:
            if is_estimator(value):
                found = described_estimator(value)
            elif is_module(value):
                found = described_module(value)
            found["repr"] = shortened(repr(value), _LONGEST_REPR)
        except Exception as error:  # the user's __repr__ may raise; a preview is not worth a run
            found["repr_failed"] = type(error).__name__
        return found


def _pickler(stream: BinaryIO) -> Any:
    """A pickler that leaves out what some libraries' objects tell about their place in memory."""
    pickle = import_module("pickle")
    reducers = [reducer for module, reducer in _REDUCERS.items() if module in sys.modules]
    if not reducers:
        return pickle.Pickler(stream, protocol=5)

    def reducer_override(_: Any, value: Any) -> Any:
        found = (reducer(value) for reducer in reducers)
        return next((one for one in found if one is not NotImplemented), NotImplemented)

    methods = {"reducer_override": reducer_override}
    return type("SamePickler", (pickle.Pickler,), methods)(stream, protocol=5)
