"""What depends on the version of Kubeflow, settings of Kubernetes, specs as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from cli_support import process
from goldens_support import golden_pipelines
from kubeflow_specs import Spec, compiled, files, read
from test_kubeflow_spec import const, container, out, step, two

from penstock.backend import BackendError, check_pipeline
from penstock.backend import Options as Emission
from penstock.diagnostics import Diagnostic, PipelineError, Span
from penstock.ir.nodes import (
    Branch,
    Component,
    Input,
    Options,
    Output,
    Parameter,
    PipelineIR,
    Resources,
    Schedule,
    Secret,
)
from penstock.ir.values import Comparison, FromParameter, OneOf
from penstock_kubeflow import KubeflowBackend
from penstock_kubeflow.target import VERSIONS

HERE = Span("p.py", 7, 5, 7, 9)
ROOT = {"pipeline-root": "gs://bucket/root"}


def found_in(ir: PipelineIR, version: str, **values: str) -> list[Diagnostic]:
    """What the checks say of a pipeline for a version."""
    more = ROOT if version == "vertex" else {}
    options = Emission(values={"kfp-target": version, **more, **values})
    try:
        return list(check_pipeline(ir, KubeflowBackend(), options).warnings)
    except PipelineError as error:
        return list(error.diagnostics)


def chosen(kind: Literal["parameter", "artifact"]) -> PipelineIR:
    """A pipeline that chooses between the outputs of two branches."""
    output = Output(name="value", type="bytes" if kind == "artifact" else "str", kind=kind)
    make = Component(code="m:make", outputs=(output,))
    use = Component(code="m:use", inputs=(Input(name="data", type=output.type),))
    condition = Comparison(operator="==", left=FromParameter(parameter="p"), right=const("x"))
    return PipelineIR(
        name="chosen",
        parameters=(Parameter(name="p", type="str"),),
        components=(make, use),
        scopes=(Branch(id="w", chain="w", condition=condition), Branch(id="o", chain="w")),
        steps=(
            step("a", "m:make", "w"),
            step("b", "m:make", "o"),
            step("use", "m:use", data=OneOf(values=(out("a"), out("b")))).model_copy(
                update={"span": HERE}
            ),
        ),
    )


def test_a_choice_between_artifacts_needs_a_version() -> None:
    for version in VERSIONS:
        assert found_in(chosen("parameter"), version) == []
        found = found_in(chosen("artifact"), version)
        if version in ("2.17", "vertex"):
            assert found == []
        else:
            [one] = found
            assert (one.code, one.span) == ("PS401", HERE)
            assert version in one.message and "2.17 can" in one.message


def test_allowed_values_are_checked_since_a_version() -> None:
    take = Component(code="m:take", inputs=(Input(name="mode", type="Literal['a', 'b']"),))
    mode = Parameter(name="mode", type="Literal['a', 'b']", span=HERE)
    ir = PipelineIR(
        name="p",
        parameters=(mode,),
        components=(take,),
        steps=(step("take", "m:take", mode=FromParameter(parameter="mode")),),
    )
    for version in VERSIONS:
        more = ROOT if version == "vertex" else {}
        spec = compiled(ir, values={"kfp-target": version, **more}).spec
        definition = spec["root"]["inputDefinitions"]["parameters"]["mode"]
        found = found_in(ir, version)
        if version in ("2.16", "2.17"):
            assert definition["literals"] == ["a", "b"] and found == []
        else:
            assert "literals" not in definition
            assert definition["description"] == 'Must be one of "a", "b".'
            [one] = found
            assert (one.code, one.severity, one.span) == ("PS407", "warning", HERE)


@pytest.mark.parametrize(
    ("options", "more", "code"),
    [
        ({"secrets": (Secret(name="db", key="k", env="K"),)}, {}, "PS405"),
        ({"timeout": 60.0}, {}, "PS405"),
        ({"resources": Resources(gpu=1)}, {}, "PS405"),
        ({}, {"schedule": Schedule(cron="0 6 * * 1")}, "PS406"),
    ],
)
def test_vertex_has_no_kubernetes(options: Any, more: Any, code: str) -> None:
    ir = two(Options(**options), **more).model_copy(update={"span": HERE})
    assert found_in(ir, "2.17") == []
    [one] = found_in(ir, "vertex")
    assert one.code == code and "Vertex" in one.message and one.hint


def test_vertex_knows_its_own_accelerators() -> None:
    ir = two(Options(resources=Resources(gpu=1, gpu_type="NVIDIA_TESLA_T4")))
    assert found_in(ir, "vertex") == []
    assert [one.code for one in found_in(ir, "2.17")] == ["PS405"]
    values = {"kfp-target": "vertex", **ROOT}
    assert compiled(ir, values=values, store="gs://bucket/store").platform is None


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"kfp-target": "1.8"}, "2.17"),
        ({"kfp-target": "vertex"}, "pipeline-root"),
        ({"kfp-target": "vertex", "pipeline-root": "s3://x"}, "gs://"),
        ({"kfp-target": "vertex", **ROOT, "kubernetes": "all: {}"}, "Kubernetes document"),
        ({"pipeline-root": "s3://user:hunter2@x"}, "no user or password"),
        ({"kubernetes": "all: [1"}, "no YAML"),
        ({"kubernetes": "all: {pull-policy: always}"}, "all.pull-policy"),
        ({"kubernetes": "all: {nodeSelector: {}}"}, "all.nodeSelector"),
        ({"kubernetes": "all: {volumes: [{path: data, claim: x}]}"}, "volumes.0.path"),
        ({"kubernetes": "all: {volumes: [{path: /data}]}"}, "a volume is one of"),
        ({"kubernetes": "all: {volumes: [{path: /d, empty: 1Gi, sub-path: x}]}"}, "sub-path"),
        ({"kubernetes": "all: {labels: {a: '{{x}}'}}"}, "all.labels.a"),
        ({"kubernetes": "all: {config-maps: [{name: My, key: k, env: E}]}"}, "config-maps.0.name"),
        ({"kubernetes": "all: {tolerations: [{operator: Equal}]}"}, "needs a key"),
        ({"kubernetes": "[]"}, "the top"),
    ],
)
def test_wrong_options_are_one_sentence(values: dict[str, str], word: str) -> None:
    with pytest.raises(BackendError) as raised:
        check_pipeline(two(Options()), KubeflowBackend(), Emission(values=values))
    assert word in str(raised.value)
    assert "\n" not in str(raised.value) and "hunter2" not in str(raised.value)


SETTINGS = """
all:
  pull-policy: Always
  pull-secrets: [registry]
  labels: {team: ml}
  config-maps: [{name: settings, key: level, env: LEVEL}]
