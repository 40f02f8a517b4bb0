"""A backend for penstock: writes a pipeline as a numbered list in Markdown."""

from collections.abc import Mapping
from typing import ClassVar

from penstock.backend import Bundle, Options
from penstock.features import NATIVE, Feature, Support, never
from penstock.ir.graph import in_order
from penstock.ir.nodes import PipelineIR
from penstock.passes.model import Pass

CONTROL = {Feature.BRANCH, Feature.ONE_OF, Feature.GATHER, Feature.EXIT, Feature.RUN_STATUS}
LOOPS = {one for one in Feature if one.name.startswith(("LOOP", "PARALLEL"))}


class OutlineBackend:
    name: ClassVar[str] = "outline"
    supports: ClassVar[Mapping[Feature, Support]] = {
        one: never("a list has no branches or loops") if one in CONTROL | LOOPS else NATIVE
        for one in Feature
    }
    rewrites: ClassVar[tuple[Pass, ...]] = ()

    def emit(self, pipeline: PipelineIR, options: Options) -> Bundle:
        options.known()  # it has none, so any is refused
        what = {one.code: one.description for one in pipeline.components}
        lines = [f"# {pipeline.name}", "", pipeline.description, ""]
        for number, step in enumerate(in_order(pipeline), start=1):
            lines.append(f"{number}. {step.id}: {what[step.component]}".rstrip(": "))
        return {f"{pipeline.name}.md": "\n".join(lines) + "\n"}
