"""A step's options as the arguments of an operator."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.ir.nodes import Options, Resources, Secret
from penstock.ir.quantities import read_bytes, read_cores
from penstock_airflow import python_text as py

Arguments = Iterator[tuple[str, py.Node]]

_TEMPLATE_FILES = (".sh", ".bash", ".env")
_UNITS = (("g", 2**30), ("m", 2**20), ("k", 2**10))
_PERIODS = (("days", 86400), ("hours", 3600), ("minutes", 60))


def text(value: str) -> py.Node:
    """A string for a field that Airflow renders: plain where rendering leaves it as it is.

    Jinja acts on `{{`, `{%` and `{#` and drops a last newline; DockerOperator reads a string
    with one of its endings as the name of a template file.
    """
    rendered = "{{" in value or "{%" in value or "{#" in value or value.endswith("\n")
    if rendered or value.endswith(_TEMPLATE_FILES):
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


def run_arguments(options: Options, around: Options) -> Arguments:
    """Retries and timeout, where they differ from those `around`, which the DAG gives."""
    retry = options.retry
    if retry is not None and retry != around.retry:
        yield "retries", py.Literal(retry.times)
        if retry.times:
            yield "retry_delay", period(retry.delay)
            doubled = around.retry is not None and around.retry.backoff != 1
            if retry.backoff != 1 or doubled:
                yield "retry_exponential_backoff", py.Literal(retry.backoff != 1)
    if options.timeout is not None and options.timeout != around.timeout:
        yield "execution_timeout", period(options.timeout)


def secret_arguments(secrets: tuple[Secret, ...] | None) -> Arguments:
    """Which key of which connection goes into which variable."""
    if secrets:
        references = {one.env: (one.name, one.key) for one in secrets}
        yield "secrets", py.Literal(references)


def machine_arguments(resources: Resources | None) -> Arguments:
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
