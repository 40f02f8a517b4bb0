"""No text that a user writes becomes code: neither when a DAG file is read nor when it is rendered.

Each example puts hostile texts into every slot of a pipeline at once: names, keys, defaults,
values, documentation, options, paths. The file must have the shape that it has with harmless
texts, hold the texts exactly, and do nothing when it is imported.
"""

from __future__ import annotations

import ast
import io
import json
import os
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.backend import Options
from penstock.ir.lookup import lookup
from penstock.ir.nodes import PipelineIR
from penstock.ir.plain import from_plain
from penstock.passes.fill_defaults import fill_defaults
from penstock.passes.model import Log
from penstock.passes.resolve_options import resolve_options
from penstock_airflow import AirflowBackend, dag_file

BACKEND = AirflowBackend()
PIECES = (
    *('"', "'", '"""', "'''", "\\", '\\"', "\n", "\r", "\r\n", "\t", "\0", "\x0c", "\x1a", "\x85"),
    *(
        "\u2028",
        "\u2029",
        "\ufeff",
        "\u202e",
        "😀",
        "é",
        "ﬁ",
        "}",
        "{",
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
    ),
    *(
        "#",
        "# coding: utf-7",
        "# -*- coding: unicode_escape -*-",
        "+AAo-",
        "\\x0a",
        "\\N{DIGIT ONE}",
    ),
    *(
        '"); import os; os.system("x"); ("',
        "'); print(1)  # ",
        ")",
        "]",
        ",",
        ":",
        ";",
        "$(x)",
        "`x`",
    ),
    *(
        "{{ 7*7 }}",
        "{% raw %}",
        "{% endraw %}",
        "${x}",
        "%s",
        "%(x)s",
        "{x}",
        ".sh",
        ".env",
        ".bash",
    ),
    *(
        "None",
        "nan",
        "1e999",
        "__import__('os')",
        "import os",
        "with DAG(",
        "a" * 90,
        " ",
        "  ",
        "x",
    ),
)
SHORT = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), min_size=1, max_size=6).map("".join)
HOSTILE = st.one_of(SHORT, st.text(max_size=30), st.sampled_from(PIECES))
EXACT = 29
"""Slots that hold any text; each has a number in front, so that it is found again in the file."""
KEYS = 4
DRAWN = 9
EXAMPLES = 600
assert EXAMPLES * (EXACT + KEYS + 2) >= 20_000


def _a_file(text: str) -> str:
    """A path that the reader of spans takes; it wants one line."""
    return "".join(text.split()).replace(":", "") or "file.py"


def spread(drawn: list[str]) -> tuple[list[str], list[str], str, str]:
    """The drawn texts over all slots, in an order that changes with them."""
    turn = sum(map(len, drawn))
    texts = [drawn[(place * (1 + turn % 4) + turn) % DRAWN] for place in range(EXACT + KEYS)]
    marked = [f"{number}{text}" for number, text in enumerate(texts)]
    return marked[:EXACT], marked[EXACT:], _a_file(drawn[turn % DRAWN]), drawn[(turn + 1) % DRAWN]


