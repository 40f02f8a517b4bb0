"""Emitted specs run: each task through the runtime's adapter, with the ExecutorInput that the
backend would make. A small stand-in for the driver and the launcher, without containers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from goldens_support import golden_pipelines, golden_source
from test_kubeflow_spec import compiled, const, out, step
from test_kubeflow_verifier import Documents

from penstock.ir.nodes import Component, Input, Nested, Output, Parameter, PipelineIR
from penstock.ir.values import FromParameter
from penstock_runtime.hosts import kubeflow

Spec = dict[str, Any]

MODULE = """
from typing import NamedTuple
from penstock import EvaluatorStep, Metrics

class Pair(NamedTuple):
    data: bytes
    count: int

def make(text: str, times: int = 2) -> Pair:
    return Pair((text * times).encode(), len(text) * times)

class Score(EvaluatorStep):
    weight: float = 1.0
    def run(self, data: bytes) -> Metrics:
        return Metrics(auc=len(data) * self.weight)

def tell(auc: float, count: int, rate: float, odd: dict[str, str], maybe: str | None = None) -> str:
    return repr((auc, count, rate, odd, maybe))
"""


class Run:
    """One run of a spec; `root` is where artifacts are."""

    def __init__(self, spec: Spec, root: Path) -> None:
        self.spec, self.root = spec, root

    def dag(self, component: Spec, parameters: Spec, artifacts: Spec) -> tuple[Spec, Spec]:
        """Runs the tasks of a DAG; its output parameters and artifacts."""
        made: dict[str, tuple[Spec, Spec]] = {}
        waiting = dict(component["dag"]["tasks"])
        while waiting:
            ready = [
                name
                for name, task in waiting.items()
                if all(before in made for before in task.get("dependentTasks", []))
            ]
            assert ready, "the tasks wait for one another"
            for name in ready:
                made[name] = self.task(name, waiting.pop(name), parameters, artifacts, made)
        outputs = component["dag"].get("outputs", {})
        given: Spec = {}
        for name, one in outputs.get("parameters", {}).items():
            key = one["valueFromParameter"]
            given[name] = made[key["producerSubtask"]][0][key["outputParameterKey"]]
        stored: Spec = {}
        for name, one in outputs.get("artifacts", {}).items():
            key = one["artifactSelectors"][0]
            stored[name] = made[key["producerSubtask"]][1][key["outputArtifactKey"]]
        return given, stored

    def task(
        self,
        name: str,
        task: Spec,
        parameters: Spec,
        artifacts: Spec,
        made: dict[str, tuple[Spec, Spec]],
    ) -> tuple[Spec, Spec]:
        """Runs one task with the inputs that its spec names."""
        inputs = task.get("inputs", {})
        values: Spec = {}
        for key, source in inputs.get("parameters", {}).items():
            if "runtimeValue" in source:
                values[key] = source["runtimeValue"]["constant"]
            elif "componentInputParameter" in source:
                values[key] = parameters[source["componentInputParameter"]]
                selector = source.get("parameterExpressionSelector", "parseJson(string_value)")
                for part in json.loads(
                    "[" + selector.partition(")")[2][1:-1].replace("][", ",") + "]"
                ):
                    values[key] = values[key][part]
            else:
                inner = source["taskOutputParameter"]
                values[key] = made[inner["producerTask"]][0][inner["outputParameterKey"]]
        files: Spec = {}
        for key, source in inputs.get("artifacts", {}).items():
            if "componentInputArtifact" in source:
                files[key] = artifacts[source["componentInputArtifact"]]
            else:
                inner = source["taskOutputArtifact"]
                files[key] = made[inner["producerTask"]][1][inner["outputArtifactKey"]]
        component = self.spec["components"][task["componentRef"]["name"]]
        if "dag" in component:
            return self.dag(component, values, files)
        return self.container(name, component, values, files)

    def container(self, name: str, component: Spec, values: Spec, files: Spec) -> tuple[Spec, Spec]:
        """Runs the adapter with the task's arguments."""
        outputs = component.get("outputDefinitions", {})
        folder = self.root / name
        executor_input = {
            # A Value of protobuf knows no int: the numbers come back as doubles.
            "inputs": {
                "parameterValues": json.loads(json.dumps(values), parse_int=float),
                "artifacts": {key: {"artifacts": [one]} for key, one in files.items()},
            },
            "outputs": {
                "parameters": {
                    key: {"outputFile": str(folder / key)} for key in outputs.get("parameters", {})
                },
                "artifacts": {
                    key: {
                        "artifacts": [
                            {
                                "name": key,
                                "type": {"schemaTitle": one["artifactType"]["schemaTitle"]},
                                "uri": str(folder / key),
                                "metadata": {},
                            }
                        ]
                    }
                    for key, one in outputs.get("artifacts", {}).items()
                },
                "outputFile": str(folder / "executor_output.json"),
            },
        }
        executor = self.spec["deploymentSpec"]["executors"][component["executorLabel"]]
        said = [*executor["container"]["command"], *executor["container"]["args"]]
        assert said[:4] == ["python3", "-m", "penstock_runtime", "kubeflow"]
        text = json.dumps(executor_input)
        kubeflow.run([text if one == "{{$}}" else one for one in said[4:]])
        found = json.loads((folder / "executor_output.json").read_text())
        stored = {key: one["artifacts"][0] for key, one in found["artifacts"].items()}
        assert set(found["parameterValues"]) == set(outputs.get("parameters", {}))
        assert set(stored) == set(outputs.get("artifacts", {}))
        return found["parameterValues"], stored


