"""What the language promises: ordinary code outside pipelines, mistakes told at their place."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from penstock import PipelineError
from penstock.diagnostics import Diagnostic
from penstock.ir.lookup import lookup
from penstock.ir.nodes import Branch, Loop, Nested, PipelineIR, Step
from penstock.ir.values import (
    Comparison,
    Constant,
    FinalStatus,
    FromLoop,
    FromParameter,
    FromStep,
    Gathered,
    ListOf,
    Not,
    OneOf,
    Truth,
)

PRELUDE = '''\
import dataclasses
import functools
from enum import Enum
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from penstock import *


class Split(NamedTuple):
    train: bytes
    test: bytes


class Color(Enum):
    RED = "red"


@dataclasses.dataclass
class Size:
    width: int
    inner: dict[str, int]


@step
def load(url: str = "x") -> bytes:
    """Loads."""
    return url.encode()


@step
def number(x: int = 1) -> int:
    return x + 1


@step
def split(data: bytes, ratio: float = 0.8) -> Split:
    return Split(data[:1], data[1:])


@step
def score(test: bytes = b"") -> Metrics:
    return Metrics(auc=0.5)


@step
def sizes() -> list[int]:
    return [1, 2]


@step
def measure() -> Size:
    return Size(1, {})


@step
def publish(x: object) -> None: ...


@step
def notify(channel: str, status: RunStatus = RunStatus.FAILED) -> None: ...


class Fit(TrainerStep):
    C: float = 1.0
    layers: list[int] = dataclasses.field(default_factory=lambda: [8, 4])

    def run(self, train: bytes) -> Split:
        return Split(train, str(self.C).encode())


'''

HEAD = "def p(n: int = 3, flag: bool = True) -> None:"

Write = Callable[[str], ModuleType]


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    """Imports the text, after the prelude, as a module from a file."""
    made: list[str] = []
    numbers = count()

    def imported(text: str) -> ModuleType:
        name = f"language_{next(numbers)}"
        file = tmp_path / f"{name}.py"
        file.write_text(PRELUDE + text, "utf-8")
        module = ModuleType(name)
        module.__file__ = str(file)
        sys.modules[name] = module
        made.append(name)
        exec(compile(file.read_text("utf-8"), str(file), "exec"), vars(module))
        return module

    yield imported
    for name in made:
        del sys.modules[name]


@pytest.fixture
def body(write: Write) -> Callable[[str], PipelineIR]:
    """Traces a pipeline with these lines as its body."""

    def traced(lines: str, head: str = HEAD) -> PipelineIR:
        text = "".join(f"    {line}\n" for line in lines.strip("\n").split("\n"))
        ir = write(f"@pipeline\n{head}\n{text}").p.trace()
        assert isinstance(ir, PipelineIR)
        return ir

    return traced


Body = Callable[..., PipelineIR]


def problems(run: Callable[[], object]) -> tuple[Diagnostic, ...]:
    with pytest.raises(PipelineError) as caught:
        run()
    return caught.value.diagnostics


def codes(run: Callable[[], object]) -> list[str]:
    return [found.code for found in problems(run)]


# -- outside of pipelines


def test_a_step_is_an_ordinary_function(write: Write) -> None:
    module = write("")
    assert module.load("abc") == b"abc"
    assert module.load() == b"x"
    assert module.split(data=b"ab").test == b"b"
    assert module.load.options(retries=3, name="other")("y") == b"y"
    assert (module.load.__name__, module.load.__doc__) == ("load", "Loads.")
    with pytest.raises(TypeError):
        module.load(1, 2)


def test_a_step_class_is_an_ordinary_class(write: Write) -> None:
    module = write("")
    fit = module.Fit(C=2.0)
    assert (fit.C, fit.layers) == (2.0, [8, 4])
    assert fit.run(b"a").test == b"2.0"
    assert fit.options(retries=1).run(b"a").test == b"2.0"
    assert module.Fit().layers is not module.Fit().layers
    for wrong in ({"c": 1.0}, {"C": 1.0, "D": 2}):
        with pytest.raises(TypeError):
            module.Fit(**wrong)
    with pytest.raises(TypeError):
        module.Fit(1.0)


def test_a_step_class_may_inherit_from_one(write: Write) -> None:
    module = write(
        "class Deep(Fit):\n    depth: int = 2\n"
        "    def run(self, train: bytes) -> Split:\n"
        "        return super().run(train + bytes([48 + self.depth]))\n"
        "class Deeper(Deep):\n    width: int = 3\n"
        "@pipeline\ndef p() -> None:\n    Deeper(depth=1).run(load())\n"
    )
    assert module.Deep(depth=1).run(b"a").train == b"a1"
    step = module.p.trace().steps[-1]
    assert step.component.endswith(":Deeper")
    inputs = lookup(module.p.trace()).inputs(step.component)
    assert [name for name, one in inputs.items() if one.field] == ["C", "layers", "depth", "width"]


def test_control_flow_outside_of_a_pipeline_says_so() -> None:
    from penstock import each, gather, on_exit, one_of, otherwise, when

    uses: dict[str, Callable[[], object]] = {
        "when": lambda: when(True),
        "otherwise": otherwise,
        "each": lambda: each([1]),
        "gather": lambda: gather(1),
        "one_of": lambda: one_of(1, 2),
        "on_exit": lambda: on_exit(None),
    }
    for word, use in uses.items():
        with pytest.raises(RuntimeError, match=rf"{word}\(.* belongs into"):
            use()


def test_a_pipeline_is_not_called_by_itself(write: Write) -> None:
    module = write("@pipeline\ndef p() -> None:\n    load()\n")
    with pytest.raises(RuntimeError, match="penstock run FILE:p"):
        module.p()


@pytest.mark.parametrize(
    "text",
    [
        "@step\nclass A: ...",
        "@step(retry=3)\ndef f() -> None: ...",
        "@pipeline(cron='* * * * *')\ndef f() -> None: ...",
        "@pipeline\nclass A: ...",
        "@pipeline\nasync def f() -> None: ...",
        "@pipeline\ndef f():\n    yield 1",
        "class A(Step):\n    image: str = 'photo.png'\n    def run(self) -> None: ...",
        "class A(Step):\n    options: str = ''\n    def run(self) -> None: ...",
        "class A(Step):\n    @staticmethod\n    def run() -> None: ...",
    ],
)
def test_what_can_be_no_step_or_pipeline_is_refused_at_once(write: Write, text: str) -> None:
    with pytest.raises(TypeError):
        write(text + "\n")


# -- what promises allow


def step_of(ir: PipelineIR, name: str) -> Step:
    return lookup(ir).steps[name]


def given(ir: PipelineIR, name: str) -> Any:
    """What a step's only input is."""
    (binding,) = step_of(ir, name).inputs
    return binding.value


