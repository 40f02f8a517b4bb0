"""The backend: a checked pipeline in, one YAML file out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from penstock.backend import Bundle, Options
from penstock.diagnostics import Diagnostic
from penstock.features import Feature, Support
from penstock.ir.nodes import PipelineIR
from penstock.ir.write import plan_digest
from penstock.ir.yamldump import dump
from penstock.passes.model import Pass
from penstock_kubeflow.checks import CHECKS
from penstock_kubeflow.checks.versions import available_on
from penstock_kubeflow.platform_document import platform_document
from penstock_kubeflow.schedule import recurring_run
from penstock_kubeflow.spec import Assembly
from penstock_kubeflow.supports import SUPPORTS
from penstock_kubeflow.target import target_of
from penstock_kubeflow.unrolling import unroll_joined_loops

_SPEC = re.compile(
    r"^(?:root|deploymentSpec|pipelineInfo|schemaVersion):"
    r"|(?:^|[{,])[ \t]*\"(?:deploymentSpec|pipelineInfo|schemaVersion)\"[ \t]*:",
    re.MULTILINE,
)
_PLACE = re.compile(r"[A-Za-z0-9_./-]{1,200}")


class KubeflowBackend:
    """Emits `<pipeline>.yaml`: the PipelineSpec and, where needed, the PlatformSpec.

    `store` is the URL that steps find in PENSTOCK_STORE. Own options are `kfp-target` (2.5, 2.14,
    2.16, 2.17, vertex), `pipeline-root`, where Kubeflow keeps artifacts, and `kubernetes`, a YAML
    text with settings that the language has no words for. A scheduled pipeline comes with
    `<pipeline>.recurring-run.json`.
    """

    name: ClassVar[str] = "kubeflow"
    supports: ClassVar[Mapping[Feature, Support]] = SUPPORTS
    rewrites: ClassVar[tuple[Pass, ...]] = (*CHECKS, unroll_joined_loops)

    def checks(self, options: Options) -> tuple[Pass, ...]:
        """What depends on the version of the backend; raises `BackendError`."""
        return (available_on(target_of(options)),)

    def verifies(self, text: str) -> bool:
        """Whether a text looks like a spec of Kubeflow, and not like a pipeline of penstock."""
        return bool(_SPEC.search(text))

    def verify(self, text: str, file: str) -> tuple[Diagnostic, ...]:
        """What is wrong with a spec, whoever made it."""
        from penstock_kubeflow.verifying import verified

        return verified(text, file)

    def emit(self, pipeline: PipelineIR, options: Options) -> Bundle:
        """The files; raises `BackendError` for a wrong option."""
        target = target_of(options)
        facts = {"PENSTOCK_PIPELINE": pipeline.name, "PENSTOCK_PLAN": plan_digest(pipeline)}
        target = replace(target, variables=target.variables | facts)
        spec, settings = Assembly(pipeline, target).documents()
        if target.root is not None:
            spec["defaultPipelineRoot"] = target.root
        text = dump(spec, header=_header(pipeline))
        if settings:
            text += "---\n" + dump(platform_document(settings))
        files = {f"{pipeline.name}.yaml": text}
        if pipeline.schedule is not None:
            body = recurring_run(pipeline, pipeline.schedule)
            files[f"{pipeline.name}.recurring-run.json"] = body
        return files


def _header(pipeline: PipelineIR) -> str:
    at = pipeline.span
    if at is None or not _PLACE.fullmatch(at.file):
        return f"{pipeline.name}, compiled by penstock"
    return f"{pipeline.name}, compiled by penstock from {at.file}:{at.line}"
