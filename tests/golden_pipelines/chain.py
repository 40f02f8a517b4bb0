"""Steps in a row: an artifact, its use, and a number."""

from penstock import pipeline, step


@step
def make(rows: int) -> bytes:
    """Makes some rows."""
    return b"row\n" * rows


@step
def count(data: bytes) -> int:
    """Counts them again."""
    return data.count(b"\n")


@step
def report(total: int, title: str = "rows") -> str:
    return f"{total} {title}"


@pipeline
def chain(rows: int = 3) -> str:
    """Makes rows and counts them."""
    return report(count(make(rows)))
