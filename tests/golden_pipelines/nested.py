"""Pipelines in pipelines, two deep."""

from penstock import pipeline, step


@step
def clean(text: str) -> str:
    return text.strip()


@step
def count(text: str) -> int:
    return len(text)


@step
def total(first: int, second: int) -> int:
    return first + second


@pipeline
def measure(text: str) -> int:
    """Cleans and measures a text."""
    return count(clean(text))


@pipeline(name="both")
def measure_both(one: str, other: str) -> int:
    """Measures two texts.

    One after the other, or at once.
    """
    return total(measure(one), measure(other))


@pipeline
def nested(text: str = " a text ") -> int:
    """Nests two deep."""
    extra = clean(text)
    return total(measure_both(text, "other"), measure(extra))