def test_outputs_are_unpacked_and_picked_by_name_and_position(body: Body) -> None:
    ir = body(
        "train, test = split(load())\npublish(train)\nboth = split(load())\n"
        "publish(both.test)\npublish(both[0])\nassert len(both) == 2"
    )
    assert given(ir, "publish") == FromStep(step="split", output="train")
    assert given(ir, "publish_2") == FromStep(step="split_2", output="test")
    assert given(ir, "publish_3") == FromStep(step="split_2", output="train")


def test_outputs_may_have_any_name(write: Write) -> None:
    module = write(
        "class Odd(NamedTuple):\n    source: int\n    promises: int\n    count: int\n"
        "class One(NamedTuple):\n    value: int\n"
        "@step\ndef odd() -> Odd: ...\n@step\ndef one() -> One: ...\n"
        "@pipeline\ndef p() -> None:\n"
        "    publish(odd().source)\n    publish(odd().promises)\n    publish(odd().count)\n"
        "    (alone,) = one()\n    publish(alone)\n    publish(one().value)\n"
    )
    ir = module.p.trace()
    assert given(ir, "publish_2") == FromStep(step="odd_2", output="promises")
    assert given(ir, "publish_4") == FromStep(step="one")
    assert given(ir, "publish_5") == FromStep(step="one_2")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('score()["auc"]', FromStep(step="score", path=("auc",))),
        ("sizes()[-1]", FromStep(step="sizes", path=(-1,))),
        ("measure().width", FromStep(step="measure", path=("width",))),
        ('measure().inner["a"]', FromStep(step="measure", path=("inner", "a"))),
        ('config["rates"][0]', FromParameter(parameter="config", path=("rates", 0))),
        ("[1, 2]", Constant(text="[1,2]")),
        ("Color.RED", Constant(text='"red"')),
        ("{'a': [None, True, 1.0]}", Constant(text='{"a":[null,true,1.0]}')),
        (
            "[number(), 3]",
            ListOf(values=(FromStep(step="number"), Constant(text="3"))),
        ),
    ],
)
def test_a_value_can_be_passed_on(body: Body, text: str, value: object) -> None:
    head = "def p(config: dict[str, list[int]] = {}) -> None:"
    assert given(body(f"publish({text})", head), "publish") == value


