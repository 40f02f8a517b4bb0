"""Values that do not exist until the pipeline runs, and what may be done with them until then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from penstock.dsl.annotations import has_fields, part_of
from penstock.dsl.refusing import COMPUTED, Recorder, Refusing
from penstock_runtime.hints import plain

Plain = dict[str, object]

STAND_IN = "<penstock run-time "
"""What the `repr` of a run-time value begins with. A debugger may ask for it, so it is no error;
text that holds it is one as soon as it is passed on."""


class _Refusing(Refusing):
    """A refused use gives a value whose further uses are silent."""

    __slots__ = ()

    def _stand_in(self) -> Poison:
        return Poison(self._trace)


class Conditional(_Refusing):
    """What can stand in a condition: combined by `&`, `|` and `~`."""

    __slots__ = ()

    def _condition(self) -> Plain:
        raise NotImplementedError

    def _combined(self, other: object, how: str) -> Condition | Poison:
        if isinstance(other, Poison):
            return other
        if not isinstance(other, Conditional):
            self._refuse(
                "PS108",
                f"a condition cannot be combined with {type(other).__name__}",
                "no condition",
                "combine conditions such as `(a > 1) & (b == 2)`, with parentheses",
            )
            return Poison(self._trace)
        parts: list[object] = []
        for one in (self._condition(), other._condition()):
            inner = one.get(how)
            parts.extend(inner if isinstance(inner, list) else [one])  # pyright: ignore[reportUnknownArgumentType]
        return Condition(self._trace, {how: parts})

    def __and__(self, other: object) -> Condition | Poison:
        return self._combined(other, "all")

    def __or__(self, other: object) -> Condition | Poison:
        return self._combined(other, "any")

    def __rand__(self, other: object) -> Condition | Poison:
        return self._combined(other, "all")

    def __ror__(self, other: object) -> Condition | Poison:
        return self._combined(other, "any")

    def __invert__(self) -> Condition:
        return Condition(self._trace, {"not": self._condition()})


class Condition(Conditional):
    """A comparison of run-time values, or several combined."""

    __slots__ = ("plain",)

    def __init__(self, trace: Recorder, plain: Plain) -> None:
        self._trace = trace
        self.plain = plain

    def _condition(self) -> Plain:
        return self.plain

    def __repr__(self) -> str:
        return f"{STAND_IN}condition>"

    def __eq__(self, other: object) -> bool:
        self._refuse(
            "PS108",
            "a condition cannot be compared",
            "compared",
            "combine conditions with `&`, `|` and `~`",
        )
        return False

    __hash__ = Refusing.__hash__


class Promise(Conditional):
    """One value of a running pipeline: where it will come from, and what it is annotated as."""

    __slots__ = ("_hint", "_parts", "_ref")
    _ref: Plain
    _hint: Any
    _parts: int | None

    def __init__(self, trace: Recorder, ref: Plain, hint: Any, parts: int | None = None) -> None:
        self._trace = trace
        self._ref = ref
        self._hint = hint
        self._parts = parts

    def __repr__(self) -> str:
        return f"{STAND_IN}value of type {getattr(self._hint, '__name__', self._hint)}>"

    def _condition(self) -> Plain:
        return {"truth": self._ref}

    def _part(self, key: str | int) -> Promise:
        if "value" in self._ref or "list" in self._ref:
            return self._constant_part(key)
        path = cast("list[object]", self._ref.get("key", []))
        ref: Plain = {**self._ref, "key": [*path, key]}
        return Promise(self._trace, ref, part_of(self._hint, key))

    def _constant_part(self, key: str | int) -> Promise:
        inner: Any = self._ref.get("value", self._ref.get("list"))
        try:
            part: Any = inner[key]
        except (TypeError, LookupError):
            self._refuse(
                "PS107",
                f"there is no {key!r} in this value",
                "no such part",
                "pick a part that is there",
            )
            return Poison(self._trace)
        ref: Plain = part if "list" in self._ref else {"value": part}
        return Promise(self._trace, ref, part_of(self._hint, key))

    def __getitem__(self, key: object) -> Promise:
        if isinstance(key, bool) or not isinstance(key, str | int):
            self._refuse(
                "PS108",
                "only a fixed name or position can be picked out of a run-time value",
                "picked by this",
                "write the key as text or a whole number, or pick it inside a step",
            )
            return Poison(self._trace)
        return self._part(key)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        known = has_fields(self._hint)
        if name in known:
            return self._part(name)
        self._refuse(
            "PS107",
            f"this value has no {name!r} before the pipeline runs",
            "no such output",
            "use it inside a step, or return it from the step as an output of its own",
        )
        return Poison(self._trace)

    def __setattr__(self, name: str, value: object) -> None:
        if name in ("_trace", "_ref", "_hint", "_parts"):
            object.__setattr__(self, name, value)
        else:
            self._refuse("PS108", "a run-time value cannot be changed", "changed", COMPUTED)

    def __iter__(self) -> Iterator[Any]:
        arguments = getattr(plain(self._hint), "__args__", ())
        count = self._parts
        if count is None and getattr(plain(self._hint), "__origin__", None) is tuple:
            count = len(arguments) if ... not in arguments else None
        if count is None:
            return super().__iter__()
        return iter([self._part(position) for position in range(count)])

    def _compared(self, operator: str, other: object) -> Condition | Poison:
        if isinstance(other, Poison):
            return other
        if isinstance(other, Condition):
            self._refuse("PS108", "a condition cannot be compared", "compared", COMPUTED)
            return Poison(self._trace)
        right = self._trace.value(other)
        return Condition(self._trace, {"compare": [self._ref, operator, right]})

    def __eq__(self, other: object) -> Any:
        return self._compared("==", other)

    def __ne__(self, other: object) -> Any:
        return self._compared("!=", other)

    def __lt__(self, other: object) -> Any:
        return self._compared("<", other)

    def __le__(self, other: object) -> Any:
        return self._compared("<=", other)

    def __gt__(self, other: object) -> Any:
        return self._compared(">", other)

    def __ge__(self, other: object) -> Any:
        return self._compared(">=", other)

    __hash__ = Refusing.__hash__


class Poison(Promise):
    """What a refused use gives: it stays silent, since its cause is reported already."""

    __slots__ = ()

    def __init__(self, trace: Recorder) -> None:
        super().__init__(trace, {"value": None}, Any)

    def _refuse(self, code: str, message: str, label: str, hint: str) -> None:
        self._trace.repeated()

    def __bool__(self) -> bool:
        self._trace.repeated()
        return False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: object) -> Promise:
        return self

    def _compared(self, operator: str, other: object) -> Condition | Poison:
        return self

    def _combined(self, other: object, how: str) -> Condition | Poison:
        return self

    def __invert__(self) -> Any:
        return self


class Done(_Refusing):
    """What a step without outputs gives: nothing to pass on, but something to wait for."""

    __slots__ = ("_name",)

    def __init__(self, trace: Recorder, name: str) -> None:
        self._trace = trace
        self._name = name

    def __repr__(self) -> str:
        return f"{STAND_IN}end of {self._name}>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse(
            "PS107",
            f"this step gives nothing, so there is no {name!r}",
            "no such output",
            "annotate what the step returns",
        )
        return Poison(self._trace)


class Outputs(_Refusing):
    """The named outputs of a step or nested pipeline; unpacks, and gives each by its name.

    Its own attributes begin with an underscore, which no output's name can.
    """

    __slots__ = ("_promises", "_source")

    def __init__(self, trace: Recorder, source: str, promises: dict[str, Any]) -> None:
        self._trace = trace
        self._source = source
        self._promises = promises

    def __repr__(self) -> str:
        return f"{STAND_IN}outputs {', '.join(self._promises)} of {self._source}>"

    def __iter__(self) -> Iterator[Any]:
        return iter(self._promises.values())

    def __len__(self) -> int:
        return len(self._promises)

    def __getitem__(self, position: int) -> Any:
        return list(self._promises.values())[position]

    def __eq__(self, other: object) -> bool:
        self._refuse(
            "PS108",
            "several outputs at once cannot be compared",
            "compared",
            f"compare one of them: {', '.join(self._promises)}",
        )
        return False

    __hash__ = Refusing.__hash__

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in self._promises:
            return self._promises[name]
        outputs = ", ".join(self._promises)
        self._trace.problem(
            "PS113",
            f"{self._source} has no output {name!r}",
            label="no such output",
            hint=f"its outputs are {outputs}",
        )
        return Poison(self._trace)
