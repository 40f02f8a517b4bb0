"""Decides for each step whether an earlier result stands for it, and says why or why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from penstock.images.code import CodeDigests
from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Step
from penstock_local.cache_key import cache_key, identity
from penstock_local.earlier import Earlier, Unusable, earlier, intact
from penstock_local.environments import Environments
from penstock_local.previous import Previous
from penstock_runtime.cache import remember, remembered
from penstock_runtime.errors import BadRequest
from penstock_runtime.reference import as_object, object_or_empty, parse_value
from penstock_runtime.request import Request
from penstock_runtime.response import Response
from penstock_runtime.store import Store, canonical_json


@dataclass(frozen=True)
class Reused:
    """An earlier result stands for the step; `request` says so in what will be recorded."""

    request: Request
    found: Earlier
    response: Response
    why: str


@dataclass(frozen=True)
class Runs:
    """The step has to run; `request` carries the cache key and the reason."""

    request: Request
    why: str


class Reuse:
    """The cache of one run, and the run that it resumes.

    Each earlier execution stands for one step of a run only: two calls that give random numbers
    must not become one. `store` is None when there is none yet; `use_cache` False looks nothing
    up, but what runs is remembered for later.
    """

    def __init__(
        self,
        store: Store | None,
        names: Lookup,
        run: str,
        path: tuple[str, ...],
        environments: Environments,
        *,
        use_cache: bool = True,
        resumes: str | None = None,
    ) -> None:
        self._store = store
        self._names = names
        self._run = run
        self._environments = environments
        self._use_cache = use_cache
        self._resumes = resumes
        self.codes = CodeDigests(path)
        self._used: set[tuple[str, str]] = set()
        self._previous = Previous(store, names.ir.name, run) if store else None

    def look(self, step: Step, request: Request) -> Reused | Runs:
        """What to do with a step whose inputs are known."""
        code = self.codes.of(request.code).digest
        environment = self._environments.digest(step.id)
        key = cache_key(request, code, environment)
        facts = {"key": key, "code": code, "environment": environment}
        resumed = None if step.on_exit else self._committed_before(request, facts)
        if resumed is not None:
            return resumed
        never = self._never(step)
        if never is not None:
            del facts["key"]
            return _runs(request, facts, "off", never)
        if not self._use_cache:
            return _runs(request, facts, "off", "the cache is not used")
        return self._remembered(step, request, facts)

    def remember(self, request: Request) -> bool:
        """Remember a step that is committed now; False if its code was edited while it ran.

        Then nobody can tell which text it has run.
        """
        key = request.cache.get("key")
        if key is None or self._store is None:
            return True
        if not self._environments.frozen and not self.codes.of(request.code).is_as_read():
            return False
        remember(self._store, key, request.run, request.step)
        return True

    def _committed_before(self, request: Request, facts: dict[str, str]) -> Reused | None:
        """What the resumed run has committed is not repeated, whatever has changed in the code."""
        if self._store is None or self._resumes is None:
            return None
        try:
            found = earlier(self._store, self._resumes, request.step)
            if found is None or not _same(found, request):
                return None
            response = intact(self._store, found, request)
        except Unusable:
            return None
        self._used.add((found.run, found.step))
        old = object_or_empty(found.commit.get("cache")).get("code")
        later = "; its code has changed since" if old not in (None, facts["code"]) else ""
        return _reused(request, facts, "resumed", found, response, f"it was done before{later}")

    def _never(self, step: Step) -> str | None:
        component = self._names.components[step.component]
        if step.on_exit:
            return "it runs at the end of each run"
        if step.options.cache is None and not component.outputs:
            return "it gives nothing, so it is run for what it does"
        if step.options.cache is None and component.role == "deployer":
            return "a deployer is run for what it does"
        return "cache=False" if step.options.cache is False else None

    def _remembered(self, step: Step, request: Request, facts: dict[str, str]) -> Reused | Runs:
        why = ""
        for run, source in self._candidates(request, facts["key"]):
            try:
                found = earlier(self._store, run, source) if self._store else None
                if self._store is None or found is None or not _has_key(found, facts["key"]):
                    continue
                response = intact(self._store, found, request)
            except Unusable as error:
                why = why or str(error)
                continue
            self._used.add((run, source))
            return _reused(request, facts, "hit", found, response, "nothing has changed")
        if not why and self._previous is not None:
            now = self._environments.facts(step.id)
            why = self._previous.difference(step.id, request, facts, now)
        return _runs(request, facts, "miss", why or "the pipeline has not run here before")

    def _candidates(self, request: Request, key: str) -> list[tuple[str, str]]:
        """Earlier executions under the key: those of the same step first, the newest first."""
        known = remembered(self._store, key) if self._store else []
        free = [one for one in known if one not in self._used and one[0] != self._run]
        return sorted(free, key=lambda one: one[1] != request.step)


def _same(found: Earlier, request: Request) -> bool:
    if found.commit.get("code") != request.code:
        return False
    try:
        given = as_object(found.commit.get("inputs"), "inputs")
        before = {name: identity(parse_value(one, name)) for name, one in sorted(given.items())}
    except BadRequest:
        return False
    now = {name: identity(value) for name, value in sorted(request.inputs.items())}
    # As text: to Python, 1 is 1.0 and True, and 0.0 is -0.0.
    return canonical_json(before) == canonical_json(now)


def _has_key(found: Earlier, key: str) -> bool:
    return bool(object_or_empty(found.commit.get("cache")).get("key") == key)


def _runs(request: Request, facts: Mapping[str, str], state: str, why: str) -> Runs:
    return Runs(replace(request, cache={**facts, "state": state, "why": _short(why)}), why)


def _reused(
    request: Request,
    facts: Mapping[str, str],
    state: str,
    found: Earlier,
    response: Response,
    why: str,
) -> Reused:
    cache = {**facts, "state": state, "why": _short(why)}
    return Reused(replace(request, cache=cache), found, response, why)


def _short(why: str) -> str:
    text = "".join(one if one.isprintable() else " " for one in why)
    return text[:500]
