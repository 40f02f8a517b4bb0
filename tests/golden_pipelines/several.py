"""Several outputs, parts of values, lists from many places, step classes, and order."""

from typing import NamedTuple

from penstock import Metrics, PreprocessStep, pipeline, step


class Halves(NamedTuple):
    """Two artifacts and a parameter."""

    left: bytes
    right: bytes
    size: int


@step
def halve(text: str) -> Halves:
    middle = len(text) // 2
    return Halves(text[:middle].encode(), text[middle:].encode(), len(text))


class Weigh(PreprocessStep):
    """Weighs data under some names."""

    names: list[str]
    weight: float = 1.0

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
    """Splits, weighs twice, compares."""
    left, right, size = halve(text)
    one = Weigh(weight=0.5, names=["a", "b"]).run(left)
    other = Weigh(names=["a"]).run(right)
    metrics = compare([left, right], [one["a"], other["a"], 1.5, size])
    published = publish(metrics["bytes"], one["b"])
    clean_up.options(after=[published, other])()
    return published