steps:
  use:
    labels: {size: large}
    annotations: {note: "it's"}
    node-selector: {disk: ssd}
    tolerations:
      - {key: gpu, operator: Exists, effect: NoSchedule}
      - {key: spot, value: "true", seconds: 30}
    volumes:
      - {claim: datasets, path: /data, sub-path: churn}
      - {secret: tls, path: /etc/tls}
      - {config-map: files, path: /etc/files, optional: true}
      - {empty: 2Gi, path: /scratch}
  "nothing.*": {}
"""


def _named(what: str, name: str, **more: Any) -> Spec:
    parameter = {"runtimeValue": {"constant": name}}
    return {f"{what}Name": name, f"{what}NameParameter": parameter, **more}


def test_settings_of_kubernetes_stand_in_the_platform_document() -> None:
    text = SETTINGS.replace('  "nothing.*": {}\n', "")
    found = compiled(two(Options()), values={"kubernetes": text}).platform
    assert found is not None
    executors = found["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    keys = {"configMapKey": "level", "envVar": "LEVEL"}
    common = {
        "configMapAsEnv": [
            {**_named("configMap", "settings"), "keyToEnv": [keys], "optional": False}
        ],
        "imagePullSecret": [_named("secret", "registry")],
        "imagePullPolicy": "Always",
    }
    assert executors["exec-make"] == {**common, "podMetadata": {"labels": {"team": "ml"}}}
    assert executors["exec-use"] == {
        **common,
        "nodeSelector": {"labels": {"disk": "ssd"}},
        "tolerations": [
            {"operator": "Exists", "key": "gpu", "effect": "NoSchedule"},
            {"operator": "Equal", "key": "spot", "value": "true", "tolerationSeconds": "30"},
        ],
        "podMetadata": {
            "labels": {"team": "ml", "size": "large"},
            "annotations": {"note": "it's"},
        },
        "pvcMount": [
            {
                "constant": "datasets",
                "pvcNameParameter": {"runtimeValue": {"constant": "datasets"}},
                "mountPath": "/data",
                "subPath": "churn",
            }
        ],
        "secretAsVolume": [_named("secret", "tls", mountPath="/etc/tls", optional=False)],
        "configMapAsVolume": [_named("configMap", "files", mountPath="/etc/files", optional=True)],
        "emptyDirMounts": [
            {"volumeName": "empty-scratch", "mountPath": "/scratch", "sizeLimit": "2Gi"}
        ],
    }


def test_settings_for_a_step_that_is_not_there_are_refused() -> None:
    [one] = found_in(two(Options()), "2.17", kubernetes=SETTINGS)
    assert one.code == "PS405" and "'nothing.*'" in one.message


def test_steps_with_other_settings_have_a_container_of_their_own() -> None:
    make = Component(code="m:make", outputs=(Output(name="value", type="bytes", kind="artifact"),))
    ir = PipelineIR(
        name="p", components=(make,), steps=(step("one", "m:make"), step("other", "m:make"))
    )
    assert list(compiled(ir).spec["deploymentSpec"]["executors"]) == ["exec-one"]
    text = "steps: {other: {node-selector: {disk: ssd}}}"
    spec = compiled(ir, values={"kubernetes": text}).spec
    assert list(spec["deploymentSpec"]["executors"]) == ["exec-one", "exec-other"]


def test_records_need_the_id_of_the_run() -> None:
    found = compiled(two(Options()), store="s3://bucket/store")
    assert found.platform is not None
    executors = found.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    run = {"name": "KFP_RUN_ID", "fieldPath": "metadata.labels['pipeline/runid']"}
    assert executors["exec-use"]["fieldPathAsEnv"] == [run]
    variables = {one["name"] for one in container(found, "use")["env"]}
    assert variables == {"PENSTOCK_STORE", "PENSTOCK_PIPELINE", "PENSTOCK_PLAN"}


def test_the_same_pipeline_is_compiled_for_each_version() -> None:
    ir = dict(golden_pipelines())["chain"]
    texts = {files(ir, values={"kfp-target": one})["chain.yaml"] for one in VERSIONS[:4]}
    assert len(texts) == 1


# -- the command line

PROGRAM = """
from penstock import pipeline, step

