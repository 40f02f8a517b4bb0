"""The pipeline's YAML, both ways: what `dump` writes, `load` reads back equal."""

from __future__ import annotations

from penstock.ir.yamldump import Flow, FlowList, dump
from penstock.ir.yamlload import YamlError, load, locate

__all__ = ["Flow", "FlowList", "YamlError", "dump", "load", "locate"]
