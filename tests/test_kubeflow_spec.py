"""What becomes of each part of a pipeline in a PipelineSpec and a PlatformSpec."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from kubeflow_specs import Documents, compiled, files, parse, read

from penstock.backend import BackendError, check_pipeline, load_backend
from penstock.backend import Options as Emission
from penstock.features import Feature
from penstock.ir.nodes import (
    Binding,
    Class,
    Component,
    Input,
    Nested,
    Options,
    Output,
    Parameter,
    PipelineIR,
    PipelineOutput,
    Resources,
    Retry,
    Schedule,
    Secret,
    Step,
)
from penstock.ir.values import Constant, FromParameter, FromStep, Value
from penstock_kubeflow import KubeflowBackend
from penstock_kubeflow.hostile import escaped_variable, inert_json

MAKE = Component(code="m:make", outputs=(Output(name="value", type="bytes", kind="artifact"),))
USE = Component(
    code="m:use",
    inputs=(Input(name="data", type="bytes"), Input(name="n", type="int", default="1")),
    outputs=(Output(name="value", type="bytes", kind="artifact"),),
)


def step(
    name: str,
    component: str,
    scope: str | None = None,
    after: Sequence[str] = (),
    options: Options | None = None,
    **inputs: Value,
) -> Step:
    bindings = tuple(Binding(name=key, value=value) for key, value in inputs.items())
    return Step(
        id=name,
        component=component,
        scope=scope,
        inputs=bindings,
        after=tuple(after),
        options=options or Options(),
    )


def const(value: object) -> Constant:
    return Constant(text=json.dumps(value))


def two(options: Options, **more: Any) -> PipelineIR:
    """One step feeding another, which has the options."""
    steps = (step("make", "m:make"), step("use", "m:use", options=options, data=out("make")))
    return PipelineIR(name="two", components=(MAKE, USE), steps=steps, **more)


def out(name: str, output: str = "value", *path: str | int) -> FromStep:
    return FromStep(step=name, output=output, path=path)


def container(found: Documents, name: str) -> dict[str, Any]:
    return dict(found.spec["deploymentSpec"]["executors"][f"exec-{name}"]["container"])


def test_the_backend_takes_a_position_on_every_feature() -> None:
    assert set(KubeflowBackend.supports) == set(Feature)
    assert load_backend("kubeflow").name == "kubeflow"


def test_resources_stand_in_both_spellings() -> None:
    wanted = Resources(cpu=2.0, memory="4Gi", gpu=2)
    found = container(compiled(two(Options(resources=wanted))), "use")
    assert found["resources"] == {
        "resourceCpuRequest": "2",
        "resourceCpuLimit": "2",
        "cpuRequest": 2.0,
        "cpuLimit": 2.0,
        "resourceMemoryRequest": "4Gi",
        "resourceMemoryLimit": "4Gi",
        "memoryRequest": 4.294967296,
        "memoryLimit": 4.294967296,
        "accelerator": {
            "resourceType": "nvidia.com/gpu",
            "resourceCount": "2",
            "type": "nvidia.com/gpu",
            "count": "2",
        },
    }


def test_retries_never_stop_a_step_that_runs_for_long() -> None:
    retry = Retry(times=3, delay=1.5, backoff=2.0)
    tasks = compiled(two(Options(retry=retry))).spec["root"]["dag"]["tasks"]
    assert tasks["use"]["retryPolicy"] == {
        "maxRetryCount": 3,
        "backoffDuration": "2s",
        "backoffFactor": 2.0,
        "backoffMaxDuration": "31536000s",
    }
    assert "retryPolicy" not in tasks["make"]


@pytest.mark.parametrize(
    ("options", "cached"),
    [
        (Options(), True),
        (Options(cache=False), False),
        (Options(image="team/image:1"), False),
        (Options(image="team/image:1", cache=True), True),
        (Options(image="team/image@sha256:" + "0" * 64), True),
    ],
)
def test_steps_are_cached_where_it_is_safe_or_asked_for(options: Options, cached: bool) -> None:
    tasks = compiled(two(options)).spec["root"]["dag"]["tasks"]
    assert tasks["use"]["cachingOptions"] == {"enableCache": cached}


def test_secrets_and_timeouts_stand_in_the_platform_document() -> None:
    secrets = (
        Secret(name="db", key="user", env="DB_USER"),
        Secret(name="db", key="password", env="DB_PASSWORD"),
    )
    found = compiled(two(Options(secrets=secrets, timeout=90.5)))
    assert found.platform is not None
    assert found.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"] == {
        "exec-use": {
            "secretAsEnv": [
                {
                    "secretName": "db",
                    "secretNameParameter": {"runtimeValue": {"constant": "db"}},
                    "keyToEnv": [
                        {"secretKey": "user", "envVar": "DB_USER"},
                        {"secretKey": "password", "envVar": "DB_PASSWORD"},
                    ],
                    "optional": False,
                }
            ],
            "activeDeadlineSeconds": "91",
        }
    }
    assert compiled(two(Options())).platform is None


def test_the_platform_document_is_what_kubernetes_messages_hold() -> None:
    config = _kubernetes_config()
    secret = Secret(name="db", key="user", env="DB_USER")
    found = compiled(two(Options(secrets=(secret,), timeout=90.0))).platform
    assert found is not None
    for one in found["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values():
        parse(one, config)


def _kubernetes_config() -> Any:
    """The message class of kfp-kubernetes, without the kfp that its package imports."""
    package = importlib.metadata.distribution("kfp-kubernetes")
    file = package.locate_file("kfp/kubernetes/kubernetes_executor_config_pb2.py")
    spec = importlib.util.spec_from_file_location("kubernetes_executor_config_pb2", str(file))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.KubernetesExecutorConfig


def test_a_part_of_an_output_is_an_output_parameter_of_its_own() -> None:
    score = Component(
        code="m:score",
        outputs=(Output(name="value", type="penstock.Metrics", kind="artifact"),),
    )
    take = Component(code="m:take", inputs=(Input(name="auc", type="float"),))
    steps = (step("score", "m:score"), step("take", "m:take", auc=out("score", "value", "auc")))
    found = compiled(PipelineIR(name="p", components=(score, take), steps=steps))
    outputs = found.spec["components"]["comp-score"]["outputDefinitions"]
    assert outputs["parameters"] == {"value-auc": {"parameterType": "NUMBER_DOUBLE"}}
    assert outputs["artifacts"]["value"]["artifactType"]["schemaTitle"] == "system.Metrics"
    assert '--projections={"value-auc": ["value", "auc"]}' in container(found, "score")["args"]


def test_a_hostile_key_of_a_part_is_inert() -> None:
    make = Component(
        code="m:make", outputs=(Output(name="value", type="dict[str, str]", kind="parameter"),)
    )
    take = Component(code="m:take", inputs=(Input(name="x", type="str"),))
    key = '{{workflow.uid}} $(HOME) $$ "\\'
    steps = (step("make", "m:make"), step("take", "m:take", x=out("make", "value", key)))
    found = compiled(PipelineIR(name="p", components=(make, take), steps=steps))
    args = container(found, "make")["args"]
    text = next(one for one in args if one.startswith("--projections=")).partition("=")[2]
    assert list(json.loads(text).values()) == [["value", key]]


def test_a_part_of_a_parameter_is_selected() -> None:
    take = Component(code="m:take", inputs=(Input(name="x", type="float"),))
    part = FromParameter(parameter="config", path=("rates", 0, 'a"{{b'))
    ir = PipelineIR(
        name="p",
        parameters=(Parameter(name="config", type="dict[str, list[dict[str, float]]]"),),
        components=(take,),
        steps=(step("take", "m:take", x=part),),
    )
    task = compiled(ir).spec["root"]["dag"]["tasks"]["take"]
    assert task["inputs"]["parameters"]["x"] == {
        "componentInputParameter": "config",
        "parameterExpressionSelector": 'parseJson(string_value)["rates"][0]["a\\"\\u007b\\u007bb"]',
    }


def test_parameters_carry_their_types_defaults_values_and_limits() -> None:
    take = Component(code="m:take")
    ir = PipelineIR(
        name="p",
        parameters=(
            Parameter(name="n", type="int"),
            Parameter(name="x", type="float", default="1"),
            Parameter(name="mode", type="Literal['fast', 'slow'] | None", default="null"),
            Parameter(name="color", type="m.Color", default='"red"'),
            Parameter(name="sizes", type="list[int]", default="[1, 2]", description="How big."),
            Parameter.model_validate(
                {"name": "t", "type": "dict[str, str]", "constraints": {"min_length": 1}}
            ),
        ),
        classes=(Class(name="m.Color", values=('"red"', '"blue"')),),
        components=(take,),
        steps=(step("take", "m:take"),),
    )
    assert compiled(ir).spec["root"]["inputDefinitions"]["parameters"] == {
        "n": {"parameterType": "NUMBER_INTEGER"},
        "x": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 1, "isOptional": True},
        "mode": {"parameterType": "STRING", "isOptional": True, "literals": ["fast", "slow"]},
        "color": {
            "parameterType": "STRING",
            "defaultValue": "red",
            "isOptional": True,
            "literals": ["red", "blue"],
        },
        "sizes": {
            "parameterType": "LIST",
            "defaultValue": [1, 2],
            "isOptional": True,
            "description": "How big.",
        },
        "t": {"parameterType": "STRUCT", "description": "Must be of length 1 or more."},
    }


def test_none_is_left_out_where_it_is_the_default() -> None:
    take = Component(
        code="m:take",
        inputs=(Input(name="x", type="str | None", default="null"), Input(name="n", type="int")),
    )
    ir = PipelineIR(name="p", components=(take,), steps=(step("take", "m:take", n=const(3)),))
    found = compiled(ir)
    assert list(found.spec["components"]["comp-take"]["inputDefinitions"]["parameters"]) == [
        "n",
        "step-id",
    ]


def test_an_input_has_the_type_of_what_it_is_given() -> None:
    count = Component(code="m:count", outputs=(Output(name="value", type="int", kind="parameter"),))
    take = Component(code="m:take", inputs=(Input(name="x", type="float"),))
    steps = (step("count", "m:count"), step("take", "m:take", x=out("count")))
    found = compiled(PipelineIR(name="p", components=(count, take), steps=steps))
    inputs = found.spec["components"]["comp-take"]["inputDefinitions"]["parameters"]
    assert inputs["x"] == {"parameterType": "NUMBER_INTEGER"}


def test_fields_are_told_to_the_runtime() -> None:
    fit = Component(
        code="m:Fit",
        role="trainer",
        inputs=(Input(name="C", type="float", field=True), Input(name="n", type="int")),
        outputs=(Output(name="value", type="m.Model", kind="artifact"),),
    )
    ir = PipelineIR(
        name="p", components=(fit,), steps=(step("fit", "m:Fit", C=const(0.5), n=const(1)),)
    )
    found = compiled(ir)
    assert "--fields=C" in container(found, "fit")["args"]
    made = found.spec["components"]["comp-fit"]["outputDefinitions"]["artifacts"]["value"]
    assert made["artifactType"]["schemaTitle"] == "system.Model"


def nested(depth: int, each: int = 1) -> PipelineIR:
    """Pipelines in one another; the innermost gives to the outermost and takes from it."""
    scopes = tuple(
        Nested(
            id=f"level{number}",
            parent=f"level{number - 1}" if number else None,
            pipeline="part",
            inputs=(Binding(name="rows", value=out("make")),),
        )
        for number in range(depth)
    )
    steps = [step("make", "m:make")]
    for number in range(depth):
        steps += [
            step(f"use{number}x{one}", "m:use", f"level{number}", data=out("make"))
            for one in range(each)
        ]
    last = out(f"use{depth - 1}x0")
    steps += [step(f"back{n}", "m:use", f"level{n}", data=last) for n in range(depth)]
    steps.append(step("end", "m:use", data=last))
    outputs = (PipelineOutput(name="value", type="bytes", value=last),)
    return PipelineIR(
        name="deep", components=(MAKE, USE), scopes=scopes, steps=tuple(steps), outputs=outputs
    )


def test_values_are_threaded_through_levels_under_the_names_of_parameters() -> None:
    spec = compiled(nested(2)).spec
    task = spec["root"]["dag"]["tasks"]["level0"]
    assert task["inputs"]["artifacts"] == {
        "rows": {"taskOutputArtifact": {"producerTask": "make", "outputArtifactKey": "value"}}
    }
    outer, inner = spec["components"]["comp-level0"], spec["components"]["comp-level1"]
    assert outer["dag"]["tasks"]["level1"]["inputs"]["artifacts"] == {
        "rows": {"componentInputArtifact": "rows"}
    }
    assert outer["dag"]["outputs"]["artifacts"] == {
        "use1x0-value": {
            "artifactSelectors": [
                {"producerSubtask": "level1", "outputArtifactKey": "use1x0-value"}
            ]
        }
    }
    assert list(inner["outputDefinitions"]["artifacts"]) == ["use1x0-value"]


def test_a_value_crosses_each_border_once() -> None:
    spec = compiled(nested(50, each=2)).spec
    sizes = [
        len(one["inputDefinitions"]["artifacts"]) + len(one["outputDefinitions"]["artifacts"])
        for one in spec["components"].values()
        if "dag" in one
    ]
    assert sizes == [2] * 50


def test_order_is_lifted_to_the_level_that_two_tasks_share() -> None:
    scopes = (Nested(id="one", pipeline="p"), Nested(id="two", pipeline="p"))
    steps = (
        step("one.first", "m:make", "one"),
        step("two.first", "m:make", "two", after=["one.first"]),
        step("two.second", "m:make", "two", after=["two.first"]),
        step("last", "m:make", after=["two"]),
    )
    ir = PipelineIR(name="p", components=(MAKE,), scopes=scopes, steps=steps)
    spec = compiled(ir).spec
    tasks = spec["root"]["dag"]["tasks"]
    assert tasks["two"]["dependentTasks"] == ["one"]
    assert tasks["last"]["dependentTasks"] == ["two"]
    inner = spec["components"]["comp-two"]["dag"]["tasks"]
    assert "dependentTasks" not in inner["two-first"]
    assert inner["two-second"]["dependentTasks"] == ["two-first"]


def test_owner_tags_and_schedule_have_a_place() -> None:
    schedule = Schedule(cron="0 6 * * 7", catchup=True, start="2026-01-01")
    ir = two(Options(), owner="team", tags=("a", "b"), description="Why.", schedule=schedule)
    found = files(ir)
    info = read(found["two.yaml"]).spec["pipelineInfo"]
    assert info == {"name": "two", "description": "Why.\nOwner: team.\nTags: a, b."}
    assert json.loads(found["two.recurring-run.json"]) == {
        "display_name": "two",
        "mode": "ENABLE",
        "trigger": {"cron_schedule": {"cron": "0 0 6 * * 0", "start_time": "2026-01-01T00:00:00Z"}},
        "max_concurrency": "1",
        "no_catchup": False,
    }


def test_options_of_the_backend() -> None:
    found = compiled(
        two(Options()), store="s3://bucket/store", values={"pipeline-root": "s3://bucket/root"}
    )
    assert found.spec["defaultPipelineRoot"] == "s3://bucket/root"
    store = {"name": "PENSTOCK_STORE", "value": "s3://bucket/store"}
    assert store in container(found, "use")["env"]
    for wrong in ({"values": {"root": "x"}}, {"store": "s3://key:secret@bucket/store"}):
        with pytest.raises(BackendError):
            files(two(Options()), **wrong)


def test_steps_that_differ_in_a_variable_alone_are_told_apart() -> None:
    marks = {
        container(compiled(two(Options(env=env))), "use")["args"][-3]
        for env in ((), (("A", "1"),), (("A", "2"),))
    }
    assert len(marks) == 3


HARMLESS = st.text(st.characters(codec="utf-8"), max_size=60).filter(
    lambda text: not any(mark in text for mark in ("{{", "$(", "$$"))
)


@given(text=HARMLESS, description=st.text(st.characters(codec="utf-8")))
@example(text="a: b # c\n- d\r\n\u0085\u2028\0", description="{{ 7*7 }}\n--- \ttab")
@example(text="1e3", description="no")
@example(text="'\"`$HOME ${X} `ls` x.sh", description="*a &b !c %d")
@example(text="x" * 65536, description="")
def test_texts_arrive_as_they_are(text: str, description: str) -> None:
    take = Component(
        code="m:take", inputs=(Input(name="s", type="str"), Input(name="d", type="dict[str, str]"))
    )
    value = {text[:50]: text}
    ir = PipelineIR(
        name="p",
        description=description,
        parameters=(Parameter(name="s", type="str", default=json.dumps(text)),),
        components=(take,),
        steps=(step("take", "m:take", s=const(text), d=const(value)),),
    )
    if len(text) > 60000:  # two of them are more than a step can be given
        ir = ir.model_copy(update={"steps": (step("take", "m:take", s=const(text), d=const({})),)})
        value = {}
    found = compiled(ir)
    given_to = found.spec["root"]["dag"]["tasks"]["take"]["inputs"]["parameters"]
    assert given_to["s"]["runtimeValue"]["constant"] == text
    assert given_to["d"]["runtimeValue"]["constant"] == value
    assert found.spec["root"]["inputDefinitions"]["parameters"]["s"]["defaultValue"] == text
    assert found.spec["pipelineInfo"].get("description", "") == description


@given(st.text(st.sampled_from("$(){}aHOME ")))
@example("$(HOME) $$ $HOME $")
def test_variables_are_what_kubernetes_expands_them_from(value: str) -> None:
    assert _expanded(escaped_variable(value)) == value


def _expanded(text: str) -> str:
    """What Kubernetes makes of a value where HOME is set."""
    found, at = "", 0
    while at < len(text):
        if text.startswith("$$", at):
            found, at = found + "$", at + 2
        elif text.startswith("$(HOME)", at):
            found, at = found + "/root", at + 7
        else:
            found, at = found + text[at], at + 1
    return found


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
@example({"{{a}}": ["$(b)", '\\"{{', "\\\\", "$$"]})
def test_inert_json_is_json_without_marks(value: Any) -> None:
    text = inert_json(value)
    assert json.loads(text) == value
    assert not any(mark in text for mark in ("$(", "$$"))
    assert "{{" not in text


def chain(size: int) -> PipelineIR:
    steps = [step("s0", "m:make")]
    steps += [step(f"s{n}", "m:use", data=out(f"s{n - 1}")) for n in range(1, size)]
    return PipelineIR(name="chain", components=(MAKE, USE), steps=tuple(steps))


@pytest.mark.parametrize("ir", [chain(1000), nested(100, each=8)], ids=["chain", "nested"])
def test_a_thousand_steps_take_a_moment(ir: PipelineIR) -> None:
    backend = KubeflowBackend()
    lowered = check_pipeline(ir, backend).lowered
    start = time.process_time()
    backend.emit(lowered, Emission())
    # Measured: 0.08 s; the rest is for busy machines.
    assert time.process_time() - start < 1


def test_time_grows_with_the_number_of_steps() -> None:
    backend = KubeflowBackend()
    small, large = (check_pipeline(chain(size), backend).lowered for size in (100, 800))

    def spent(ir: PipelineIR) -> float:
        start = time.process_time()
        backend.emit(ir, Emission())
        return time.process_time() - start

    # Linear is 8 times as long, quadratic 64 times.
    assert min(spent(large) for _ in range(5)) < 24 * min(spent(small) for _ in range(5))