@step
def load(rows: int) -> int:
    return rows

@pipeline
def small(rows: int = 3) -> int:
    return load(rows)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "small.py").write_text(PROGRAM)
    done = process("compile", "small.py", "--to", "kubeflow", "-o", "specs", cwd=tmp_path)
    assert done.code == 0, done.err
    return tmp_path


def test_a_spec_is_checked(project: Path) -> None:
    done = process("check", "specs/small.yaml", "--to", "kubeflow", cwd=project)
    assert (done.code, done.out) == (0, "small.yaml: no errors for kubeflow\n")
    file = project / "specs/small.yaml"
    file.write_text(file.read_text().replace("executorLabel: exec-load", "executorLabel: exec-lod"))
    done = process("check", "specs/small.yaml", "--to", "kubeflow", cwd=project)
    assert done.code == 1
    assert "error[PS409]: the executor 'exec-lod' of comp-load is not there" in done.err
    assert "--> small.yaml:" in done.err and "executorLabel: exec-lod" in done.err
    words = ("check", "specs/small.yaml", "--to", "kubeflow", "--format", "json")
    [told] = json.loads(process(*words, cwd=project).out)
    assert told["code"] == "PS409"


def test_a_pipeline_as_yaml_is_no_spec(project: Path) -> None:
    (project / "small.yaml").write_text(process("ir", "small.py", cwd=project).out)
    done = process("check", "small.yaml", "--to", "kubeflow", cwd=project)
    assert "small: 1 step, no errors for kubeflow" in done.out, done.err


def test_a_spec_may_be_json(project: Path) -> None:
    text = (project / "specs/small.yaml").read_text("utf-8")
    (project / "small.json").write_text(json.dumps(read(text).spec, separators=(",", ":")))
    done = process("check", "small.json", "--to", "kubeflow", cwd=project)
    assert (done.code, done.out) == (0, "small.json: no errors for kubeflow\n"), done.err


@pytest.mark.parametrize(
    ("text", "word"),
    [("root: [", "this is no YAML"), ("root:\n  dag: &a {}\nx: *a", "aliases"), ("root: {}", "")],
)
def test_what_is_no_spec_says_why(project: Path, text: str, word: str) -> None:
    (project / "odd.yaml").write_text(text)
    done = process("check", "odd.yaml", "--to", "kubeflow", cwd=project)
    assert done.code == 1 and word in done.err and "PS409" in done.err


def test_an_option_is_read_from_a_file(project: Path) -> None:
    (project / "k.yaml").write_text("all: {pull-policy: Never}")
    words = ("compile", "small.py", "--to", "kubeflow", "-o", "specs", "--option")
    assert process(*words, "kubernetes=@k.yaml", cwd=project).code == 0
    assert "imagePullPolicy: Never" in (project / "specs/small.yaml").read_text()
    done = process(*words, "kubernetes=@nowhere.yaml", cwd=project)
    assert done.code == 2 and "nowhere.yaml cannot be read" in done.err