@pytest.mark.parametrize(
    ("text", "sort"),
    [
        ("n > 3", Comparison),
        ("3 > n", Comparison),
        ("flag", Truth),
        ("True", Truth),
        ("~(n == 3)", Not),
        ("~flag", Not),
    ],
)
def test_a_condition(body: Body, text: str, sort: type) -> None:
    (scope,) = body(f"with when({text}):\n    load()").scopes
    assert isinstance(scope, Branch)
    assert isinstance(scope.condition, sort)


def test_conditions_are_combined_flat(body: Body) -> None:
    (scope,) = body("with when((n > 1) & flag & (n != 2) | (n == 9)):\n    load()").scopes
    assert isinstance(scope, Branch)
    plain: Any = scope.condition
    assert plain.kind == "any"
    assert [one.kind for one in plain.conditions] == ["all", "compare"]
    assert [one.kind for one in plain.conditions[0].conditions] == ["compare", "truth", "compare"]
    assert plain.conditions[0].conditions[0].operator == ">"


def test_a_reversed_comparison_is_turned_round(body: Body) -> None:
    (scope,) = body("with when(0.5 <= n):\n    load()").scopes
    assert isinstance(scope, Branch)
    assert scope.condition == Comparison(
        operator=">=", left=FromParameter(parameter="n"), right=Constant(text="0.5")
    )


def test_a_branch_with_all_its_arms(body: Body) -> None:
    ir = body(
        "with when(n > 3):\n    a = number(1)\nwith elsewhen(n > 2):\n    b = number(2)\n"
        "with otherwise():\n    c = number(3)\npublish(one_of(a, b, c))"
    )
    arms = [one for one in ir.scopes if isinstance(one, Branch)]
    assert [(arm.id, arm.chain, arm.condition is None) for arm in arms] == [
        ("when", "when", False),
        ("elsewhen", "when", False),
        ("otherwise", "when", True),
    ]
    assert [step.scope for step in ir.steps] == ["when", "elsewhen", "otherwise", None]
    assert isinstance(given(ir, "publish"), OneOf)


def test_loops_nest_and_gather(body: Body) -> None:
    ir = body(
        "with each(sizes(), parallel=2) as a:\n    with each([(1, 'x'), (2, 'y')]) as (b, c):\n"
        "        publish([b, c])\n        m = number(a)\n    inner = gather(m)\n"
        "    publish(inner)\npublish(gather(inner))"
    )
    outer, inner = ir.scopes
    assert isinstance(outer, Loop)
    assert isinstance(inner, Loop)
    assert (outer.parallel, outer.items) == (2, FromStep(step="sizes"))
    assert (inner.parent, inner.items) == (outer.id, Constant(text='[[1,"x"],[2,"y"]]'))
    pair = ListOf(values=(FromLoop(loop=inner.id, path=(0,)), FromLoop(loop=inner.id, path=(1,))))
    assert given(ir, "publish") == pair
    assert given(ir, "number") == FromLoop(loop=outer.id)
    once = Gathered(value=FromStep(step="number"), loop=inner.id)
    assert given(ir, "publish_2") == once
    assert given(ir, "publish_3") == Gathered(value=once, loop=outer.id)


def test_a_pipeline_nests_and_gives_what_it_returns(write: Write) -> None:
    module = write(
        "@pipeline(retries=2)\ndef one(x: int, y: int = 5) -> int:\n"
        "    publish(y)\n    return number(x)\n"
        "@pipeline\ndef several(data: bytes) -> Split:\n"
        "    parts = split(data)\n    return Split(train=parts.test, test=parts.train)\n"
        "@pipeline\ndef nothing() -> None:\n    load()\n"
        "@pipeline\ndef p(n: int = 1) -> int:\n"
        "    a = one(n)\n    train, _ = several(load())\n    publish(train)\n"
        "    end = nothing()\n    number.options(after=[end])()\n    return a\n"
    )
    ir = module.p.trace()
    nested = [one for one in ir.scopes if isinstance(one, Nested)]
    assert [(one.id, one.pipeline) for one in nested] == [
        ("one", "one"),
        ("several", "several"),
        ("nothing", "nothing"),
    ]
    assert nested[0].options.retry is not None
    assert ir.outputs[0].value == FromStep(step="one.number")
    assert given(ir, "one.publish") == Constant(text="5")
    assert given(ir, "one.number") == FromParameter(parameter="n")
    assert given(ir, "publish") == FromStep(step="several.split", output="test")
    assert step_of(ir, "number").after == ("nothing",)


