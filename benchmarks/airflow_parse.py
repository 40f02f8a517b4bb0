"""Run by Airflow's Python: the CPU seconds that it takes to read each DAG file, best of some."""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

REPEAT = 5


def read(file: str, text: str) -> tuple[float, float]:
    """Seconds to execute the file, and to serialize its DAG as the DAG processor does."""
    context: Any = import_module("airflow.sdk.definitions._internal.contextmanager").DagContext
    serializer: Any = import_module("airflow.serialization.serialized_objects").DagSerialization
    module = ModuleType("emitted_dag")
    module.__file__ = file
    sys.modules[module.__name__] = module
    context.autoregistered_dags.clear()
    context.current_autoregister_module_name = module.__name__
    code = compile(text, file, "exec")
    began = time.process_time()
    exec(code, vars(module))
    executed = time.process_time()
    [(dag, _)] = context.autoregistered_dags
    serializer.to_dict(dag)
    return executed - began, time.process_time() - executed


def main() -> None:
    """Prints the best times of each file as JSON."""
    found: dict[str, list[float]] = {}
    for file in sys.argv[1:]:
        text = Path(file).read_text("utf-8")
        runs = [read(file, text) for _ in range(REPEAT + 1)][1:]
        found[file] = [min(one[0] for one in runs), min(one[1] for one in runs)]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
