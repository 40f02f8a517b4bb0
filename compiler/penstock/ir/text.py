"""A pipeline as YAML text, and back."""

from __future__ import annotations

from penstock.garbage import collection_paused
from penstock.ir.nodes import PipelineIR
from penstock.ir.plain import from_plain
from penstock.ir.write import to_plain
from penstock.ir.yamldump import dump


def dump_pipeline(ir: PipelineIR) -> str:
    """The pipeline as YAML that a person reads; `load_pipeline` gives the same pipeline."""
    with collection_paused():
        return dump(to_plain(ir))


def load_pipeline(text: str | bytes) -> PipelineIR:
    """The pipeline that the YAML describes; raises `YamlError` or `IRError`."""
    # Imported here: who only writes need not load PyYAML.
    from penstock.ir.yamlload import load

    with collection_paused():
        return from_plain(load(text))