def pipeline(texts: list[str], keys: list[str], file: str, description: str) -> PipelineIR:
    """A pipeline with a text in every slot; `keys` stand where two equal ones would be one."""
    t = iter(texts)
    place = f"{file}:3:1-3:9"
    plain: dict[str, Any] = {
        "penstock": 1,
        "name": "injected",
        "description": description,
        "owner": next(t),
        "tags": [next(t), next(t)],
        "schedule": {"cron": next(t), "timezone": next(t)},
        "options": {"env": {"A": next(t)}},
        "at": place,
        "parameters": {
            "p": {
                "type": "str",
                "default": next(t),
                "pattern": next(t),
                "description": next(t),
                "at": place,
            },
            "q": {
                "type": "dict[str, list[str]]",
                "default": {keys[0]: [next(t)], next(t): []},
                "at": place,
            },
            "r": {"type": "m.Color | None", "default": next(t), "at": place},
            "s": {"type": f"Literal[{next(t)!r}]", "default": next(t), "at": place},
        },
        "classes": {"m.Color": {"values": [next(t), next(t)]}},
        "components": {
            "m:f": {
                "description": next(t),
                "inputs": {"x": "Any", "y": {"type": "str", "default": next(t)}, "z": "Any"},
                "outputs": {"value": {"parameter": "dict[str, str]"}},
                "options": {"image": next(t), "secrets": [_secret(next(t))]},
                "at": place,
            },
            next(t): {
                "inputs": {"x": "Any"},
                "outputs": {"value": {"artifact": "bytes"}},
                "at": place,
            },
        },
        "scopes": {
            "group": {
                "pipeline": "group",
                "description": next(t),
                "at": place,
            }
        },
    }
    other = list(plain["components"])[1]
    plain["steps"] = {
        "one": {
            "call": "m:f",
            "inputs": {"x": {"value": [next(t), {keys[1]: next(t)}]}, "z": {"parameter": "p"}},
            "options": {"env": {"B": next(t), "C": next(t)}},
            "at": place,
        },
        "two": {
            "call": "m:f",
            "inputs": {
                "x": {"step": "one", "key": [keys[2]]},
                "z": {"parameter": "q", "key": [keys[3], 0]},
            },
            "at": place,
        },
        "three": {
            "in": "group",
            "call": other,
            "inputs": {"x": {"list": [{"step": "two"}, {"value": next(t)}, {"value": next(t)}]}},
            "options": {"image": next(t)},
            "at": place,
        },
    }
    assert next(t, None) is None
    return from_plain(plain)


def _secret(key: str) -> dict[str, str]:
    return {"name": "vault", "key": key, "env": "SECRET"}


def emitted(ir: PipelineIR) -> str:
    # Without the checks: what they refuse must not become code either.
    for rewrite in (fill_defaults, resolve_options):
        ir = rewrite(lookup(ir), Log())
    [text] = BACKEND.emit(ir, Options()).values()
    return text


def same_head(text: str) -> str:
    """The file without what differs in its head: the digest of the plan, and one import."""
    text = re.sub(r'^PLAN = "sha256:[0-9a-f]{64}"$', "PLAN = None", text, flags=re.M)
    return re.sub(r"^(from airflow.sdk import .*), literal$", r"\1", text, flags=re.M)


def shape(*parts: str) -> tuple[list[str], set[object]]:
    """The kinds and names of all nodes in order, and the constants, which are not in the shape."""
    kinds: list[str] = []
    constants: set[object] = set()
    for part in parts:
        _walk(ast.parse(part), kinds, constants)
    return kinds, constants


def _walk(node: ast.AST, kinds: list[str], constants: set[object]) -> None:
    match node:
        case ast.Constant(value=str(text)):
            kinds.append("text")
            constants.add(text)
        case ast.Call(func=ast.Name("literal"), args=[ast.Constant(value=str(text))]):
            kinds.append("text")  # where a harmless text would stand alone
            constants.add(text)
        case _:
            kinds.append(type(node).__name__)
            for name in node._fields:
                value: Any = getattr(node, name)
                if isinstance(value, list):
                    for one in cast("list[ast.AST]", value):
                        _walk(one, kinds, constants)
                elif isinstance(value, ast.AST):
                    _walk(value, kinds, constants)
                else:
                    kinds.append(f"{name}={value!r}")


def split(text: str) -> tuple[str, str]:
    """What the user's texts are in: the docstring before the helpers, the DAG after them."""
    before, helpers, after = same_head(text).partition(HELPERS)
    assert helpers
    return before, after


PLAIN = [
    same_head(emitted(pipeline(*spread(["x"] * DRAWN)[:2], "file.py", description)))
    for description in ("x", " ")
]
HELPERS = PLAIN[0][PLAIN[0].index("from __future__") : PLAIN[0].index("with DAG(")]
(DOCUMENTED, _), (BARE, _) = (shape(*split(text)) for text in PLAIN)