def run(found: Documents, folder: Path, values: Spec) -> Spec:
    """The output parameters of a run."""
    root = found.spec["root"]
    definitions: Spec = root.get("inputDefinitions", {}).get("parameters", {})
    given = {
        name: values.get(name, definition.get("defaultValue"))
        for name, definition in definitions.items()
    }
    return Run(found.spec, folder).dag(root, given, {})[0]


def test_values_of_every_kind_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kubeflow_steps.py").write_text(MODULE)
    monkeypatch.setenv("PENSTOCK_PATH", str(tmp_path))
    make = Component(
        code="kubeflow_steps:make",
        inputs=(Input(name="text", type="str"), Input(name="times", type="int", default="2")),
        outputs=(
            Output(name="data", type="bytes", kind="artifact"),
            Output(name="count", type="int", kind="parameter"),
        ),
    )
    score = Component(
        code="kubeflow_steps:Score",
        inputs=(
            Input(name="weight", type="float", default="1.0", field=True),
            Input(name="data", type="bytes"),
        ),
        outputs=(Output(name="value", type="penstock.Metrics", kind="artifact"),),
    )
    tell = Component(
        code="kubeflow_steps:tell",
        inputs=(
            Input(name="auc", type="float"),
            Input(name="count", type="int"),
            Input(name="rate", type="float"),
            Input(name="odd", type="dict[str, str]"),
            Input(name="maybe", type="str | None", default="null"),
        ),
        outputs=(Output(name="value", type="str", kind="parameter"),),
    )
    odd = {'a"\\\n\r\u2028 }} %s `ls`': "\0 $HOME $ 'x' \U0001f600"}
    ir = PipelineIR(
        name="all",
        parameters=(Parameter(name="config", type="dict[str, list[float]]"),),
        components=(make, score, tell),
        scopes=(Nested(id="outer", pipeline="p"), Nested(id="inner", parent="outer", pipeline="p")),
        steps=(
            step("make", "kubeflow_steps:make", "inner", text=const("äb")),
            step("score", "kubeflow_steps:Score", "outer", data=out("make", "data")),
            step(
                "tell",
                "kubeflow_steps:tell",
                auc=out("score", "value", "auc"),
                count=out("make", "count"),
                rate=FromParameter(parameter="config", path=("rates", 1)),
                odd=const(odd),
            ),
        ),
    )
    shown = tmp_path / "run"
    found = compiled(ir)
    run(found, shown, {"config": {"rates": [1, 2]}})
    told = json.loads((shown / "tell" / "executor_output.json").read_text())
    assert told["parameterValues"]["value"] == repr((6.0, 4, 2.0, odd, None))


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [("chain", {}, {"value": "3 rows"}), ("nested", {}, {"value": 17})],
)
def test_golden_specs_run(
    name: str, values: Spec, expected: Spec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENSTOCK_PATH", str(golden_source(name)))
    ir = dict(golden_pipelines())[name]
    assert run(compiled(ir), tmp_path, values) == expected
