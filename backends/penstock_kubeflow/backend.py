"""The backend: a checked pipeline in, one YAML file out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import urlsplit

from penstock.backend import BackendError, Bundle, Options
from penstock.features import Feature, Support
from penstock.ir.nodes import PipelineIR
from penstock.ir.yamldump import dump
from penstock.passes.model import Pass
from penstock_kubeflow.checks import CHECKS
from penstock_kubeflow.platform_document import platform_document
from penstock_kubeflow.schedule import recurring_run
from penstock_kubeflow.spec import Assembly
from penstock_kubeflow.supports import SUPPORTS

_PLACE = re.compile(r"[A-Za-z0-9_./-]{1,200}")


class KubeflowBackend:
    """Emits `<pipeline>.yaml`: the PipelineSpec and, where needed, the PlatformSpec.

    `store` is the URL that steps find in PENSTOCK_STORE. The option `pipeline-root` is where
    Kubeflow keeps artifacts. A scheduled pipeline comes with `<pipeline>.recurring-run.json`.
    """

    name: ClassVar[str] = "kubeflow"
    supports: ClassVar[Mapping[Feature, Support]] = SUPPORTS
    rewrites: ClassVar[tuple[Pass, ...]] = CHECKS

    def emit(self, pipeline: PipelineIR, options: Options) -> Bundle:
        """The files; raises `BackendError` for a wrong option."""
        root = options.known("pipeline-root").get("pipeline-root")
        for url in (options.store, root):
            if url is not None:
                _without_password(url)
        spec, settings = Assembly(pipeline, options.store).documents()
        if root is not None:
            spec["defaultPipelineRoot"] = root
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


def _without_password(url: str) -> None:
    try:
        authority = urlsplit(url).netloc
    except ValueError:
        raise BackendError(f"{url!r} is no URL") from None
    if "@" in authority:
        raise BackendError("the URL of a store holds no user or password; give a role to the pods")
