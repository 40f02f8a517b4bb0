"""Arrays of NumPy, as .npy files without pickle."""

from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from penstock_runtime.hints import Hint, full_name
from penstock_runtime.materializers.cells import cell, cells

_HEAD = 10


class ArrayMaterializer:
    """A NumPy array of numbers, texts, dates or records; not of Python objects."""

    name: ClassVar[str] = "numpy"
    media: ClassVar[str] = "application/x-npy"
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        # A subclass (a masked array) holds more than .npy keeps.
        return exact and full_name(kind) == "numpy.ndarray"

    def handles(self, value: Any) -> bool:
        return not value.dtype.hasobject

    def save(self, value: Any, path: Path) -> None:
        with open(path, "xb") as stream:
            import_module("numpy").save(stream, value, allow_pickle=False)

    def load(self, path: Path, hint: Hint) -> Any:
        return import_module("numpy").load(path, allow_pickle=False)

    def preview(self, value: Any) -> dict[str, Any]:
        found: dict[str, Any] = {
            "kind": "array",
            "type": str(value.dtype),
            "shape": [int(length) for length in value.shape],
            "head": cells(value.ravel()[:_HEAD]),
        }
        if value.size and value.dtype.kind in "iuf":
            found |= {key: cell(getattr(value, key)()) for key in ("min", "max", "mean")}
        return found
