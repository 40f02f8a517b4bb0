"""`images.lock.yaml`: the digests under which a registry has the images, for targets to pin."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from penstock.images.engine_errors import one_line
from penstock.images.registry_names import in_registry, pinned
from penstock.images.settings import ImageSettingsError
from penstock.ir.yamltext import YamlError, dump, load

if TYPE_CHECKING:
    from penstock.images.engine import Engine
    from penstock.images.plan import ImagePlan

PUSHED = "images.lock.yaml"

_HEADER = "written by penstock build; commit it"
_MOST_BYTES = 4 << 20
_MOST_NODES = 100_000
_LONGEST = 512
# Counted repetitions make such a pattern slow to prepare, at every start.
_REFERENCE = r"^[A-Za-z0-9][A-Za-z0-9.:_/-]*@sha256:[0-9a-f]{64}$"
_WRONG = {
    ("string_pattern_mismatch", True): "this is no name of an image",
    ("string_pattern_mismatch", False): "this is no image by its digest",
}
_Name = Annotated[
    str, Field(max_length=384, pattern=r"^[a-z0-9][a-z0-9._/-]*:[A-Za-z0-9_][A-Za-z0-9_.-]*$")
]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class PushedImage(_Strict):
    """Where a registry has an image, and what that was built on; both by digest."""

    reference: str = Field(max_length=_LONGEST, pattern=_REFERENCE)
    base: str | None = Field(default=None, max_length=_LONGEST, pattern=_REFERENCE)


class _Lock(_Strict):
    images: dict[_Name, PushedImage] = Field(default_factory=dict[str, PushedImage])


def pushed_images(file: Path) -> dict[str, PushedImage]:
    """The pushed images by their names, none where there is no file.

    Raises `ImageSettingsError` for a file that was not written by penstock.
    """
    try:
        with file.open("rb") as opened:
            text = opened.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ImageSettingsError(f"{file} cannot be read: {error.strerror}") from None
    try:
        found = load(text, max_bytes=_MOST_BYTES, max_nodes=_MOST_NODES)
        return _Lock.model_validate(found).images
    except YamlError as error:
        raise ImageSettingsError(f"{file}: {one_line(str(error))}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = one_line(".".join(str(part) for part in first["loc"]))
        why = _WRONG.get((first["type"], "[key]" in first["loc"]), first["msg"])
        raise ImageSettingsError(f"{file}: {name}: {why}") from None


def write_pushed(file: Path, images: Mapping[str, PushedImage]) -> None:
    """Write down pushed images beside those of the file; the same ones give the same bytes.

    Raises `ImageSettingsError`; the file is then as it was.
    """
    both = {**pushed_images(file), **images}
    listed = {name: both[name].model_dump(exclude_none=True) for name in sorted(both)}
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        try:
            with temporary.open("w", encoding="utf-8", newline="\n") as opened:
                opened.write(dump({"images": listed}, header=_HEADER))
                opened.flush()
                os.fsync(opened.fileno())
            temporary.replace(file)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ImageSettingsError(f"{file} cannot be written: {error.strerror}") from None


def push_images(
    plan: ImagePlan, root: Path, registry: str, engine: Engine, listen: Callable[[str], None]
) -> Iterator[tuple[str, str]]:
    """Push the images of a plan, and write each down as soon as the registry has it.

    Gives their names and their references there. Raises `EngineError`, and `ValueError` for what
    is no registry.
    """
    names = {one.name: in_registry(registry, one.name) for one in plan.images}
    for image in plan.images:
        there = names[image.name]
        engine.tag(image.name, there)
        reference = pinned(there, engine.push(there, listen), tag=False)
        base = _base(engine, image.base)
        write_pushed(root / PUSHED, {image.name: PushedImage(reference=reference, base=base)})
        yield image.name, reference


def _base(engine: Engine, base: str) -> str | None:
    """The base image by digest, if it came from a registry."""
    if "@" in base:
        return base
    found = engine.find(base)
    repository = base.rpartition(":")[0] if ":" in base.rpartition("/")[2] else base
    for one in found.digests if found is not None else ():
        if one.partition("@")[0] == repository:
            return pinned(base, one.partition("@")[2])
    return None
