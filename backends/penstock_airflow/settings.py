"""A step's options as the arguments of an operator."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.ir.nodes import Options, Resources, Secret
from penstock.ir.quantities import read_bytes, read_cores
from penstock_airflow import python_text as py
from penstock_airflow.target import Target

Arguments = Iterator[tuple[str, py.Node]]

_TEMPLATE_FILES = (".sh", ".bash", ".env")
_UNITS = (("g", 2**30), ("m", 2**20), ("k", 2**10))
_PERIODS = (("days", 86400), ("hours", 3600), ("minutes", 60))


def is_rendered(value: str) -> bool:
    """Whether Airflow would change the text in a field that it renders.

    Jinja acts on `{{`, `{%` and `{#` and drops a last newline; DockerOperator reads a string
    with one of its endings as the name of a template file.
    """
    signs = "{{" in value or "{%" in value or "{#" in value or value.endswith("\n")
    return signs or value.endswith(_TEMPLATE_FILES)


def text(value: str) -> py.Node:
    """A string for a field that Airflow renders: plain where rendering leaves it as it is."""
    if is_rendered(value):
        return py.Call("literal", (py.Literal(value),))
    return py.Literal(value)


def period(seconds: float) -> py.Node:
    """`timedelta(minutes=10)`, in the largest unit that leaves a whole number."""
    unit, count = "seconds", seconds
    for name, size in _PERIODS:
        if seconds and seconds % size == 0:
            unit, count = name, seconds / size
            break
    number = int(count) if count == int(count) else count
    return py.Call("timedelta", kwargs=((unit, py.Literal(number)),))


def memory(amount: str) -> int | str:
    """`"4Gi"` as Docker writes it, `"4g"`; bytes where no unit of Docker fits."""
    size = read_bytes(amount)
    for unit, factor in _UNITS:
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return size


def run_arguments(options: Options, around: Options, target: Target) -> Arguments:
    """Retries and timeout, where they differ from those `around`, which the DAG gives."""
    retry = options.retry
    if retry is not None and retry != around.retry:
        yield "retries", py.Literal(retry.times)
        if retry.times:
            yield "retry_delay", period(retry.delay)
            grown = around.retry is not None and around.retry.backoff != 1
            if retry.backoff != 1 or grown:
                yield "retry_exponential_backoff", py.Literal(_backoff(retry.backoff, target))
    if options.timeout is not None and options.timeout != around.timeout:
        yield "execution_timeout", period(options.timeout)


def _backoff(factor: float, target: Target) -> bool | float:
    """Airflow multiplies since 3.2; before, it can only double."""
    return float(factor) if target.multiplies and factor not in (1, 2) else factor != 1


def credential_arguments(secrets: tuple[Secret, ...] | None) -> Arguments:
    """Which key of which connection or Variable goes into which variable of the step."""
    if secrets:
        references = {one.env: (one.name, one.key) for one in secrets}
        yield "credentials", py.Literal(references)


def docker_resources(resources: Resources | None) -> Arguments:
    """CPU shares, memory limit and devices."""
    if resources is None:
        return
    if resources.cpu is not None:
        cores = float(read_cores(resources.cpu))
        yield "cpus", py.Literal(int(cores) if cores == int(cores) else cores)
    if resources.memory is not None:
        yield "mem_limit", py.Literal(memory(resources.memory))
    if resources.gpu:
        request = py.Call(
            "DeviceRequest",
            kwargs=(("count", py.Literal(resources.gpu)), ("capabilities", py.Literal([["gpu"]]))),
        )
        yield "device_requests", py.ListOf((request,))


def kubernetes_secrets(secrets: tuple[Secret, ...] | None) -> Arguments:
    """Which key of which secret of the cluster goes into which variable."""
    if secrets:
        calls = (
            py.Call("Secret", tuple(map(py.Literal, ("env", one.env, one.name, one.key))))
            for one in secrets
        )
        yield "secrets", py.ListOf(tuple(calls))


def kubernetes_resources(resources: Resources | None, gpu_label: str) -> Arguments:
    """Requests and limits of the container, and the nodes that have such a GPU."""
    if resources is None:
        return
    asked: dict[str, str] = {}
    if resources.cpu is not None:
        cores = read_cores(resources.cpu)
        asked["cpu"] = f"{int(cores * 1000)}m" if cores % 1 else str(int(cores))
    if resources.memory is not None:
        asked["memory"] = _kubernetes_bytes(resources.memory)
    if resources.disk is not None:
        asked["ephemeral-storage"] = _kubernetes_bytes(resources.disk)
    limits = {**asked, **({"nvidia.com/gpu": str(resources.gpu)} if resources.gpu else {})}
    if limits:
        kwargs = (("requests", py.Literal(asked)), ("limits", py.Literal(limits)))
        given = kwargs if asked else kwargs[1:]
        yield "container_resources", py.Call("k8s.V1ResourceRequirements", kwargs=given)
    if resources.gpu_type is not None:
        yield "node_selector", py.Literal({gpu_label: resources.gpu_type})


def _kubernetes_bytes(amount: str) -> str:
    size = read_bytes(amount)
    for unit, factor in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)
