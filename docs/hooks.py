"""Writes the reference pages from the code itself, whenever MkDocs builds the pages."""

# ruff: noqa: INP001 - a hook of MkDocs, which no package holds

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import penstock
from penstock.backend import backend_names, load_backend
from penstock.cli import COMMANDS
from penstock.cli import penstock as command_line
from penstock.cli.capabilities import as_markdown
from penstock.diagnostics.pages import page, titles
from penstock.dsl.options import StepOptions
from penstock.dsl.pipelines import PipelineOptions

ROOT = Path(__file__).resolve().parents[1]
# A comment, because ruff also formats the code in Markdown.
INCLUDE = re.compile(r"^# --8<-- \"([^\"]+)\"$", re.M)

FAMILIES = {
    "PS1": "Writing the pipeline and its shape",
    "PS2": "Types and roles",
    "PS3": "Code, images, dependencies, secrets",
    "PS4": "What the target cannot express",
    "PS9": "Bugs of penstock",
}

GROUPS = {
    "Steps": ["step", "Step", "StepFunction", "Metrics", "HTML", "Markdown", "RunStatus"],
    "Roles": [
        "DataSourceStep",
        "SplitStep",
        "PreprocessStep",
        "TokenizerStep",
        "TrainerStep",
        "EvaluatorStep",
        "InferenceStep",
        "DeployerStep",
    ],
    "Pipelines": ["pipeline", "Pipeline", "Field", "PipelineError"],
    "Control flow": ["when", "elsewhen", "otherwise", "one_of", "each", "gather", "on_exit"],
    "Options": ["Resources", "Retry", "Secret", "Schedule"],
    "Inside a step": ["log_metric", "log_metrics", "log_metadata", "current_run"],
}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages to those of the folder."""
    for uri, text in pages().items():
        files.append(File.generated(config, uri, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Shows the file of the repository that a line `# --8<-- "path"` names."""
    return INCLUDE.sub(lambda found: (ROOT / found[1]).read_text("utf-8").rstrip("\n"), markdown)


def pages() -> dict[str, str]:
    """The generated pages by their places."""
    found = {
        "reference/command-line.md": commands(),
        "reference/language.md": language(),
        "reference/targets.md": targets(),
        "diagnostics/index.md": diagnostics(),
    }
    for code in titles():
        # What the tests read in the fence is of no use to a reader.
        found[f"diagnostics/{code}.md"] = re.sub(r"^```(\w+) .*$", r"```\1", page(code), flags=re.M)
    return found


def targets() -> str:
    """What each backend supports."""
    table = as_markdown([load_backend(name) for name in backend_names()])
    return (
        "# Targets\n\nWhat each target can express. `penstock backends` prints the same. "
        "A pipeline that uses what its target cannot express does not compile: "
        "[PS401](../diagnostics/PS401.md).\n\n" + table + "\n"
    )


def diagnostics() -> str:
    """The list of all codes."""
    lines = ["# Diagnostics", "", "`penstock explain PS101` prints the page of a code.", ""]
    family = ""
    for code, title in titles().items():
        if code[:3] != family:
            family = code[:3]
            lines += ["", f"## {FAMILIES[family]}", "", "| code | |", "|---|---|"]
        lines.append(f"| [{code}]({code}.md) | {title} |")
    return "\n".join(lines) + "\n"


def commands() -> str:
    """The command line, from what `--help` knows."""
    lines = [
        "# Command line",
        "",
        "`TARGET` is `file.py`, `file.py:pipeline`, `module:pipeline` or a pipeline's YAML.",
        "",
        "Exit codes: 0 fine; 1 the pipeline or the run failed; 2 wrong usage.",
    ]
    context = click.Context(command_line, info_name="penstock")
    for name in COMMANDS:
        command = command_line.get_command(context, name)
        if command is None:
            raise LookupError(name)
        own = click.Context(command, info_name=name, parent=context)
        usage = " ".join([f"penstock {name}", *command.collect_usage_pieces(own)])
        lines += ["", f"## {name}", "", "```text", usage, "```", ""]
        lines += [*_help(command.help or ""), "| option | does |", "|---|---|"]
        for parameter in command.get_params(own):
            record = parameter.get_help_record(own)
            if record is not None and isinstance(parameter, click.Option):
                lines.append(f"| `{record[0]}` | {record[1]} |")
    return "\n".join(lines) + "\n"


def _help(text: str) -> Iterator[str]:
    """Paragraphs, with the example as a block."""
    for part in inspect.cleandoc(text).split("\n\n"):
        if part.startswith("\b"):
            example = part.removeprefix("\b\n").removeprefix("Example:\n")
            yield from ("Example:", "", "```sh", inspect.cleandoc(example), "```", "")
        else:
            yield from (part.replace("\n", " "), "")


def language() -> str:
    """Everything that `from penstock import ...` gives, from signatures and docstrings."""
    lines = ["# Language", "", "Everything here is imported from `penstock`."]
    for group, names in GROUPS.items():
        lines += ["", f"## {group}"]
        for name in names:
            lines += ["", f"### {name}", "", *_described(name, getattr(penstock, name))]
    lines += ["", *_options("Options of a step", StepOptions)]
    lines += ["", *_options("Options of a pipeline", PipelineOptions)]
    return "\n".join(lines) + "\n"


def _described(name: str, thing: Any) -> Iterator[str]:
    if inspect.isfunction(thing) or (dataclasses.is_dataclass(thing) and "Step" not in name):
        yield from ("```python", f"{name}{_signature(thing)}", "```", "")
    # Examples in docstrings are indented; Markdown takes that as code.
    yield inspect.cleandoc(thing.__doc__ or "")
    if inspect.isclass(thing) and not dataclasses.is_dataclass(thing):
        for method, function in vars(thing).items():
            if inspect.isfunction(function) and not method.startswith("_") and function.__doc__:
                said = inspect.cleandoc(function.__doc__).partition("\n\n")[0].replace("\n", " ")
                yield from ("", f"- `.{method}(…)`: {said}")


def _signature(thing: Any) -> str:
    if thing in (penstock.step, penstock.pipeline):
        return "(**options)"
    signature = inspect.signature(thing)
    text = _unquoted(signature.replace(return_annotation=signature.empty))
    if len(text) < 80:
        return text
    parts = [_unquoted(one) for one in signature.parameters.values()]
    return "(\n" + "".join(f"    {part},\n" for part in parts) + ")"


def _unquoted(signature: object) -> str:
    """Annotations without the quotes that `from __future__ import annotations` gives them."""
    return re.sub(r": '([^']*)'", r": \1", str(signature))


def _options(title: str, options: Any) -> Iterator[str]:
    yield from (f"## {title}", "", "| option | type |", "|---|---|")
    for name, kind in options.__annotations__.items():
        yield f"| `{name}` | `{getattr(kind, '__forward_arg__', kind)}` |"
