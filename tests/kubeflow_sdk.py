"""Run by the Python of the kfp environment: compiles pipelines of every feature with the real SDK.

usage: kubeflow_sdk.py FOLDER
"""
# Annotations are what the SDK reads: it knows no `str | None`, and its components take fewer
# arguments than their functions.
# mypy: ignore-errors
# ruff: noqa: UP045

import sys
import warnings
from pathlib import Path
from typing import NamedTuple, Optional

warnings.simplefilter("ignore")

from kfp import compiler, dsl, kubernetes  # noqa: E402
from kfp.dsl import (  # noqa: E402
    HTML,
    Artifact,
    Dataset,
    Input,
    Metrics,
    Model,
    Output,
    OutputPath,
    PipelineTaskFinalStatus,
)


@dsl.component
def number(n: int = 3) -> int:
    return n


@dsl.component
def text(word: str, n: int = 1) -> str:
    return word * n


@dsl.component
def flag() -> bool:
    return True


@dsl.component
def share() -> float:
    return 0.5


@dsl.component
def numbers(n: int) -> list[int]:
    return list(range(n))


@dsl.component
def rows() -> list[dict[str, str]]:
    return [{"a": "x"}]


@dsl.component
def table() -> dict[str, int]:
    return {"a": 1}


@dsl.component
def total(items: list[int]) -> int:
    return sum(items)


@dsl.component
def maybe(word: Optional[str] = None, n: Optional[int] = None) -> str:
    return str(word)


@dsl.component
def several() -> NamedTuple("Outputs", [("one", int), ("other", str)]):
    return 1, "x"


@dsl.component
def make(data: Output[Dataset], metrics: Output[Metrics]):
    metrics.log_metric("x", 1.0)


@dsl.component
def fit(data: Input[Dataset], model: Output[Model], page: Output[HTML], rate: float = 0.1):
    pass


@dsl.component
def look(things: Input[list[Dataset]]) -> int:
    return len(things)


@dsl.component
def any_artifact(thing: Input[Artifact]):
    pass


@dsl.component
def one_dataset(n: int, data: Output[Dataset]):
    pass


@dsl.component
def notify(status: PipelineTaskFinalStatus, channel: str = "x"):
    pass


@dsl.container_component
def shell(word: str, out: OutputPath(str), data: Output[Dataset]):
    return dsl.ContainerSpec(
        image="alpine",
        command=["sh", "-c", 'echo "$0" > "$1"'],
        args=[word, out, data.path, data.uri],
    )


@dsl.container_component
def with_optional(word: Optional[str] = None):
    return dsl.ContainerSpec(
        image="alpine",
        command=["echo"],
        args=[dsl.IfPresentPlaceholder(input_name="word", then=["--word", word])],
    )


@dsl.pipeline
def chain(n: int = 2, word: str = "x") -> int:
    first = number(n=n)
    text(word=word, n=first.output)
    return number(n=first.output).output


@dsl.pipeline
def artifacts() -> Model:
    made = make()
    fitted = fit(data=made.outputs["data"])
    any_artifact(thing=fitted.outputs["page"])
    any_artifact(thing=made.outputs["metrics"])
    return fitted.outputs["model"]


@dsl.pipeline
def branches(n: int = 2, word: str = "a"):
    first = number(n=n)
    with dsl.If(first.output > 1):
        number(n=1)
    with dsl.If(word == "its"), dsl.If(share().output >= 0.5):
        number(n=first.output)
    with dsl.If(flag().output == True):  # noqa: E712
        text(word=word)


@dsl.pipeline
def quoted(word: str = "a"):
    with dsl.If(word == "it's"):
        number(n=1)


@dsl.pipeline
def one_of(n: int = 2) -> int:
    first = number(n=n)
    with dsl.If(first.output == 1):
        a = number(n=1)
    with dsl.Elif(first.output == 2):
        b = number(n=2)
    with dsl.Else():
        c = number(n=3)
    chosen = dsl.OneOf(a.output, b.output, c.output)
    number(n=chosen)
    return chosen


@dsl.pipeline
def one_of_artifacts(n: int = 2) -> Dataset:
    with dsl.If(number(n=n).output == 1):
        a = one_dataset(n=1)
    with dsl.Else():
        b = one_dataset(n=2)
    return dsl.OneOf(a.outputs["data"], b.outputs["data"])


