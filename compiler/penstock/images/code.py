"""The digest of a step's code: of its own definition, and of all in the project that it uses.

Of the step's own module only what the step can reach counts, so that an edit of one step leaves
the others alone. Of each other module of the project that it imports, all counts. Comments and
formatting do not: syntax trees are compared. What code builds from names at run time cannot be
seen (`importlib.import_module(name)`), nor files that it opens by itself.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from penstock.images.import_statements import imports_at_once
from penstock.images.modules import Module, Modules, written
from penstock.images.statements import Statement, statements


@dataclass(frozen=True)
class Code:
    """What a step's code is: its digest, and the modules that it comes from."""

    digest: str
    modules: tuple[Module, ...] = ()

    @property
    def files(self) -> tuple[tuple[str, Path], ...]:
        """The file of each module, by name."""
        return tuple((one.name, one.file) for one in self.modules)

    def is_as_read(self) -> bool:
        """Whether no file was written since the digest was made."""
        return all(written(one.file) == one.written for one in self.modules)


@dataclass(frozen=True)
class Reach:
    """What a step's code comes from: its own module, what counts of it, and all other modules."""

    module: Module
    chosen: tuple[Statement, ...]
    others: tuple[Module, ...]


class CodeDigests:
    """The code of steps by `module:qualname`; each module is read once."""

    def __init__(self, path: Iterable[str]) -> None:
        self.modules = Modules(path)
        self._known: dict[str, Code] = {}
        self._statements: dict[str, tuple[Statement, ...]] = {}
        self._wholes: dict[str, str] = {}

    def of(self, code: str) -> Code:
        """The code of one step; that of an installed package is known by its name alone."""
        if code not in self._known:
            self._known[code] = self._find(code)
        return self._known[code]

    def _find(self, code: str) -> Code:
        reach = self.reach(code)
        if reach is None:
            return Code(_digest([f"installed {code}"]))
        parts = [code]
        if reach.module.tree is None:
            parts.append(reach.module.digest)
        parts += [one.normal for one in reach.chosen]
        # The step's own module too, if it was reached: who imports it may use all of it.
        parts += [f"{one.name} {self._whole(one)}" for one in reach.others]
        known = {one.name: one for one in (reach.module, *reach.others)}
        return Code(_digest(parts), tuple(known[name] for name in sorted(known)))

    def reach(self, code: str) -> Reach | None:
        """All that a step's code comes from; None for code of an installed package."""
        name, _, qualname = code.partition(":")
        module = self.modules.find(name)
        if module is None:
            return None
        chosen = () if module.tree is None else self._sliced(module, qualname.partition(".")[0])
        reached = _Reached()
        for one in chosen:
            for node in one.imports:
                reached.add(self.modules.imported(module, node))
        reached.add(one for one in self.modules.along(module.name) if one is not module)
        self._follow(reached)
        return Reach(
            module, chosen, tuple(reached.modules[name] for name in sorted(reached.modules))
        )

    def carried(self, code: str) -> Reach | None:
        """What an image must hold for a step's code: more than `reach`, where nothing is run.

        To run the step its whole module is imported, with all that this imports for others.
        """
        reach = self.reach(code)
        if reach is None or reach.module.tree is None:
            return reach
        reached = _Reached({one.name: one for one in reach.others})
        for node in imports_at_once(reach.module.tree):
            reached.add(self.modules.imported(reach.module, node))
        self._follow(reached)
        if reach.module not in reach.others:  # a module that is imported imports it back
            reached.modules.pop(reach.module.name, None)
        return replace(
            reach, others=tuple(reached.modules[name] for name in sorted(reached.modules))
        )

    def _sliced(self, module: Module, root: str) -> tuple[Statement, ...]:
        """The statements of the step's own module that can matter to it, in their order."""
        listed = self._of_module(module)
        chosen = [False] * len(listed)
        wanted = {root}
        grown = True
        while grown:
            grown = False
            for place, one in enumerate(listed):
                if chosen[place] or not one.matters_to(wanted):
                    continue
                chosen[place] = grown = True
                wanted |= one.uses | one.binds
                if one.looks_up:
                    wanted |= {name for other in listed for name in other.binds}
        return tuple(one for place, one in enumerate(listed) if chosen[place])

    def _follow(self, reached: _Reached) -> None:
        """The whole of every other module that is reached, however far."""
        while reached.todo:
            other = reached.todo.pop()
            if other.tree is not None:
                for one in self._of_module(other):
                    for node in one.imports:
                        reached.add(self.modules.imported(other, node))

    def _whole(self, module: Module) -> str:
        if module.name not in self._wholes:
            self._wholes[module.name] = (
                module.digest
                if module.tree is None
                else _digest(one.normal for one in self._of_module(module))
            )
        return self._wholes[module.name]

    def _of_module(self, module: Module) -> tuple[Statement, ...]:
        if module.name not in self._statements:
            tree = module.tree

            def leaves(node: ast.Import | ast.ImportFrom) -> bool:
                return next(self.modules.imported(module, node), None) is None

            self._statements[module.name] = statements(tree, leaves) if tree is not None else ()
        return self._statements[module.name]


@dataclass
class _Reached:
    """The modules found so far, and those whose imports were not followed yet."""

    modules: dict[str, Module] = field(default_factory=dict[str, Module])
    todo: list[Module] = field(default_factory=list[Module])

    def add(self, found: Iterable[Module]) -> None:
        for module in found:
            if module.name not in self.modules:
                self.modules[module.name] = module
                self.todo.append(module)


def _digest(parts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") + b"\n")
    return f"sha256:{digest.hexdigest()}"