def test_on_exit_gets_the_final_status(body: Body) -> None:
    ir = body("load()\non_exit(notify('#ml'))")
    step = step_of(ir, "notify")
    assert step.on_exit
    assert {one.name: one.value for one in step.inputs} == {
        "channel": Constant(text='"#ml"'),
        "status": FinalStatus(),
    }
    assert not step_of(ir, "load").on_exit


def test_after_takes_values_ends_steps_and_names(body: Body) -> None:
    ir = body(
        "a = load()\nb = publish(1)\nc = split(a)\nd = number.options(name='mine')()\n"
        "number.options(name='z', after=[a, b, c, load, 'mine', score()['auc']])(2)\n"
        "with each([1]) as i:\n    m = number(i)\nsizes.options(after=[gather(m)])()"
    )
    assert step_of(ir, "z").after == ("load", "publish", "split", "mine", "score")
    assert step_of(ir, "sizes").after == ("each",)


def test_after_means_the_steps_of_its_own_pipeline(write: Write) -> None:
    module = write(
        "@pipeline\ndef part() -> None:\n"
        "    load.options(name='first')()\n    load()\n"
        "    publish.options(after=['first', load])(1)\n"
        "@pipeline\ndef p() -> None:\n"
        "    load.options(name='first')()\n    part()\n    part()\n"
    )
    ir = module.p.trace()
    assert step_of(ir, "part.publish").after == ("part.first", "part.load")
    assert step_of(ir, "part_2.publish").after == ("part_2.first", "part_2.load")


def test_options_from_the_decorator_the_class_and_the_call(write: Write) -> None:
    module = write(
        "@step(name='fetch', retries=1, env={'A': 'b'})\ndef get() -> int: ...\n"
        "class Tune(Step):\n    timeout = '10m'\n    cache = False\n"
        "    resources = Resources(cpu=1, memory='1Gi')\n"
        "    def run(self) -> None: ...\n"
        "@pipeline\ndef p() -> None:\n    get()\n    get()\n"
        "    get.options(retries=Retry(3, delay='1m', backoff=2)).options(timeout=5)()\n"
        "    Tune().options(secrets=[Secret('vault', 'key', 'TOKEN'), Secret('PLAIN')]).run()\n"
    )
    ir = module.p.trace()
    assert [step.id for step in ir.steps] == ["fetch", "fetch_2", "fetch_3", "Tune"]
    names = lookup(ir)
    component = names.components[step_of(ir, "fetch").component]
    assert component.options.retry is not None
    assert component.options.retry.times == 1
    assert component.options.env == (("A", "b"),)
    own = step_of(ir, "fetch_3").options
    assert own.retry is not None
    assert (own.retry.times, own.retry.delay, own.retry.backoff) == (3, 60.0, 2.0)
    assert own.timeout == 5.0
    tune = names.components[step_of(ir, "Tune").component].options
    assert (tune.timeout, tune.cache) == (600.0, False)
    secrets = step_of(ir, "Tune").options.secrets or ()
    assert [(one.name, one.key, one.env) for one in secrets] == [
        ("vault", "key", "TOKEN"),
        ("PLAIN", "PLAIN", "PLAIN"),
    ]


def test_the_pipelines_own_options(write: Write) -> None:
    module = write(
        "from datetime import date\n"
        "@pipeline(name='n-1',"
        " schedule=Schedule('@daily', 'Europe/Berlin', True, date(2024, 2, 29)),"
        " tags=['a', 'b'], owner='me', description='what', retries=2)\n"
        "def p(x: Annotated[float, Field(ge=0, lt=1, description='share')] = 0.5) -> None:\n"
        "    load()\n"
    )
    ir = module.p.trace()
    assert (ir.name, ir.tags, ir.owner, ir.description) == ("n-1", ("a", "b"), "me", "what")
    assert ir.schedule is not None
    assert ir.schedule.model_dump() == {
        "cron": "@daily",
        "timezone": "Europe/Berlin",
        "catchup": True,
        "start": "2024-02-29",
    }
    (parameter,) = ir.parameters
    assert (parameter.constraints.ge, parameter.constraints.lt) == (0, 1)
    assert (parameter.description, parameter.default, parameter.type) == ("share", "0.5", "float")


def test_defaults_of_fields_are_kept_those_made_by_a_factory_too(body: Body) -> None:
    ir = body("Fit(C=2.5).run(load())")
    step = step_of(ir, "Fit")
    inputs = lookup(ir).inputs(step.component)
    assert inputs["layers"].default == "[8,4]"
    assert {one.name for one in step.inputs} == {"C", "train"}


