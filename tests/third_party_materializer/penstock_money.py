"""A type that pickle cannot hold, and the materializer that can."""

from pathlib import Path
from threading import Lock
from typing import Any, ClassVar


class Money:
    def __init__(self, cents: int) -> None:
        self.cents = cents
        self.lock = Lock()

    def __reduce__(self) -> Any:
        raise TypeError("money is not for pickle")


class Euro(Money):
    """What is registered for a class holds for those that are made from it, too."""


class MoneyMaterializer:
    name: ClassVar[str] = "money"
    media: ClassVar[str] = "text/plain; charset=utf-8"
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        return True

    def handles(self, value: Any) -> bool:
        return True

    def save(self, value: Money, path: Path) -> None:
        path.write_text(str(value.cents))

    def load(self, path: Path, hint: Any) -> Money:
        made: Money = hint(int(path.read_text()))
        return made

    def preview(self, value: Money) -> dict[str, Any]:
        return {"kind": "money", "cents": value.cents}