@settings(max_examples=EXAMPLES)
@given(st.lists(HOSTILE, min_size=DRAWN, max_size=DRAWN))
def test_hostile_text_stays_text(drawn: list[str]) -> None:
    texts, keys, file, description = spread(drawn)
    text = emitted(pipeline(texts, keys, file, description))
    before, after = split(text)
    kinds, found = shape(before, after)
    assert kinds == (DOCUMENTED if description.strip() else BARE)
    # A group's tooltip is the first line of its description.
    missing = [one for one in (*texts, *keys) if not {one, _first_line(one)} & found]
    assert missing == []
    documentation = ast.get_docstring(ast.parse(before), clean=False) or ""
    assert description.strip() in documentation
    for comment in (*_comments(before), *_comments(after)):
        assert re.fullmatch(r"# [A-Za-z0-9_./-]+:\d+|# [ -~]*", comment), comment


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _comments(text: str) -> Iterator[str]:
    """All comments, by Python's own reader."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


STUBS = """
import sys, types, json

class Anything:
    template_fields = ()
    def __init__(self, *args, **kwargs):
        Anything.calls.append((type(self).__name__, args, kwargs))
    def __enter__(self): return self
    def __exit__(self, *details): return None
    def __rshift__(self, other): return other
    def __rrshift__(self, other): return self
    def as_teardown(self): return self

Anything.calls = []
names = {
    "airflow.providers.docker.operators.docker": ["DockerOperator"],
    "airflow.sdk": ["DAG", "Asset", "BaseHook", "Param", "TaskGroup", "literal"],
    "docker.types": ["DeviceRequest", "Mount"],
    "pendulum": ["datetime"],
}
for module, classes in names.items():
    made = types.ModuleType(module)
    for name in classes:
        setattr(made, name, type(name, (Anything,), {}))
    parts = module.split(".")
    for end in range(1, len(parts)):
        sys.modules.setdefault(".".join(parts[:end]), types.ModuleType(parts[0]))
    sys.modules[module] = made

from datetime import timedelta
files = json.load(sys.stdin)
programs = [compile(text, "dag.py", "exec", dont_inherit=True) for text in files]
for module in ("__future__", "json", "typing"):
    __import__(module)
exec(programs[0], {"__name__": "dag"})  # what is imported for the first time is opened, of course
events = []
def hook(event, args):
    if event.split(".")[0] in ("os", "subprocess", "open", "socket", "exec", "import", "ctypes"):
        if event != "exec" or args[0] not in programs:
            events.append(event)
sys.addaudithook(hook)
for program in programs:
    exec(program, {"__name__": "dag", "__doc__": ""})
seen = list(events)
sys.stdout.write(json.dumps({"events": seen, "calls": len(Anything.calls)}))
"""


def test_importing_a_hostile_file_does_nothing(tmp_path: Path) -> None:
    files: list[str] = []

    @settings(max_examples=60, database=None)
    @given(st.lists(HOSTILE, min_size=DRAWN, max_size=DRAWN))
    def collect(drawn: list[str]) -> None:
        files.append(emitted(pipeline(*spread(drawn))))

    collect()
    bad = 'import os\nos.system("true")\n'
    # Named tuples are made by Python's own `exec`, in every file as often as in a harmless one.
    tuples = ["exec"] * PLAIN[0].count("(NamedTuple):")
    assert tuples
    for given_files, events in ((files, tuples * len(files)), ([bad], ["os.system"])):
        done = subprocess.run(
            [sys.executable, "-I", "-c", STUBS],
            input=json.dumps(given_files),
            env={"PATH": os.environ["PATH"]},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        assert [event for event in answer["events"] if event != "import"] == events
    assert len(files) >= 30


def test_a_bare_value_cannot_enter_the_template() -> None:
    """The frame takes printed source alone: a str that nobody printed is an error."""
    with pytest.raises(TypeError, match="unprinted"):
        dag_file._template().render(docstring="x")  # pyright: ignore[reportPrivateUsage] - its guard
