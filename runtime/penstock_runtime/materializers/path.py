"""Files and folders."""

from pathlib import Path, PurePath
from typing import Any, ClassVar

from penstock_runtime.hints import Hint
from penstock_runtime.materializers.cells import cells


class PathMaterializer:
    """A file or a folder that the step wrote; the consumer gets a copy of its own."""

    name: ClassVar[str] = "path"
    media: ClassVar[str] = "application/octet-stream"
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        return issubclass(kind, Path)

    def handles(self, value: Any) -> bool:
        return True

    def save(self, value: Path, path: Path) -> None:
        import shutil  # 10 ms that most steps need not pay

        if value.is_dir():
            shutil.copytree(value, path)
        else:
            shutil.copyfile(value, path)

    def load(self, path: Path, hint: Hint) -> PurePath:
        return path

    def preview(self, value: Path) -> dict[str, Any]:
        if not value.is_dir():
            return {"kind": "file", "name": value.name, "size": value.stat().st_size}
        inside = sorted(p.relative_to(value).as_posix() for p in value.rglob("*") if p.is_file())
        return {"kind": "folder", "files": len(inside), "head": cells(inside[:20])}
