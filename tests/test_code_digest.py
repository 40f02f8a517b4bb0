"""The digest of a step's code: what changes it, and what does not."""

from __future__ import annotations

import sys
import textwrap
from importlib.util import spec_from_file_location
from pathlib import Path

import pytest

from penstock.images.code import CodeDigests

BEFORE = {
    "flow.py": """
        '''A pipeline.'''
        import math
        from penstock import TrainerStep, pipeline, step
        from helpers import scale
        from package.inner import deep

        LIMIT = 3
        OTHER = 4
        NAMES = {}

        @step(retries=1)
        def load(n: int) -> int:
            return helper(n) + LIMIT

        def helper(n):
            return n * 2

        @step
        def scaled(n: int) -> float:
            return scale(n)

        @step
        def deepened(n: int) -> "Kind":
            return deep(n)

        class Kind(int): pass

        @step
        def by_name(n: int) -> int:
            return NAMES["one"](n)

        class Fit(TrainerStep):
            C: float = 1.0
            def run(self, n: int) -> int:
                return math.floor(n * self.C)

        @pipeline
        def flow(n: int = 1) -> int:
            return load(n)
    """,
    "helpers.py": "import extra\ndef scale(n):\n    return n / extra.BASE\n",
    "extra.py": "BASE = 10.0\n",
    "package/__init__.py": "",
    "package/inner.py": "from . import sibling\ndef deep(n):\n    return sibling.value(n)\n",
    "package/sibling.py": "def value(n):\n    return n\n",
}
STEPS = ("load", "scaled", "deepened", "by_name", "Fit")