@dsl.pipeline
def loops(n: int = 2, items: list[int] = [1, 2]):  # noqa: B006
    with dsl.ParallelFor([1, 2, 3], parallelism=2) as one:
        number(n=one)
    with dsl.ParallelFor(items) as one:
        number(n=one)
    with dsl.ParallelFor(numbers(n=n).output) as one, dsl.ParallelFor(["a", "b"]) as other:
        text(word=other, n=one)
    with dsl.ParallelFor([{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]) as one:
        number(n=one.a)
    with dsl.ParallelFor(rows().output) as one:
        text(word=one.a)


@dsl.pipeline
def collected(n: int = 2) -> list[int]:
    with dsl.ParallelFor([1, 2, 3]) as one:
        each = number(n=one)
        data = one_dataset(n=one)
    look(things=dsl.Collected(data.outputs["data"]))
    total(items=dsl.Collected(each.output))
    return dsl.Collected(each.output)


@dsl.pipeline
def conditions_in_loops(n: int = 2):
    with dsl.ParallelFor([1, 2, 3]) as one:
        first = number(n=one)
        with dsl.If(first.output > 1):
            text(word="a", n=one)
        with dsl.Else():
            number(n=one)


@dsl.pipeline
def exits(word: str = "x"):
    last = notify(channel=word)
    with dsl.ExitHandler(last):
        text(word=word)
        chain(n=1)


@dsl.pipeline
def ignoring():
    first = number()
    text(word="a", n=1).ignore_upstream_failure().after(first)


@dsl.pipeline
def nested(n: int = 3) -> int:
    inner = chain(n=n)
    again = one_of(n=inner.output)
    return again.output


@dsl.pipeline
def optional(word: Optional[str] = None, n: int = 3):
    maybe()
    maybe(word=word)
    maybe(n=n)
    with_optional()
    with_optional(word="x")


@dsl.pipeline
def containers(word: str = "x"):
    one = shell(word=word)
    shell(word=f"{word} and {one.outputs['out']}")
    any_artifact(thing=one.outputs["data"])


@dsl.pipeline
def importing():
    data = dsl.importer(artifact_uri="s3://bucket/data", artifact_class=Dataset, metadata={"a": 1})
    fit(data=data.output)


@dsl.pipeline
def parts():
    both = several()
    text(word=both.outputs["other"], n=both.outputs["one"])
    table()


@dsl.pipeline
def settings(word: str = "x"):
    one = text(word=word)
    one.set_cpu_limit("2").set_memory_limit("4Gi").set_cpu_request("500m")
    one.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(1)
    one.set_env_variable("A", "b").set_caching_options(False)
    one.set_retry(num_retries=3, backoff_duration="30s", backoff_factor=2.0)
    number().set_display_name("A nicer name")


@dsl.pipeline
def platform():
    one = number()
    kubernetes.use_secret_as_env(one, secret_name="db", secret_key_to_env={"k": "K"})
    kubernetes.use_secret_as_volume(one, secret_name="db", mount_path="/db")
    kubernetes.use_config_map_as_env(one, config_map_name="c", config_map_key_to_env={"k": "C"})
    kubernetes.use_config_map_as_volume(one, config_map_name="c", mount_path="/c")
    kubernetes.mount_pvc(one, pvc_name="claim", mount_path="/data")
    kubernetes.add_node_selector(one, label_key="disk", label_value="ssd")
    kubernetes.add_toleration(one, key="gpu", operator="Exists", effect="NoSchedule")
    kubernetes.add_pod_label(one, label_key="team", label_value="ml")
    kubernetes.add_pod_annotation(one, annotation_key="a", annotation_value="b")
    kubernetes.set_image_pull_policy(one, "Always")
    kubernetes.set_image_pull_secrets(one, ["registry"])
    kubernetes.set_timeout(one, 60)
    kubernetes.use_field_path_as_env(one, env_name="POD", field_path="metadata.name")
    kubernetes.add_ephemeral_volume(
        one, volume_name="v", mount_path="/v", access_modes=["ReadWriteOnce"], size="1Gi"
    )
    kubernetes.empty_dir_mount(one, volume_name="e", mount_path="/e", size_limit="1Gi")


@dsl.pipeline
def claims():
    claim = kubernetes.CreatePVC(
        pvc_name_suffix="-x", access_modes=["ReadWriteOnce"], size="1Gi", storage_class_name="s"
    )
    one = number()
    kubernetes.mount_pvc(one, pvc_name=claim.outputs["name"], mount_path="/data")
    kubernetes.DeletePVC(pvc_name=claim.outputs["name"]).after(one)


@dsl.pipeline
def facts():
    text(word=dsl.PIPELINE_JOB_NAME_PLACEHOLDER)
    text(word=dsl.PIPELINE_JOB_ID_PLACEHOLDER)
    text(word=dsl.PIPELINE_TASK_NAME_PLACEHOLDER)


PIPELINES = (
    chain,
    artifacts,
    branches,
    quoted,
    one_of,
    one_of_artifacts,
    loops,
    collected,
    conditions_in_loops,
    exits,
    ignoring,
    nested,
    optional,
    containers,
    importing,
    parts,
    settings,
    platform,
    claims,
    facts,
)


def main() -> None:
    """Writes a spec for each pipeline, and one for a component by itself."""
    folder = Path(sys.argv[1])
    for one in PIPELINES:
        compiler.Compiler().compile(one, str(folder / f"{one.name}.yaml"))
    compiler.Compiler().compile(fit, str(folder / "component.yaml"))
    compiler.Compiler().compile(chain, str(folder / "as_json.json"))


if __name__ == "__main__":
    main()
