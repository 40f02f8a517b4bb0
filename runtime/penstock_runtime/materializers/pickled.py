"""The last resort: pickle, for types that have no safe form."""

from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from penstock_runtime.hints import Hint
from penstock_runtime.materializers.cells import shortened

_LONGEST_REPR = 2000


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
        with open(path, "xb") as stream:
            import_module("pickle").dump(value, stream, protocol=5)

    def load(self, path: Path, hint: Hint) -> Any:
        with open(path, "rb") as stream:
            # The caller has checked trust and digest.
            return import_module("pickle").load(stream)

    def preview(self, value: Any) -> dict[str, Any]:
        found: dict[str, Any] = {"kind": "object", "type": type(value).__qualname__}
        try:
            found["repr"] = shortened(repr(value), _LONGEST_REPR)
        except Exception as error:  # the user's __repr__ may raise; a preview is not worth a run
            found["repr_failed"] = type(error).__name__
        return found
