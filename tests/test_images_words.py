"""What engines and registries say, read without any engine."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.images.base_images import BaseImage, base_images
from penstock.images.build_output import BuildOutput
from penstock.images.buildkit_trace import Log, TraceError, Vertex, decoded
from penstock.images.engine_errors import BuildFailed
from penstock.images.output_lines import OutputLines, shown
from penstock.images.registry_errors import explained, registry_of


def number(value: int) -> bytes:
    """A number as a protocol buffer holds it."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def message(*fields: tuple[int, bytes | int]) -> bytes:
    """A message of a protocol buffer."""
    out = b""
    for field, value in fields:
        if isinstance(value, bytes):
            out += number(field << 3 | 2) + number(len(value)) + value
        else:
            out += number(field << 3) + number(value)
    return out


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
VERTEXES = st.builds(Vertex, TEXTS, TEXTS, st.booleans(), st.booleans(), TEXTS)
LOGS = st.builds(Log, TEXTS, st.binary(min_size=1))


def encoded(told: list[Vertex | Log]) -> bytes:
    """A trace that tells it, with fields that nobody reads among the others."""
    out = b""
    for one in told:
        if isinstance(one, Vertex):
            fields: list[tuple[int, bytes | int]] = [(1, one.digest.encode()), (2, b"input")]
            fields += [(3, one.name.encode()), (4, int(one.cached)), (7, one.error.encode())]
            fields += [(5, message((1, 1 << 40), (2, 5)))] if one.started else []
            out += message((1, message(*fields)), (2, message((1, b"status"), (4, 1 << 63))))
        else:
            fields = [(1, one.vertex.encode()), (2, b""), (3, 2), (4, one.text)]
            out += message((3, message(*fields)))
    # Numbers of a fixed size are passed over.
    return out + number(9 << 3 | 1) + bytes(8) + number(10 << 3 | 5) + bytes(4)


@given(st.lists(VERTEXES | LOGS, max_size=5))
def test_a_trace_is_decoded(told: list[Vertex | Log]) -> None:
    """Everything that BuildKit tells of its parts and what they wrote, in its order."""
    assert list(decoded(encoded(told))) == told


@given(st.binary(max_size=200), st.integers(0, 120))
def test_nonsense_is_no_trace(trace: bytes, cut: int) -> None:
    """It is decoded to something or refused; never anything else."""
    for one in (trace, encoded([Log("a", b"b" * 99)])[:cut]):
        with suppress(TraceError):
            list(decoded(one))


def test_the_bases_of_a_dockerfile_are_found() -> None:
    """But no stages, no variables, and nothing twice."""
    text = """
    # FROM comment
    FROM  python:3.11-slim AS first
    from host:5000/a/b@sha256:0 as Second
    FROM --platform=linux/arm64 python:3.11-slim
    FROM first
    FROM SECOND AS third
    FROM scratch
    FROM python:3.11-slim
    FROM $BASE
    COPY --from=first /a /b
    RUN echo FROM x
    """
    assert base_images(text) == (
        BaseImage("python:3.11-slim"),
        BaseImage("host:5000/a/b@sha256:0"),
        BaseImage("python:3.11-slim", "linux/arm64"),
    )


@given(st.lists(st.binary(max_size=40)))
def test_lines_can_be_shown_whatever_a_program_writes(pieces: list[bytes]) -> None:
    """No control character is left, and how the pieces came does not matter."""
    lines, whole = OutputLines(), OutputLines()
    told = [line for one in pieces for line in lines.add(one)] + lines.last()
    assert told == whole.add(b"".join(pieces)) + whole.last()
    assert all(one and one.isprintable() for one in told)


def test_lines_without_an_end_are_cut() -> None:
    """A program that never ends its line does not fill the memory."""
    lines = OutputLines()
    for _ in range(100):
        assert all(len(one) < 2100 for one in lines.add(b"x" * 1500))
    assert len(shown("y" * 9000)) == 2003
    assert lines.add(b"\nprogress 1\rprogress 2\r\nend")[-2:] == ["progress 1", "progress 2"]


@pytest.mark.parametrize(
    "said",
    [
        "executor failed running [/bin/sh -c x]: exit code: 100",
        'failed to solve: process "/bin/sh -c x" did not complete successfully: exit code: 100',
        "The command '/bin/sh -c x' returned a non-zero code: 100",
        'building at STEP "RUN x": while running runtime: exit status 100',
    ],
)
def test_every_builder_tells_the_same_of_a_failing_command(said: str) -> None:
    """The line that looks like an error, and the exit code."""
    output = BuildOutput("x:1", lambda line: None)
    output.step("2/4 RUN x")
    output.lines(["reading", "E: no package", "W: a warning", "done"])
    failed = output.failure(said)
    assert isinstance(failed, BuildFailed)
    assert str(failed) == (
        "the image x:1 cannot be built: step 2/4 RUN x ended with exit code 100: E: no package"
    )
    assert failed.log == ("reading", "E: no package", "W: a warning", "done")


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("pull access denied for x, repository does not exist", "is its name right?"),
        ("manifest for x:1 not found: manifest unknown", "is its name right?"),
        ("unauthorized: authentication required", "`docker login host.example` first"),
        ("denied: requested access to the resource is denied", "`docker login host.example` first"),
        ("no basic auth credentials", "`docker login host.example` first"),
        ("Get https://host.example/v2/: dial tcp: no such host", "cannot be reached"),
        ("server gave HTTP response to HTTPS client", "add it to insecure-registries"),
        (
            "x509: certificate signed by unknown authority",
            "/etc/docker/certs.d/host.example/ca.crt",
        ),
        ("toomanyrequests: You have reached your pull rate limit", "limits what may be pulled"),
        ("something new", "something new"),
    ],
)
def test_what_registries_refuse_is_told_with_advice(said: str, advice: str) -> None:
    """Their own words stay."""
    told = explained(said, "host.example/x:1")
    assert advice in told
    assert said in told


def test_the_registry_of_a_reference() -> None:
    """Docker Hub, where no host is named."""
    references = ("python:3.11", "team/x:1", "host:5000/x", "localhost/x", "a.b/c/d@sha256:0")
    found = [registry_of(one) for one in references]
    assert found == ["docker.io", "docker.io", "host:5000", "localhost", "a.b"]