def test_a_decorated_step_is_still_the_users(write: Write) -> None:
    module = write(
        "def logged(function):\n    @functools.wraps(function)\n"
        "    def inner(*args, **kwargs):\n        return function(*args, **kwargs)\n"
        "    return inner\n"
        "@step\n@logged\ndef plus(x: int) -> int:\n    return x + 1\n"
        "@pipeline\ndef p() -> int:\n    return plus(1)\n"
    )
    assert module.plus(1) == 2
    ir = module.p.trace()
    (component,) = ir.components
    assert [one.name for one in component.inputs] == ["x"]
    line = PRELUDE.count("\n") + 8
    assert component.span is not None
    assert component.span.line == line


# -- what promises refuse: the code, the line and the columns of each use

REFUSED = """
if score()["auc"] > 0.5: pass              # PS101 score()["auc"] > 0.5
if flag: pass                              # PS101 flag
while not flag: pass                       # PS102 not flag
x = 1 if flag else 2                       # PS101 flag
assert n                                   # PS101 n
max(n, number())                           # PS101 max(n, number())
n in [1, 2]                                # PS101 n in [1, 2]
flag and n > 3                             # PS102 flag and n > 3
flag or n                                  # PS102 flag or n
with when(not flag): pass                  # PS102 not flag
with when(1 < n < 3): pass                 # PS102 1 < n < 3
f"{n}"                                     # PS103 {n}
str(n)                                     # PS103 str(n)
"%s" % n                                   # PS103 "%s" % n
print(load())                              # PS103 print(load())
f"{split(load())}"                         # PS103 {split(load())}
publish(f"{n!r}")                          # PS103 publish(f"{n!r}")
publish([str([n])])                        # PS103 publish([str([n])])
len(sizes())                               # PS104 len(sizes())
for one in sizes(): pass                   # PS105 sizes()
[one for one in sizes()]                   # PS105 sizes()
list(sizes())                              # PS105 list(sizes())
n + 1                                      # PS106 n + 1
2 ** n                                     # PS106 2 ** n
-n                                         # PS106 -n
round(n)                                   # PS106 round(n)
load().decode                              # PS107 load().decode
measure().height                           # PS107 measure().height
publish(1).more                            # PS107 publish(1).more
sizes()[n]                                 # PS108 sizes()[n]
sizes()[0:1]                               # PS108 sizes()[0:1]
int(n)                                     # PS108 int(n)
[1, 2][n]                                  # PS108 [1, 2][n]
n()                                        # PS108 n()
n.x = 3                                    # PS108 n.x
sizes()[0] = 3                             # PS108 sizes()[0]
del sizes()[0]                             # PS108 sizes()[0]
1 in sizes()                               # PS108 1 in sizes()
(n > 1) & 3                                # PS108 (n > 1) & 3
(n > 1) == (n > 2)                         # PS108 (n > 1) == (n > 2)
split(load()) == 1                         # PS108 split(load()) == 1
with n: pass                               # PS108 n
if flag and n: pass                        # PS102 flag and n
if (not flag): pass                        # PS102 not flag
publish(open)                              # PS109 publish(open)
publish(float("nan"))                      # PS109 publish(float("nan"))
publish("\\ud800")                         # PS109 publish("\\ud800")
publish(10 ** 5000)                        # PS109 publish(10 ** 5000)
publish(split(load()))                     # PS109 publish(split(load()))
publish(publish(1))                        # PS109 publish(publish(1))
publish(n > 1)                             # PS109 publish(n > 1)
publish({"a": n})                          # PS109 publish({"a": n})
publish({1, 2})                            # PS109 publish({1, 2})
load("a", "b")                             # PS112 load("a", "b")
load("a", url="b")                         # PS112 load("a", url="b")
Fit(2.0)                                   # PS112 Fit(2.0)
Fit(c=1)                                   # PS112 Fit(c=1)
split(load()).valid                        # PS113 split(load()).valid
load.options(name="a b")()                 # PS114 load.options(name="a b")()
gather(n)                                  # PS118 gather(n)
each(3)                                    # PS206 each(3)
each("abc")                                # PS206 each("abc")
otherwise().__enter__()                    # PS119 otherwise()
one_of(n)                                  # PS120 one_of(n)
on_exit(n)                                 # PS121 on_exit(n)
on_exit(split)                             # PS121 on_exit(split)
load.options(after=["nope"])()             # PS128 load.options(after=["nope"])()
load.options(after=[n])()                  # PS128 load.options(after=[n])()
load.options(after=load())()               # PS127 load.options(after=load())()
load.options(retries=-1)()                 # PS127 load.options(retries=-1)()
load.options(retries=Retry(1, delay=-1))() # PS127 load.options(retries=Retry(1, delay=-1))()
load.options(retries=Retry(1, "x"))()      # PS127 load.options(retries=Retry(1, "x"))()
load.options(retries=Retry(1, 0, 0.5))()   # PS127 load.options(retries=Retry(1, 0, 0.5))()
load.options(timeout=0)()                  # PS127 load.options(timeout=0)()
load.options(requires="pandas")()          # PS127 load.options(requires="pandas")()
load.options(resources=4)()                # PS127 load.options(resources=4)()
load.options(resources=Resources(gpu="1"))() # PS127 load.options(resources=Resources(gpu="1"))()
load.options(env={"A": 1})()               # PS127 load.options(env={"A": 1})()
load.options(secrets=["A"])()              # PS127 load.options(secrets=["A"])()
load.options(secrets=[Secret("a b")])()    # PS127 load.options(secrets=[Secret("a b")])()
load.options(cache="no")()                 # PS127 load.options(cache="no")()
load.options(image=3)()                    # PS127 load.options(image=3)()
load.options(bogus=3)()                    # PS127 load.options(bogus=3)()
each([1], parallel=0)                      # PS127 each([1], parallel=0)
when("yes")                                # PS132 when("yes")
when(split(load()))                        # PS132 when(split(load()))
(lambda: elsewhen(3))()                    # PS132 elsewhen(3)
"""

