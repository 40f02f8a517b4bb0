"""What a materializer is."""

from pathlib import Path
from typing import Any, ClassVar, Protocol

from penstock_runtime.hints import Hint


class NotHeld(TypeError):
    """Raised by `save`: after all, this value cannot be saved without loss; try the next one."""


class Materializer(Protocol):
    """Writes values of some types to a file, and reads them back.

    A third party registers one under the entry-point group `penstock.materializers`; the name
    of the entry point is the type's full name, such as `polars.dataframe.frame.DataFrame`.
    """

    name: ClassVar[str]
    """Stands in references, and so in records: never change it."""
    media: ClassVar[str]
    """The media type of the file."""
    unsafe: ClassVar[bool]
    """Whether loading may execute code that the file brings along."""

    def claims(self, kind: type, exact: bool) -> bool:
        """Whether it is meant for a class; `exact` is False for a base of the value's class."""
        ...

    def handles(self, value: Any) -> bool:
        """Whether this value of a claimed class can be saved without loss."""
        ...

    def save(self, value: Any, path: Path) -> None:
        """Write the value to a new file, or a new folder, at the path. May raise NotHeld."""
        ...

    def load(self, path: Path, hint: Hint) -> Any:
        """Read the value. The hint is the annotation of the consumer; the path is read-only."""
        ...

    def preview(self, value: Any) -> dict[str, Any]:
        """Facts about the value as small, safe JSON, for readers that never load it."""
        ...
