"""The steps of generated programs: functions and classes with every sort of signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import strategies as st
from programs_values import (
    ANYTHING,
    BYTES,
    CONSTANTS,
    MADE,
    METRICS,
    MODEL,
    SCALARS,
    UNLUCKY,
    Kind,
    constants,
    harmless_texts,
    texts,
)

from penstock.features import Feature

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[Any]], Any]

NAMES = ("load", "clean", "join", "score", "train", "map", "measure")
INPUTS = ("x", "y", "data", "name", "type", "input", "value", "run", "output", "größe")
MADE_OR_ANYTHING = (*MADE, ANYTHING)
OUTPUTS = ("value", "train", "source", "promises", "count", "names", "plain")


@dataclass(frozen=True)
class Take:
    """One input, or one field of a step class; `default` is source text."""

    name: str
    kind: Kind
    default: str | None = None


@dataclass
class Spec:
    """A step: what it takes and gives, and how often it is called in the whole program."""

    name: str
    takes: tuple[Take, ...]
    gives: tuple[tuple[str, Kind], ...]
    """One output without a name, several with names, or none."""
    fields: tuple[Take, ...] = ()
    is_class: bool = False
    calls: int = 0
    closed: bool = False
    """Whether no further call may be made, since another step waits for all its calls."""


@dataclass
class Module:
    """The module being generated: its definitions so far, and what may be used in it."""

    draw: Draw
    allowed: frozenset[Feature]
    failing: bool = False
    used: set[Feature] = field(default_factory=lambda: {Feature.SEQUENCE})
    parts: list[str] = field(default_factory=list[str])
    specs: list[Spec] = field(default_factory=list[Spec])
    roles: list[tuple[Spec, ...]] = field(default_factory=list[tuple[Spec, ...]])
    taken: set[str] = field(default_factory=set[str])

    def may(self, *features: Feature) -> bool:
        """Whether all these features may be used."""
        return self.allowed.issuperset(features)

    def use(self, *features: Feature) -> None:
        """Notes that the program uses the features."""
        self.used.update(features)

    def chance(self, *features: Feature) -> bool:
        """Draws whether to use the features, where they may be used at all."""
        if not self.may(*features) or not self.draw(st.booleans()):
            return False
        self.use(*features)
        return True

    def pick(self, *options: T) -> T:
        """Draws one of the options; programs shrink towards the first."""
        return options[self.number(len(options) - 1)]

    def number(self, most: int) -> int:
        """Draws a whole number from 0 to `most`."""
        found: int = self.draw(st.integers(0, most))
        return found

    def name(self, wanted: str) -> str:
        """The name, with a number behind it if it is taken."""
        found, count = wanted, 1
        while found in self.taken:
            count += 1
            found = f"{wanted}{count}"
        self.taken.add(found)
        return found

    # -- steps

    def step(self) -> Spec:
        """A step to call: one that there is, or a new one."""
        return self._reused(self.specs) or self._new_step(MADE_OR_ANYTHING, None)

    def source(self, gives: Kind) -> Spec:
        """A step that gives the kind and that can be called with constants alone."""
        fitting = [
            spec
            for spec in self.specs
            if spec.gives == (("", gives),) and all(take.kind in CONSTANTS for take in spec.takes)
        ]
        return self._reused(fitting) or self._new_step(CONSTANTS, gives)

    def _reused(self, specs: list[Spec]) -> Spec | None:
        fitting = [spec for spec in specs if not spec.closed]
        chosen = self.number(len(fitting))
        return fitting[chosen - 1] if chosen else None

    def _new_step(self, kinds: tuple[Kind, ...], gives: Kind | None) -> Spec:
        is_class = self.draw(st.booleans())
        name = self.name(self.pick(*NAMES) + ("Step" if is_class else ""))
        takes = self.takes(self.number(3), kinds)
        fields = self._fields(takes) if is_class else ()
        outputs = (("", gives),) if gives else self._outputs()
        spec = Spec(name, takes, outputs, fields, is_class)
        self.parts.append(
            _class_text(self, spec, "Step") if is_class else _function_text(self, spec)
        )
        self.specs.append(spec)
        return spec

    def takes(self, count: int, kinds: tuple[Kind, ...]) -> tuple[Take, ...]:
        """Inputs with distinct names; those with a default come last, as Python wants it."""
        names: list[str] = self.draw(
            st.lists(st.sampled_from(INPUTS), min_size=count, max_size=count, unique=True)
        )
        found = [self._take(name, kinds) for name in names]
        return tuple(sorted(found, key=lambda take: take.default is not None))

    def _take(self, name: str, kinds: tuple[Kind, ...]) -> Take:
        kind = self.pick(*kinds)
        lists = kind.item is None and kind is not ANYTHING and kinds is not CONSTANTS
        if lists and self.may(Feature.LIST_INPUT) and self.number(3) == 3:
            kind = kind.list_of()
        default = None
        if kind in CONSTANTS and self.draw(st.booleans()):
            default = str(self.draw(constants(kind)).text)
        return Take(name, kind, default)

    def _fields(self, takes: tuple[Take, ...]) -> tuple[Take, ...]:
        names = {take.name for take in takes}
        found = self.takes(self.number(2), CONSTANTS)
        return tuple(take for take in found if take.name not in names | {"run"})

    def _outputs(self) -> tuple[tuple[str, Kind], ...]:
        if self.chance(Feature.SEVERAL_OUTPUTS):
            names: list[str] = self.draw(
                st.lists(st.sampled_from(OUTPUTS), min_size=1, max_size=3, unique=True)
            )
            return tuple((one, self.pick(*MADE)) for one in names)
        return (("", self.pick(*MADE)),) if self.number(3) else ()

    # -- options

    def step_options(self) -> dict[str, str]:
        """Options of a step by name, as source text."""
        found: dict[str, str] = {}
        for _ in range(self.pick(0, 0, 1, 2)):
            features, option, values = self.pick(*_OPTIONS)
            if self.may(*features):
                self.use(*features)
                found[option] = self.pick(*values)
        if found and self.chance(Feature.ENV):
            found["env"] = repr({"GREETING": self.draw(harmless_texts())})
        return found

    def description(self) -> str:
        """A docstring as source text; often none."""
        return repr(self.draw(texts())) if self.number(3) == 3 else ""

    # -- roles

    def learning(self) -> tuple[Spec, ...]:
        """Five steps with roles: a source, a split, a trainer, an evaluator, a deployer."""
        if not self.roles:
            self.roles.append(_learning(self))
        return self.roles[0]


_OPTIONS: tuple[tuple[tuple[Feature, ...], str, tuple[str, ...]], ...] = (
    ((), "requires", ('["numpy>=1.26", "pandas==2.2.3"]', "[\"torch; python_version<'4'\"]")),
    ((Feature.RETRY,), "retries", ("1", "0", "Retry(2)")),
    ((Feature.RETRY, Feature.RETRY_BACKOFF), "retries", ('Retry(3, delay="2s", backoff=2.0)',)),
    ((Feature.TIMEOUT,), "timeout", ("600", '"10m"', "timedelta(hours=1)")),
    ((Feature.CACHE,), "cache", ("False", "True")),
    (
        (Feature.RESOURCES,),
        "resources",
        ('Resources(cpu=1, memory="512Mi")', 'Resources(cpu="500m")'),
    ),
    (
        (Feature.RESOURCES, Feature.GPU),
        "resources",
        ('Resources(cpu=2.5, memory="4Gi", disk="10Gi", gpu=1, gpu_type="nvidia.com/gpu")',),
    ),
    ((Feature.SECRET,), "secrets", ('[Secret("vault", "token", "TOKEN")]', '[Secret("PASSWORD")]')),
    ((Feature.IMAGE,), "image", ('"registry.example/ml:1.2"',)),
    ((Feature.IMAGE,), "packages", ('["libgomp1"]',)),
)


def _signature(takes: tuple[Take, ...], *, factories: bool = False) -> list[str]:
    """As parameters have it; fields of a class make their lists and dicts anew."""
    lines: list[str] = []
    for take in takes:
        default = "" if take.default is None else f" = {take.default}"
        if default and factories and take.kind not in SCALARS:
            default = f" = field(default_factory=lambda: {take.default})"
        lines.append(f"{take.name}: {take.kind.annotation}{default}")
    return lines


def _body(module: Module, spec: Spec, names: list[str], indent: str) -> list[str]:
    lines = [f"{indent}n = number({', '.join(names)})"]
    if module.failing:
        lines.append(f"{indent}unlucky(n, {module.number(UNLUCKY - 1)})")
    if not spec.gives:
        return [*lines, f'{indent}log_metadata({{"n": n}})']
    if spec.gives[0][0] == "":
        result = spec.gives[0][1].make
    else:
        named = ", ".join(f"{name}={kind.make}" for name, kind in spec.gives)
        result = f"{outputs_class(spec)}({named})"
    return [*lines, f"{indent}return {result}"]


def outputs_class(spec: Spec) -> str:
    """The NamedTuple of a step with several outputs."""
    return f"{spec.name}_outputs"


def returns(spec: Spec) -> str:
    """The annotation of what a step returns."""
    if not spec.gives:
        return "None"
    return spec.gives[0][1].annotation if spec.gives[0][0] == "" else outputs_class(spec)


def named_tuple(name: str, fields: tuple[tuple[str, Kind], ...]) -> list[str]:
    """The lines of a NamedTuple class."""
    lines = [f"    {field}: {kind.annotation}" for field, kind in fields]
    return [f"class {name}(NamedTuple):", *lines, "", ""]


def _before(spec: Spec) -> list[str]:
    if spec.gives and spec.gives[0][0]:
        return named_tuple(outputs_class(spec), spec.gives)
    return []


def _function_text(module: Module, spec: Spec) -> str:
    options = module.step_options()
    given = ", ".join(f"{key}={value}" for key, value in options.items())
    description = module.description()
    return "\n".join(
        [
            *_before(spec),
            f"@step({given})" if given else "@step",
            f"def {spec.name}({', '.join(_signature(spec.takes))}) -> {returns(spec)}:",
            *([f"    {description}"] if description else []),
            *_body(module, spec, [take.name for take in spec.takes], "    "),
        ]
    )


def _class_text(module: Module, spec: Spec, base: str) -> str:
    description = module.description()
    options = module.step_options()
    inputs = ["self", *_signature(spec.takes)]
    names = [*(f"self.{one.name}" for one in spec.fields), *(one.name for one in spec.takes)]
    return "\n".join(
        [
            *_before(spec),
            f"class {spec.name}({base}):",
            *([f"    {description}"] if description else []),
            *(f"    {line}" for line in _signature(spec.fields, factories=True)),
            *(f"    {key} = {value}" for key, value in options.items()),
            "",
            f"    def run({', '.join(inputs)}) -> {returns(spec)}:",
            *_body(module, spec, names, "        "),
        ]
    )


def _learning(module: Module) -> tuple[Spec, ...]:
    module.use(Feature.SEVERAL_OUTPUTS)
    rate = Take("rate", CONSTANTS[1], "0.5")
    data, model = Take("data", BYTES), Take("model", MODEL)
    specs = (
        ("DataSourceStep", Spec("Read", (), (("", BYTES),), (rate,), True)),
        ("SplitStep", Spec("Divide", (data,), (("train", BYTES), ("test", BYTES)), (), True)),
        ("TrainerStep", Spec("Fit", (Take("train", BYTES),), (("", MODEL),), (rate,), True)),
        ("EvaluatorStep", Spec("Judge", (model, Take("test", BYTES)), (("", METRICS),), (), True)),
        ("DeployerStep", Spec("Deploy", (model,), (), (), True)),
    )
    for base, spec in specs:
        spec.name = module.name(spec.name)
        module.parts.append(_class_text(module, spec, base))
    return tuple(spec for _, spec in specs)