CASES = [tuple(map(str.strip, line.rsplit(" # ", 1))) for line in REFUSED.strip().splitlines()]


@pytest.mark.parametrize(("line", "mark"), CASES, ids=[f"{m[:5]}-{t[:40]}" for t, m in CASES])
def test_a_use_is_refused_at_its_place(write: Write, line: str, mark: str) -> None:
    code, _, text = mark.partition(" ")
    module = write(f"@pipeline\n{HEAD}\n    load()\n    {line}\n")
    (found,) = problems(module.p.trace)
    assert found.code == code
    assert found.span is not None
    assert found.span.line == PRELUDE.count("\n") + 4
    if text.startswith("{") and sys.version_info < (3, 12):
        text = f'f"{text}"'  # an f-string has a single place
    column = f"    {line}".index(text) + 1
    assert (found.span.col, found.span.end_col) == (column, column + len(text))
    assert found.span.end_line == found.span.line
    assert found.span.file == f"{module.__name__}.py"
    assert found.hint


def test_all_problems_are_collected(write: Write) -> None:
    module = write(
        "@pipeline\ndef p(n: int = 3) -> None:\n    x = n + 1\n    if x > 2:\n        load()\n"
        "    for one in sizes():\n        load()\n    load(f'{n}')\n    publish(split(load()))\n"
    )
    found = problems(module.p.trace)
    # What follows from a value that was refused before is not told again.
    assert [one.code for one in found] == ["PS106", "PS105", "PS103", "PS109"]
    assert [one.span.line - PRELUDE.count("\n") for one in found if one.span] == [3, 6, 8, 9]


@pytest.mark.parametrize(
    "line",
    [
        "while not n: pass",
        "while n + 1 != 2 or not n: pass",
        "while len(sizes()) < 3: pass",
        "while int(n) < 3: pass",
        "y = n + 1\n    while not y: pass",
    ],
)
def test_a_loop_on_a_stand_in_ends(write: Write, line: str) -> None:
    module = write(f"@pipeline\ndef p(n: int = 3) -> None:\n    {line}\n")
    assert 1 <= len(problems(module.p.trace)) <= 3


def test_columns_count_from_the_start_of_the_line_in_bytes(write: Write) -> None:
    module = write('@pipeline\ndef p(n: int = 3) -> None:\n    é = "ü"; n + 1\n')
    (found,) = problems(module.p.trace)
    assert found.span is not None
    start = len('    é = "ü"; '.encode()) + 1
    assert (found.span.col, found.span.end_col) == (start, start + 5)


# -- problems of definitions


