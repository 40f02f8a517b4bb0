"""Estimators of scikit-learn, through skops where skops loads the result without any trust."""

from pathlib import Path
from typing import Any, ClassVar

from penstock_runtime.hints import Hint, class_name, full_name
from penstock_runtime.materializers.cells import cell
from penstock_runtime.materializers.libraries import installed, library
from penstock_runtime.materializers.protocol import NotHeld
from penstock_runtime.materializers.skops_file import ADDRESSES, canonical

_PURPOSE = "a model of scikit-learn, stored by skops,"
_BASE = "sklearn.base.BaseEstimator"


class EstimatorMaterializer:
    """An estimator made of nothing but what skops knows to be safe; all others are pickled."""

    name: ClassVar[str] = "skops"
    media: ClassVar[str] = "application/vnd.skops+zip"
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        return full_name(kind) == _BASE

    def handles(self, value: Any) -> bool:
        # A class of the user's would need trust; asking skops about it would only take time.
        return type(value).__module__.partition(".")[0] == "sklearn" and installed("skops")

    def save(self, value: Any, path: Path) -> None:
        skops = library("skops.io", _PURPOSE)
        try:
            data = skops.dumps(value)
            untrusted = skops.get_untrusted_types(data=data)
        except Exception as error:  # skops raises what it likes for what it does not know
            raise NotHeld(f"skops cannot write it: {error}") from error
        if untrusted:
            raise NotHeld(f"skops would need trust in {untrusted[0]}")
        path.write_bytes(canonical(data))

    def load(self, path: Path, hint: Hint) -> Any:
        return library("skops.io", _PURPOSE).loads(path.read_bytes(), trusted=[])

    def preview(self, value: Any) -> dict[str, Any]:
        return described(value)


def is_estimator(value: object) -> bool:
    """Whether a value is an estimator of scikit-learn, or of one that builds upon it."""
    return any(full_name(base) == _BASE for base in type(value).__mro__)


def reduced_vectorizer(value: Any) -> Any:
    """How pickle shall write an estimator that keeps a place in memory; else NotImplemented."""
    if not any(name in ADDRESSES for name in getattr(value, "__dict__", ())):
        return NotImplemented
    maker, arguments, state, *_ = value.__reduce_ex__(5)
    if not isinstance(state, dict):
        return NotImplemented
    return maker, arguments, state | {name: 0 for name in ADDRESSES if name in state}


def described(value: Any) -> dict[str, Any]:
    """Its parameters, and what fitting has told it about the data."""
    parameters = value.get_params(deep=False)
    found: dict[str, Any] = {
        "kind": "model",
        "type": class_name(value),
        "parameters": {str(name): cell(one) for name, one in parameters.items()},
    }
    features = getattr(value, "n_features_in_", None)
    if isinstance(features, int):
        found["features"] = features
    return found
