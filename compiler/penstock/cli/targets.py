"""Finds the pipeline that a TARGET names: in a file, a module, or a YAML document."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from penstock.cli.failures import Failure, UserCodeFailure, WrongUsage

if TYPE_CHECKING:
    from penstock.dsl import Pipeline
    from penstock.ir.nodes import PipelineIR

_YAML = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Target:
    """A pipeline, the folder that its places are told from, and where its code is imported."""

    ir: PipelineIR
    root: Path
    import_root: Path | None


def load_target(text: str) -> Target:
    """The pipeline that the text names.

    Raises `WrongUsage` for what is not there, `Failure` for what holds no pipeline, and
    `PipelineError` with the pipeline's own problems.
    """
    if text.lower().endswith(_YAML):
        return _from_yaml(Path(text))
    path, _, name = _split(text)
    if path.endswith((".py", ".ipynb")):
        file = Path(path)
        if not file.is_file():
            raise WrongUsage(
                f"{path} does not exist" if not file.exists() else f"{path} is no file"
            )
        if file.suffix == ".ipynb":
            file = _written_out(file)
        module, root = _import_file(file)
    elif re.fullmatch(r"[\w.]+", path) and name:
        module, root = _import_module(path), Path.cwd()
    else:
        raise WrongUsage(
            f"{text[:200]!r} is no target; write file.py, file.py:pipeline, module:pipeline, "
            "notebook.ipynb or pipeline.yaml"
        )
    return _traced(_pipeline_in(module, path, name), root)


def _split(text: str) -> tuple[str, str, str]:
    head, colon, name = text.rpartition(":")
    if colon and name.isidentifier():
        return head, colon, name
    return text, "", ""


def _traced(pipeline: Pipeline[..., object], root: Path) -> Target:
    from penstock.diagnostics import PipelineError
    from penstock.dsl.components import module_root
    from penstock.ir.plain import IRError

    try:
        ir = pipeline.trace()
    except PipelineError as error:
        error.root = module_root(pipeline.__wrapped__)
        raise
    except IRError as error:
        raise Failure(f"pipeline {pipeline.name!r} cannot be kept as data: {error}") from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the body is the user's code: whatever it raises is theirs
        raise UserCodeFailure(f"the body of pipeline {pipeline.name!r} raised", error) from error
    return Target(ir, module_root(pipeline.__wrapped__), root)


def _from_yaml(file: Path) -> Target:
    from penstock.ir.plain import IRError
    from penstock.ir.text import load_pipeline
    from penstock.ir.yamlload import MAX_BYTES
    from penstock.ir.yamltext import YamlError

    if not file.is_file():
        raise WrongUsage(f"{file} does not exist" if not file.exists() else f"{file} is no file")
    try:
        with file.open("rb") as opened:
            ir = load_pipeline(opened.read(MAX_BYTES + 1))
    except YamlError as error:
        raise Failure(f"{file}: {error}") from None
    except IRError as error:
        raise Failure(f"{file}: {error}") from None
    return Target(ir, file.resolve().parent, None)


def _written_out(notebook: Path) -> Path:
    from penstock.images.written_out import NotANotebook, write_out

    try:
        return write_out(notebook)
    except NotANotebook as error:
        raise WrongUsage(str(error)) from None


def _import_file(file: Path) -> tuple[ModuleType, Path]:
    from penstock.dsl.places import import_root

    full = file.resolve()
    root = import_root(str(full))
    name = ".".join(full.relative_to(root).with_suffix("").parts)
    if not all(part.isidentifier() for part in name.split(".")):
        raise WrongUsage(
            f"{file.name} cannot be imported as a module; rename it to letters, digits and `_`"
        )
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    if name == "__main__":
        raise WrongUsage(f"{file.name} is run, not imported; rename it")
    spec = importlib.util.find_spec(name.partition(".")[0])
    found = Path(spec.origin).resolve() if spec is not None and spec.origin else None
    if "." not in name and found is not None and found != full:
        raise WrongUsage(f"{file.name} has the name of another module, {found}; rename it")
    return _import_module(name), root


def _import_module(name: str) -> ModuleType:
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise WrongUsage(f"there is no module {name!r}") from None
        raise UserCodeFailure(f"{name} does not import", error) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the module is the user's code: it may raise anything
        raise UserCodeFailure(f"{name} does not import", error) from error


def _pipeline_in(module: ModuleType, path: str, name: str) -> Pipeline[..., object]:
    from penstock.dsl import Pipeline

    found: dict[str, Pipeline[..., object]] = {
        key: value for key, value in vars(module).items() if isinstance(value, Pipeline)
    }
    if name:
        if name in found:
            return found[name]
        there = f"; it has {', '.join(found)}" if found else " and no other"
        raise WrongUsage(f"{path} has no pipeline {name!r}{there}")
    own = {key: one for key, one in found.items() if one.__module__ == module.__name__} or found
    if not own:
        raise Failure(f"{path} has no pipeline; mark one with @pipeline")
    outer = _not_nested(own)
    if len(outer) == 1:
        return next(iter(outer.values()))
    raise WrongUsage(
        f"{path} has several pipelines; name one: {path}:{next(iter(own))}"
        f" (there are {', '.join(own)})"
    )


def _not_nested(found: dict[str, Pipeline[..., object]]) -> dict[str, Pipeline[..., object]]:
    """Without those that another pipeline of the file calls."""
    called = {
        name
        for one in found.values()
        for name in one.__wrapped__.__code__.co_names
        if name in found
    }
    return {name: one for name, one in found.items() if name not in called} or found