DEFINITIONS = [
    ("PS114", "@step\ndef größe() -> None: ...\n@pipeline\ndef p() -> None:\n    größe()\n"),
    ("PS114", "@pipeline(name='a b')\ndef p() -> None:\n    load()\n"),
    (
        "PS115",
        "@pipeline\ndef p() -> None:\n    load.options(name='a')()\n    load.options(name='a')()\n",
    ),
    (
        "PS115",
        "@pipeline\ndef p() -> None:\n    with each([1]):\n        load()\n"
        "    load.options(name='each')()\n",
    ),
    (
        "PS118",
        "@pipeline\ndef p() -> None:\n    with each([1]) as i:\n        gather(number(i))\n",
    ),
    ("PS119", "@pipeline\ndef p() -> None:\n    with otherwise():\n        load()\n"),
    (
        "PS119",
        "@pipeline\ndef p(n: int) -> None:\n    with when(n > 1):\n        load()\n"
        "    load()\n    with otherwise():\n        load()\n",
    ),
    (
        "PS119",
        "@pipeline\ndef p(n: int) -> None:\n    with when(n > 1):\n        load()\n"
        "    with otherwise():\n        load()\n    with elsewhen(n > 1):\n        load()\n",
    ),
    (
        "PS121",
        "@pipeline\ndef part() -> int:\n    return number()\n"
        "@pipeline\ndef p() -> None:\n    on_exit(part())\n",
    ),
    (
        "PS124",
        "@pipeline\ndef p(n: int) -> int:\n    a = number(n)\n    with when(n > 1):\n"
        "        load()\n        return a\n    publish(a)\n    return a\n",
    ),
    (
        "PS124",
        "@pipeline\ndef p(n: int) -> None:\n    for k in range(2):\n"
        "        with each([1, 2]) as i:\n            number(i)\n            break\n",
    ),
    (
        "PS124",
        "def part(n: int) -> None:\n    with each([1, 2], parallel=2) as i:\n"
        "        for k in range(2):\n            if k:\n                break\n"
        "        number(i)\n        try:\n            return\n        finally:\n"
        "            number(2)\n"
        "@pipeline\ndef p(n: int) -> None:\n    part(n)\n    part(n)\n",
    ),
    ("PS125", "@pipeline\ndef p() -> int:\n    load()\n    return 3\n"),
    ("PS125", "@pipeline\ndef p() -> int:\n    return load(), load()\n"),
    ("PS125", "@pipeline\ndef p() -> Split:\n    return Split(load(), b'')\n"),
    ("PS125", "@pipeline\ndef p(n: int = 1) -> bool:\n    load()\n    return n > 1\n"),
    ("PS126", "@pipeline\ndef p() -> None:\n    load()\n    p()\n"),
    (
        "PS126",
        "@pipeline\ndef q() -> None:\n    p()\n@pipeline\ndef p() -> None:\n    load()\n    q()\n",
    ),
    (
        "PS127",
        "@step(timeout='a')\ndef f() -> None: ...\n@pipeline\ndef p() -> None:\n    f()\n",
    ),
    ("PS127", "@pipeline(schedule=5)\ndef p() -> None:\n    load()\n"),
    ("PS127", "@pipeline(retries='x')\ndef p() -> None:\n    load()\n"),
    ("PS130", "@step\ndef f(*xs: int) -> None: ...\n@pipeline\ndef p() -> None:\n    f()\n"),
    ("PS130", "@pipeline\ndef p(*xs: int) -> None:\n    load()\n"),
    (
        "PS131",
        "class A(Step):\n    x: int = 1\n    def run(self, x: int) -> None: ...\n"
        "@pipeline\ndef p() -> None:\n    A().run(1)\n",
    ),
    ("PS203", "@pipeline\ndef p(x: int = open) -> None:\n    load()\n"),
    (
        "PS204",
        "@pipeline\ndef p(x: Annotated[float, Field(le=float('inf'))]) -> None:\n    load()\n",
    ),
    ("PS208", "@pipeline\ndef p(x: bytes) -> None:\n    load()\n"),
    ("PS209", "@step\ndef f(x: 'Nope') -> None: ...\n@pipeline\ndef p() -> None:\n    f(1)\n"),
    ("PS209", "@pipeline\ndef p(x: 'Nope') -> None:\n    load()\n"),
    (
        "PS209",
        "class A(Step):\n    x: 'Nope' = 1\n    def run(self) -> None: ...\n"
        "@pipeline\ndef p() -> None:\n    A(x=2).run()\n",
    ),
    ("PS214", "@step\ndef f() -> list[int]:\n    yield 1\n@pipeline\ndef p() -> None:\n    f()\n"),
    (
        "PS214",
        "@step\nasync def f() -> int:\n    return 1\n@pipeline\ndef p() -> None:\n    f()\n",
    ),
    (
        "PS214",
        "import io\n@step\ndef f() -> io.TextIOWrapper:\n    return open('x')\n"
        "@pipeline\ndef p() -> None:\n    f()\n",
    ),
    ("PS301", "@step\ndef f() -> int:\n    return nope\n@pipeline\ndef p() -> None:\n    f()\n"),
    (
        "PS301",
        "class A(Step):\n    def run(self) -> int:\n        return self.more()\n"
        "    def more(self) -> int:\n        return nope\n"
        "@pipeline\ndef p() -> None:\n    A().run()\n",
    ),
    ("PS302", "f = step(lambda: 1)\n@pipeline\ndef p() -> None:\n    f()\n"),
    (
        "PS302",
        "def make(k):\n    @step\n    def f() -> int:\n        return k\n    return f\n"
        "f = make(1)\n@pipeline\ndef p() -> None:\n    f()\n",
    ),
    (
        "PS302",
        "def make():\n    @step\n    def f() -> int:\n        return 1\n    return f\n"
        "f = make()\n@pipeline\ndef p() -> None:\n    f()\n",
    ),
    (
        "PS302",
        "@step\ndef f() -> int:\n    return 1\nold = f\n@step\ndef f() -> str:\n    return ''\n"
        "@pipeline\ndef p() -> None:\n    old()\n    f()\n",
    ),
]