def digests(folder: Path, files: dict[str, str]) -> dict[str, str]:
    """The digest of each step of a project with these files."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip(), encoding="utf-8")
    found = CodeDigests([str(folder)])
    return {step: found.of(f"flow:{step}").digest for step in STEPS}


def changed(tmp_path: Path, file: str, old: str, new: str) -> set[str]:
    """The steps whose digest an edit changes."""
    before = digests(tmp_path / "before", BEFORE)
    assert BEFORE[file].count(old) == 1
    after = digests(tmp_path / "after", {**BEFORE, file: BEFORE[file].replace(old, new)})
    return {step for step in STEPS if before[step] != after[step]}


@pytest.mark.parametrize(
    ("file", "old", "new", "steps"),
    [
        # Comments, layout, quotes, redundant brackets.
        ("flow.py", "return n * 2", "return (n * 2)  # twice", set[str]()),
        ("flow.py", 'NAMES["one"]', "NAMES['one']", set[str]()),
        ("flow.py", "'''A pipeline.'''", "'''Another text.'''", set[str]()),
        ("helpers.py", "import extra", "import extra  # ten", set[str]()),
        # What a step does not use.
        ("flow.py", "OTHER = 4", "OTHER = 5", set[str]()),
        ("flow.py", "return load(n)", "return load(n + 1)", set[str]()),
        ("flow.py", "@step(retries=1)", "@step(retries=2, timeout=5)", set[str]()),
        # What it does use.
        ("flow.py", "LIMIT = 3", "LIMIT = 4", {"load"}),
        ("flow.py", "return n * 2", "return n * 3", {"load"}),
        ("flow.py", "return helper(n) + LIMIT", "return helper(n) - LIMIT", {"load"}),
        ("flow.py", "C: float = 1.0", "C: float = 2.0", {"Fit"}),
        ("flow.py", "class Kind(int): pass", "class Kind(int): x = 1", {"deepened"}),
        ("flow.py", "return scale(n)", "return scale(n + 1)", {"scaled"}),
        # Other modules of the project, however far.
        ("helpers.py", "n / extra.BASE", "n // extra.BASE", {"scaled"}),
        ("extra.py", "BASE = 10.0", "BASE = 11.0", {"scaled"}),
        ("package/inner.py", "sibling.value(n)", "sibling.value(n) + 1", {"deepened"}),
        ("package/sibling.py", "return n", "return -n", {"deepened"}),
        # What acts when the module is imported matters to every step of it.
        ("flow.py", "OTHER = 4", "print(4)", set(STEPS)),
        ("flow.py", "LIMIT = 3", "LIMIT = 3\n        LIMIT += 1", {"load"}),
        ("flow.py", "OTHER = 4", "OTHER = NAMES.get(4)", {"by_name"}),
        ("flow.py", "def helper(n):", "@NAMES.add\n        def helper(n):", set(STEPS)),
        (
            "flow.py",
            "class Kind(int): pass",
            "class Kind(int): pass\n        Kind.x = 1",
            {"deepened"},
        ),
        (
            "flow.py",
            "class Kind(int): pass",
            "class Kind(int): pass\n        class B(Kind): 1",
            {"deepened"},
        ),
        ("flow.py", "import math", "import math, extra", set(STEPS)),
    ],
)
def test_an_edit_changes_the_steps_that_can_notice_it(
    tmp_path: Path, file: str, old: str, new: str, steps: set[str]
) -> None:
    assert changed(tmp_path, file, old, new) == steps


@pytest.mark.parametrize(
    ("flow", "other"),
    [
        pytest.param("import statistics as m", "statistics.py", id="a name of Python's"),
        pytest.param("import penstock_helpers as m", "penstock_helpers.py", id="a name like ours"),
        pytest.param("import around.inner as m", "around/__init__.py", id="a package around it"),
        pytest.param("from around import inner", "around/inner.py", id="imported for what it does"),
    ],
)
def test_every_module_of_the_project_that_runs_counts(
    tmp_path: Path, flow: str, other: str
) -> None:
    files = {"around/__init__.py": "", "around/inner.py": ""}
    files["flow.py"] = f"{flow}\ndef load(): return m.RATE\n"
    before = digests(tmp_path / "one", {**files, other: "RATE = 1"})
    after = digests(tmp_path / "two", {**files, other: "RATE = 2"})
    assert before["load"] != after["load"]


def test_a_package_around_the_step_counts(tmp_path: Path) -> None:
    def digest(text: str) -> str:
        digests(tmp_path, {"around/__init__.py": text, "around/flow.py": "def load(): return 1\n"})
        return CodeDigests([str(tmp_path)]).of("around.flow:load").digest

    assert digest("RATE = 1") != digest("RATE = 2")


@pytest.mark.parametrize(
    "test", ["__name__ != '__main__'", "not TYPE_CHECKING", "TYPE_CHECKING or LIMIT"]
)
def test_a_test_that_may_hold_counts(tmp_path: Path, test: str) -> None:
    new = f"if {test}:\n            OTHER = 4"
    assert changed(tmp_path, "flow.py", "OTHER = 4", new) == set(STEPS)


@pytest.mark.parametrize("test", ["__name__ == '__main__'", "TYPE_CHECKING"])
def test_what_no_imported_module_does_is_not_counted(tmp_path: Path, test: str) -> None:
    new = f"if {test}:\n            OTHER = 4"
    assert changed(tmp_path, "flow.py", "OTHER = 4", new) == set()


def test_looking_names_up_at_run_time_reaches_the_whole_module(tmp_path: Path) -> None:
    text = BEFORE["flow.py"].replace('NAMES["one"](n)', "globals()['help' + 'er'](n)")
    before = digests(tmp_path / "one", {**BEFORE, "flow.py": text})
    after = digests(tmp_path / "two", {**BEFORE, "flow.py": text.replace("n * 2", "n * 3")})
    assert {one for one in STEPS if before[one] != after[one]} == {"load", "by_name"}


@pytest.mark.parametrize(
    ("imported", "decorator", "counts"),
    [
        ("from penstock import step as task", "task(retries=N)", False),
        ("import penstock as p", "p.step(retries=N)", False),
        ("from penstock import *", "step(retries=N)", False),
        ("from helpers import scale as step", "step(N)", True),
        ("import helpers", "helpers.step(N)", True),
    ],
)
def test_only_decorators_of_penstock_are_no_code(
    tmp_path: Path, imported: str, decorator: str, counts: bool
) -> None:
    text = f"{imported}\n@{decorator}\ndef load(n: int) -> int:\n    return n\n"
    for folder, number in (("a", "1"), ("b", "2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "flow.py").write_text(text.replace("N", number))
        (tmp_path / folder / "helpers.py").write_text("")
    found = [CodeDigests([str(tmp_path / folder)]).of("flow:load").digest for folder in "ab"]
    assert (found[0] != found[1]) is counts


def test_the_folder_does_not_matter_and_installed_code_is_known_by_name(tmp_path: Path) -> None:
    assert digests(tmp_path / "here", BEFORE) == digests(tmp_path / "there", BEFORE)
    found = CodeDigests([str(tmp_path / "here")])
    assert found.of("pytest:main").files == ()
    assert found.of("pytest:main").digest != found.of("pytest:fail").digest


def test_the_files_are_those_that_the_step_comes_from(tmp_path: Path) -> None:
    digests(tmp_path, BEFORE)
    files = CodeDigests([str(tmp_path)]).of("flow:scaled").files
    assert dict(files) == {
        "flow": tmp_path / "flow.py",
        "helpers": tmp_path / "helpers.py",
        "extra": tmp_path / "extra.py",
    }


def test_code_that_cannot_be_read_is_no_reason_to_fail(tmp_path: Path) -> None:
    files = {**BEFORE, "extra.py": "this is no Python", "helpers.py": "import extra, nowhere\n"}
    assert len(set(digests(tmp_path, files).values())) == len(STEPS)


INDIRECT = {
    "a call that sets a global": "def setup():\n    global RATE\n    RATE = N\nDONE = setup()",
    "a default argument": "def setup():\n    global RATE\n    RATE = N\ndef other(x=setup()): ...",
    "a walrus": "y = (RATE := N)",
    "another name": "D = C\nD['r'] = N",
    "another name of a part": "M = C['m']\nM['r'] = N",
    "a class body": "class K:\n    C['r'] = N",
    "a metaclass": (
        "class M(type):\n    def __init__(cls, *a): C['r'] = cls.r\n"
        "class K(metaclass=M):\n    r = N"
    ),
    "a base that hears of it": (
        "class B:\n    def __init_subclass__(cls): C['r'] = cls.r\nclass K(B):\n    r = N"
    ),
    "a decorator with a usual name": (
        "def cache(f):\n    C['r'] = f()\n    return f\n@cache\ndef one(): return N"
    ),
    "state of Python's library": "import random\n_ = random.seed(N)",
    "a module that is patched": "import math\nmath.rate = N",
    "types in a text": (
        "class Row:\n    def total(self): return N\nRows = list['Row']\ndef also(x: Rows): ..."
    ),
}


@pytest.mark.parametrize("case", INDIRECT)
def test_what_changes_a_name_indirectly_counts(tmp_path: Path, case: str) -> None:
    text = f"RATE = 0\nC = {{'m': {{}}}}\n{INDIRECT[case]}\n"
    text += (
        "def load(rows: Rows): return C, RATE\n"
        if "Rows" in text
        else "def load(): return C, RATE\n"
    )
    found = [
        digests(tmp_path / number, {"flow.py": text.replace("N", number)})["load"]
        for number in ("1", "2")
    ]
    assert found[0] != found[1]


@pytest.mark.parametrize(
    "body",
    [
        "import flow\n    return flow.RATE",
        "import sys\n    return getattr(sys.modules[__name__], 'RA' + 'TE')",
        "import importlib\n    return importlib.import_module(__name__).RATE",
        "return locals_of()['RATE']",
        "import helper\n    return helper.rate()",
        "import importlib\n    return importlib.import_module('helper').rate()",
    ],
)
def test_a_module_that_is_reached_by_another_way_counts(tmp_path: Path, body: str) -> None:
    text = f"RATE = N\nlocals_of = lambda: globals()\ndef load():\n    {body}\n"
    helper = "def rate():\n    import flow\n    return flow.RATE\n"
    found = [
        digests(tmp_path / number, {"flow.py": text.replace("N", number), "helper.py": helper})
        for number in ("1", "2")
    ]
    assert found[0]["load"] != found[1]["load"]


def test_ordinary_definitions_of_other_steps_do_not_count(tmp_path: Path) -> None:
    text = """
        import logging, os
        from dataclasses import dataclass
        from pathlib import Path
        import numpy as np
        from penstock import TrainerStep, step

        log = logging.getLogger(__name__)
        FOLDER = Path("x") / "N"
        WEIGHTS = np.array([N])

        @dataclass
        class Config:
            rate: float = N

        CONFIG = Config(rate=N)

        class Fit(TrainerStep):
            C: float = N
            def run(self) -> int: return N

        @np.vectorize
        def other(x=N): return x + N

        def load(): return 1
    """
    found = [
        digests(tmp_path / number, {"flow.py": text.replace("N", number)})["load"]
        for number in ("1", "2")
    ]
    assert found[0] == found[1]


def test_a_package_that_an_import_hook_finds_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "lib" / "hooked_library"
    library.mkdir(parents=True)
    spec = spec_from_file_location(
        "hooked_library", library / "__init__.py", submodule_search_locations=[str(library)]
    )

    class Hook:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> object:
            return spec if name == "hooked_library" else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Hook])
    found: list[str] = []
    for number in ("1", "2"):
        (library / "__init__.py").write_text(f"RATE = {number}")
        files = {"flow.py": "import hooked_library\ndef load(): return hooked_library.RATE\n"}
        found.append(digests(tmp_path / "flow", files)["load"])
    assert found[0] != found[1]
