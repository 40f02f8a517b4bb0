"""The bodies of generated pipelines: statements that use what earlier ones have made."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import strategies as st
from programs_steps import Module, Spec, Take, named_tuple
from programs_values import (
    ANYTHING,
    BOOL,
    CONSTANTS,
    FLOAT,
    INT,
    INTS,
    LEVEL,
    MADE,
    METRICS,
    MODE,
    MODEL,
    ORDERED,
    PERHAPS,
    POINT,
    STR,
    TABLE,
    WORDS,
    Kind,
    Known,
    constants,
    harmless_texts,
)

from penstock.features import Feature

LOOPS = (Feature.LOOP_STATIC, Feature.LOOP_PARAMETER, Feature.LOOP_OUTPUT)


@dataclass(frozen=True)
class Sub:
    """A pipeline that others can call."""

    name: str
    takes: tuple[Take, ...]
    gives: tuple[tuple[str, Kind], ...]
    loops: bool


@dataclass
class Scope:
    """What was made at one level of indentation, and is gone when the level ends."""

    known: list[Known] = field(default_factory=list[Known])
    ends: list[str] = field(default_factory=list[str])
    """What others can come `after`, besides the values that steps made."""
    calls: list[Spec] = field(default_factory=list[Spec])


class Body:
    """Writes one pipeline's statements; every statement keeps the program legal."""

    def __init__(self, module: Module, subs: list[Sub], size: int, *, nested: bool) -> None:
        self.module = module
        self.nested = nested
        self.subs = subs
        self.left = size
        self.lines: list[str] = []
        self.scopes = [Scope()]
        self.open_loops = 0
        self.has_loops = False
        self._variables = 0

    # -- what there is

    @property
    def here(self) -> Scope:
        """The innermost level."""
        return self.scopes[-1]

    def line(self, text: str) -> None:
        """One line at the current indentation."""
        self.lines.append("    " * len(self.scopes) + text)

    def variable(self) -> str:
        """A new variable."""
        self._variables += 1
        return f"v{self._variables}"

    def known(self) -> list[Known]:
        """Every value that can be used here, and the parts that can be picked out of them."""
        found = [one for scope in self.scopes for one in scope.known]
        if self.module.may(Feature.PROJECTION):
            found += [part for one in found for part in _parts(one)]
        return found

    def use(self, one: Known) -> str:
        """The text of the value, which is now used."""
        if one not in [known for scope in self.scopes for known in scope.known]:
            self.module.use(Feature.PROJECTION)
        return one.text

    def of_kind(self, kind: Kind) -> list[Known]:
        """The values that fit where the kind is asked; an int may be a float."""
        fitting = {kind, INT} if kind == FLOAT else {kind}
        if kind == ANYTHING:
            return [one for one in self.known() if one.kind.tells_itself]
        return [one for one in self.known() if one.kind in fitting]

    def argument(self, kind: Kind, *, constant: bool = True) -> str:
        """Source text for a value of that kind; calls a step first if there is no other way."""
        module = self.module
        fitting = self.of_kind(kind)
        choices = [*range(len(fitting) + 1)]
        if kind.item is not None and module.may(Feature.LIST_INPUT):
            choices.append(len(choices))
        chosen = module.pick(*choices)
        if chosen < len(fitting):
            return self.use(fitting[chosen])
        if chosen > len(fitting) and kind.item is not None:
            module.use(Feature.LIST_INPUT)
            items = [self.argument(kind.item) for _ in range(module.pick(1, 2, 3))]
            return f"[{', '.join(items)}]"
        plain = INT if kind == ANYTHING else kind
        if constant and plain in CONSTANTS:
            return str(module.draw(constants(plain)).text)
        return self.made(plain).text

    def made(self, kind: Kind) -> Known:
        """A value of that kind that a step makes here and now."""
        return self.call(self.module.source(kind))[0]

    # -- statements

    def block(self) -> None:
        """One statement or several; an empty block says nothing, so there is none."""
        for _ in range(self.module.pick(1, 2, 3)):
            self.statement()
            if self.left <= 0:
                break

    def statement(self) -> None:
        """Draws the next statement among those that the features allow."""
        self.left -= 1
        may = self.module.may
        kinds = [self.call_something] * 3
        if may(Feature.SEVERAL_OUTPUTS):
            kinds.append(self.learn)
        if self.left > 0 and len(self.scopes) < 4:
            if may(Feature.NESTED) and self.callable_subs():
                kinds.append(self.nest)
            if may(Feature.BRANCH):
                kinds.append(self.branch)
            if self.loop_kinds() and (not self.open_loops or may(Feature.LOOP_NESTED)):
                kinds.append(self.loop)
        self.module.pick(*kinds)()

    def call_something(self) -> None:
        """A call of a step of any shape."""
        self.call(self.module.step())

    def call(self, spec: Spec, given: dict[str, str] | None = None) -> list[Known]:
        """Calls the step; returns what it gives. `given` says what some inputs must be."""
        given = given or {}
        inputs = self._inputs(spec.takes, given)
        if spec.is_class:
            named = [
                f"{take.name}={self.argument(take.kind)}"
                for take in spec.fields
                if not self._omitted(take)
            ]
            target, method = f"{spec.name}({', '.join(named)})", ".run"
        else:
            target, method = spec.name, ""
        options = self._options(spec)
        if options:
            target += f".options({', '.join(options)})"
        spec.calls += 1
        self.here.calls.append(spec)
        return self._assigned(f"{target}{method}({inputs})", spec.gives)

    def _omitted(self, take: Take) -> bool:
        return take.default is not None and bool(self.module.draw(st.booleans()))

    def _inputs(self, takes: tuple[Take, ...], given: dict[str, str]) -> str:
        positional = self.module.number(len(takes))
        written: list[str] = []
        for position, take in enumerate(takes):
            if position >= positional and self._omitted(take) and take.name not in given:
                continue
            text = given.get(take.name) or self.argument(take.kind)
            written.append(text if position < positional else f"{take.name}={text}")
        return ", ".join(written)

    def _options(self, spec: Spec) -> list[str]:
        module = self.module
        if module.number(3) < 3:
            return []
        options = module.step_options()
        before = self._before(spec)
        if before:
            options["after"] = f"[{before}]"
        if module.draw(st.booleans()):
            name = repr(module.name(module.pick("renamed", "a-b.c", "0")))
            options["name"] = name
            self.here.ends.append(name)
        return [f"{key}={value}" for key, value in options.items()]

    def _before(self, spec: Spec) -> str:
        """What the call comes after: a value, a step's end, a step's name, or a step itself."""
        single = [
            one
            for scope in self.scopes
            for one in scope.calls
            if one.calls == 1 and one is not spec and one in self.module.specs
        ]
        ends = [end for scope in self.scopes for end in scope.ends]
        ends += [one.text for scope in self.scopes for one in scope.known if one.step]
        if not (ends or single) or not self.module.chance(Feature.ORDER):
            return ""
        chosen = self.module.number(len(ends) + len(single) - 1)
        if chosen < len(ends):
            return ends[chosen]
        before = single[chosen - len(ends)]
        before.closed = True
        return before.name

    def _assigned(self, call: str, gives: tuple[tuple[str, Kind], ...]) -> list[Known]:
        """Writes the call; its outputs are unpacked, or kept together and picked by name."""
        if not gives:
            end = self.variable()
            self.line(f"{end} = {call}")
            self.here.ends.append(end)
            return []
        if gives[0][0] == "":
            variable = self.variable()
            self.line(f"{variable} = {call}")
            found = [_step_value(variable, gives[0][1])]
        elif self.module.draw(st.booleans()):
            variables = [self.variable() for _ in gives]
            self.line(f"{', '.join(variables)}{',' * (len(gives) == 1)} = {call}")
            found = [
                _step_value(one, kind) for one, (_, kind) in zip(variables, gives, strict=True)
            ]
        else:
            variable = self.variable()
            self.line(f"{variable} = {call}")
            self.here.ends.append(variable)
            found = [_step_value(f"{variable}.{name}", kind) for name, kind in gives]
        self.here.known += found
        return found

    def learn(self) -> None:
        """Reads, divides, fits, judges, and deploys."""
        read, divide, fit, judge, deploy = self.module.learning()
        data = self.call(read)[0]
        train, test = self.call(divide, {"data": data.text})
        model = self.call(fit, {"train": train.text})[0]
        self.call(judge, {"model": model.text, "test": test.text})
        if self.module.draw(st.booleans()):
            self.call(deploy, {"model": model.text})

    # -- branches

    def branch(self) -> None:
        """A `when`, perhaps more arms, and perhaps the values of whichever arm ran."""
        module = self.module
        module.use(Feature.BRANCH)
        arms = [f"when({self.condition()})"]
        arms += [f"elsewhen({self.condition()})" for _ in range(module.pick(0, 1, 2))]
        closed = bool(module.draw(st.booleans()))
        arms += ["otherwise()"] * closed
        kind = module.pick(*MADE)
        joined = closed and len(arms) > 1 and module.chance(Feature.ONE_OF)
        values: list[str] = []
        for arm in arms:
            self.line(f"with {arm}:")
            self.scopes.append(Scope())
            self.block()
            if joined:
                values.append(self.made(kind).text)
            self.scopes.pop()
        if joined:
            variable = self.variable()
            self.line(f"{variable} = one_of({', '.join(values)})")
            self.here.known.append(_step_value(variable, kind, direct=False))

    def condition(self, depth: int = 0) -> str:
        """A condition on run-time values; steps that must make some are called before."""
        how = self.module.pick("compare", "truth", "all", "any", "not") if depth < 2 else "compare"
        match how:
            case "compare":
                return self._comparison()
            case "truth":
                return self._run_time(BOOL)
            case "not":
                return f"~({self.condition(depth + 1)})"
            case _:
                sign = "&" if how == "all" else "|"
                return f"({self.condition(depth + 1)}) {sign} ({self.condition(depth + 1)})"

    def _comparison(self) -> str:
        kind = self.module.pick(*ORDERED, BOOL, LEVEL, MODE)
        signs = ("==", "!=", "<", "<=", ">", ">=") if kind in ORDERED else ("==", "!=")
        left, right = self._run_time(kind), self.argument(kind)
        if kind in (LEVEL, MODE) or self.module.draw(st.booleans()):
            return f"{left} {self.module.pick(*signs)} {right}"
        return f"{right} {self.module.pick(*signs)} {left}"

    def _run_time(self, kind: Kind) -> str:
        fitting = self.of_kind(kind)
        return self.use(self.module.pick(*fitting)) if fitting else self.made(kind).text

    # -- loops

    def loop_kinds(self) -> list[Feature]:
        """The sorts of loop that may be written."""
        allowed = [sort for sort in LOOPS if self.module.may(sort)]
        if self.nested and len(allowed) < len(LOOPS):
            allowed = [sort for sort in allowed if sort is not Feature.LOOP_PARAMETER]
        # Where there is no list to go over, a literal one stands in.
        return allowed if Feature.LOOP_STATIC in allowed else []

    def loop(self) -> None:
        """An `each`, and perhaps what some of its values were, gathered."""
        module = self.module
        self.has_loops = True
        if self.open_loops:
            module.use(Feature.LOOP_NESTED)
        items, target, known, count = self._items()
        parallel = f", parallel={module.pick(1, 2, 10)}" if module.chance(Feature.PARALLEL) else ""
        self.line(f"with each({items}{parallel}) as {target}:")
        self.scopes.append(Scope(known=known))
        self.open_loops += 1
        self.block()
        self.open_loops -= 1
        inside = self.scopes.pop().known
        while inside and module.chance(Feature.GATHER):
            one = module.pick(*[*inside[len(known) :], *inside[: len(known)]])
            variable = self.variable()
            self.line(f"{variable} = gather({one.text})")
            self.here.known.append(Known(variable, one.kind.list_of(), items=count, step=True))

    def _items(self) -> tuple[str, str, list[Known], int]:
        """What is looped over, the target, what the target gives, and the least number of items."""
        module = self.module
        sort = module.pick(*self.loop_kinds())
        variable = self.variable()
        lists = [one for scope in self.scopes for one in scope.known if one.loop is sort]
        if sort is Feature.LOOP_OUTPUT and module.chance(Feature.LIST_INPUT):
            return self._made_items(variable)
        if sort is Feature.LOOP_OUTPUT and not lists:
            lists = [self.made(module.pick(INTS, WORDS, PERHAPS))]
        if not lists:
            module.use(Feature.LOOP_STATIC)
            return self._literal_items(variable)
        # A nested pipeline's parameter may turn out to be any of the three.
        module.use(
            *(self.loop_kinds() if sort is Feature.LOOP_PARAMETER and self.nested else [sort])
        )
        chosen = module.pick(*lists)
        item = Known(variable, chosen.kind.item or ANYTHING)
        return chosen.text, variable, [item], chosen.items

    def _made_items(self, variable: str) -> tuple[str, str, list[Known], int]:
        self.module.use(Feature.LOOP_OUTPUT)
        kind = self.module.pick(INT, METRICS)
        items = [self.argument(kind, constant=False) for _ in range(self.module.pick(1, 2, 3))]
        return f"[{', '.join(items)}]", variable, [Known(variable, kind)], len(items)

    def _literal_items(self, variable: str) -> tuple[str, str, list[Known], int]:
        module = self.module
        shape = module.pick("plain", "empty", "dicts", "pairs", "range")
        if shape == "empty":
            return "[]", variable, [], 0
        if shape == "range":
            return "range(3)", variable, [Known(variable, INT)], 3
        count = module.pick(1, 2, 3)
        if shape == "plain":
            kind = module.pick(INT, FLOAT, STR, BOOL, LEVEL)
            items = [module.draw(constants(kind)).text for _ in range(count)]
            return f"[{', '.join(items)}]", variable, [Known(variable, kind)], count
        numbers = [module.draw(constants(FLOAT)).text for _ in range(count)]
        words = [module.draw(constants(STR)).text for _ in range(count)]
        if shape == "dicts":
            items = [f'{{"alpha": {one}, "b c": {one}}}' for one in numbers]
            known = [Known(variable, TABLE, keys=("alpha", "b c"))]
            return f"[{', '.join(items)}]", variable, known, count
        if not module.may(Feature.PROJECTION):
            return f"[{', '.join(words)}]", variable, [Known(variable, STR)], count
        module.use(Feature.PROJECTION)
        other = self.variable()
        items = [f"({one}, {word})" for one, word in zip(numbers, words, strict=True)]
        known = [Known(variable, FLOAT), Known(other, STR)]
        return f"[{', '.join(items)}]", f"({variable}, {other})", known, count

    # -- nested pipelines

    def callable_subs(self) -> list[Sub]:
        """The pipelines that may be called here."""
        nested = self.open_loops and not self.module.may(Feature.LOOP_NESTED)
        return [sub for sub in self.subs if not (sub.loops and nested)]

    def nest(self) -> None:
        """A call of another pipeline."""
        sub = self.module.pick(*self.callable_subs())
        self.module.use(Feature.NESTED)
        self.has_loops = self.has_loops or sub.loops
        if sub.loops and self.open_loops:
            self.module.use(Feature.LOOP_NESTED)
        made = self._assigned(f"{sub.name}({self._inputs(sub.takes, {})})", sub.gives)
        for one in made:
            # What a pipeline gives may have been gathered or joined in it: an unknown list.
            self.here.known[self.here.known.index(one)] = replace(one, items=0, keys=(), loop=None)

    # -- the end

    def on_exit(self) -> None:
        """A step that runs last, whatever happens."""
        module = self.module
        module.use(Feature.EXIT)
        told = module.chance(Feature.RUN_STATUS)
        name = module.name("notify")
        status = ", status: RunStatus = RunStatus.FAILED" if told else ""
        said = ", status" if told else ""
        module.parts.append(
            f"@step\ndef {name}(channel: str{status}) -> None:\n"
            f'    log_metadata({{"n": number(channel{said})}})'
        )
        self.line(f"on_exit({name}({module.draw(harmless_texts())!r}))")

    def returned(self, name: str) -> tuple[tuple[str, Kind], ...]:
        """Writes the return; gives the pipeline's outputs."""
        made = [one for one in self.here.known if one.step]
        how = self.module.pick("nothing", "one", "several") if made else "nothing"
        if how == "nothing":
            return ()
        if how == "one":
            one = self.module.pick(*made)
            self.line(f"return {one.text}")
            return (("", one.kind),)
        self.module.use(Feature.SEVERAL_OUTPUTS)
        values = [self.module.pick(*made) for _ in range(self.module.pick(1, 2))]
        fields = tuple((f"out{count}", one.kind) for count, one in enumerate(values))
        given = ", ".join(
            f"{field}={one.text}" for (field, _), one in zip(fields, values, strict=True)
        )
        self.module.parts.append("\n".join(named_tuple(f"{name}_outputs", fields)).rstrip())
        self.line(f"return {name}_outputs({given})")
        return fields


def _step_value(text: str, kind: Kind, *, direct: bool = True) -> Known:
    """What a step makes: its lists are never empty, and its dicts have a known key."""
    keys = ("alpha",) if kind == TABLE else ()
    loop = Feature.LOOP_OUTPUT if direct and kind in (INTS, WORDS, PERHAPS) else None
    return Known(text, kind, items=kind.least if kind.item else 0, keys=keys, step=True, loop=loop)


def _parts(one: Known) -> list[Known]:
    """The parts that can be picked out of a value and travel as parameters."""
    if one.kind == METRICS:
        return [Known(f'{one.text}["{key}"]', FLOAT) for key in ("auc", "loss")]
    if one.kind == POINT:
        return [Known(f"{one.text}.x", INT), Known(f"{one.text}.label", STR)]
    if one.kind == MODEL:
        return [Known(f"{one.text}.weight", FLOAT)]
    if one.kind == TABLE:
        return [Known(f"{one.text}[{key!r}]", FLOAT) for key in one.keys]
    if one.kind.item is None or not one.items:
        return []
    items = [Known(f"{one.text}[{position}]", one.kind.item) for position in (0, -1)]
    return items if one.kind.parameter else [part for item in items for part in _parts(item)]