@pytest.mark.parametrize(("code", "text"), DEFINITIONS, ids=range(len(DEFINITIONS)))
def test_a_definition_is_refused(write: Write, code: str, text: str) -> None:
    found = problems(write(text).p.trace)
    assert [one.code for one in found] == [code]
    assert all(one.hint and one.span and one.span.line > PRELUDE.count("\n") for one in found)


def test_a_value_of_another_pipeline_is_refused(write: Write) -> None:
    module = write(
        "kept = []\n@pipeline\ndef q() -> None:\n    kept.append(number())\n"
        "@pipeline\ndef p() -> None:\n    publish(kept[0])\n"
    )
    module.q.trace()
    (found,) = problems(module.p.trace)
    assert found.code == "PS123"


def test_what_the_users_code_raises_is_theirs(write: Write) -> None:
    module = write("@pipeline\ndef p() -> None:\n    load()\n    raise KeyError('mine')\n")
    with pytest.raises(KeyError, match="mine"):
        module.p.trace()
    assert module.load() == b"x"  # no trace is left open


# -- sources that are not there

NO_SOURCE = """
from penstock import PipelineError, pipeline, step

@step
def f(x: int = 1) -> int:
    return x

@pipeline
def p(n: int = 3) -> None:
    f(n + 1)
    if n and n > 3:
        f()

@pipeline
def fine(n: int = 3) -> int:
    return f(n)

try:
    p.trace()
except PipelineError as error:
    for found in error.diagnostics:
        print(found.code, found.span.file, found.span.line, found.span.col, found.span.end_col)
print(fine.trace().steps[0].component)
"""


@pytest.mark.parametrize("how", ["-c", "stdin", "exec"])
@pytest.mark.parametrize("ranges", [True, False])
def test_without_source_the_line_is_told(how: str, ranges: bool, tmp_path: Path) -> None:
    options = [] if ranges else ["-X", "no_debug_ranges"]
    text = f"exec(compile({NO_SOURCE!r}, '<cell 3>', 'exec'))" if how == "exec" else NO_SOURCE
    command = [sys.executable, *options, *(["-"] if how == "stdin" else ["-c", text])]
    done = subprocess.run(
        command, input=text, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    file = {"-c": "<string>", "stdin": "<stdin>", "exec": "<cell 3>"}[how]
    columns = ["7 12", "5 12"] if ranges else ["0 0", "0 0"]
    # Without the source, `and` cannot be told from `if`, nor the test from the whole of it.
    assert done.stdout.splitlines() == [
        f"PS106 {file} 10 {columns[0]}",
        f"PS101 {file} 11 {columns[1]}",
        "__main__:f",
    ]


def test_without_ranges_a_file_has_lines(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text(NO_SOURCE, "utf-8")
    command = [sys.executable, "-X", "no_debug_ranges", "plain.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[:2] == ["PS106 plain.py 10 0 0", "PS101 plain.py 11 0 0"]


def test_every_code_of_the_language_is_covered() -> None:
    """Each PS code that tracing can report is the subject of a test in this file."""
    root = Path(__file__).resolve().parents[1]
    source = "".join(file.read_text("utf-8") for file in root.glob("compiler/penstock/dsl/*.py"))
    assert set(re.findall(r'"(PS\d{3})"', source)) <= set(
        re.findall(r"PS\d{3}", Path(__file__).read_text("utf-8"))
    )


def test_text_that_only_looks_like_a_run_time_value_is_text(write: Write) -> None:
    module = write("@pipeline\ndef p() -> None:\n    load('<run-time value>')\n")
    assert module.p.trace().steps[0].inputs[0].value.value == "<run-time value>"
