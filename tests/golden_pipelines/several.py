"""Several outputs, parts of values, lists from many places, step classes, and order."""

from typing import NamedTuple

from penstock import Metrics, TrainerStep, pipeline, step


class Halves(NamedTuple):
    """Two artifacts and a parameter."""

    left: bytes
    right: bytes
    size: int


@step
def halve(text: str) -> Halves:
    middle = len(text) // 2
    return Halves(text[:middle].encode(), text[middle:].encode(), len(text))


class Fit(TrainerStep):
    """Fits a model, so to speak."""

    weight: float = 1.0
    names: list[str] = ["a"]  # noqa: RUF012 - a hyper-parameter, never changed

    def run(self, data: bytes) -> dict[str, float]:
        return {name: self.weight * len(data) for name in self.names}


@step
def compare(data: list[bytes], sizes: list[float]) -> Metrics:
    return Metrics(bytes=len(b"".join(data)), sizes=sum(sizes))


@step
def publish(total: float, largest: float) -> str:
    return f"{total} {largest}"


@step
def clean_up() -> None: ...


@pipeline
def several(text: str = "some text") -> str:
    """Splits, fits twice, compares."""
    left, right, size = halve(text)
    one = Fit(weight=0.5, names=["a", "b"]).run(left)
    other = Fit().run(right)
    metrics = compare([left, right], [one["a"], other["a"], 1.5, size])
    published = publish(metrics["bytes"], one["b"])
    clean_up.options(after=[published, other])()
    return published
