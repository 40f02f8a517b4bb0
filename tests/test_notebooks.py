"""A notebook is written out as a module: what steps need goes over, what only looks does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from penstock.cli import penstock
from penstock.images.written_out import NotANotebook, module_text, write_out

STEP = "@step\ndef load(n: int = 3) -> int:\n    return n * RATE\n"
PIPELINE = "@pipeline\ndef nightly() -> None:\n    load()\n"


def notebook(file: Path, *cells: str) -> Path:
    """A notebook with these cells of code, as Jupyter saves it."""
    listed: list[object] = [{"cell_type": "markdown", "source": ["# Words"], "metadata": {}}]
    listed += [
        {"cell_type": "code", "source": cell.splitlines(True), "metadata": {}} for cell in cells
    ]
    file.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "cells": listed}))
    return file


def test_what_steps_use_goes_over_and_the_rest_stays() -> None:
    text = module_text(
        [
            "import math\nprint(math.pi)",
            "RATE = 2\nUNUSED = 3\nRATES = {}\nRATES['a'] = RATE",
            "if RATE > 1:\n    SIZE = 1\nelse:\n    SIZE = 2",
            "def helper() -> int:\n    return RATES['a'] + SIZE",
            "load = helper()\nraise SystemExit",
        ],
        "x.ipynb",
    )
    expected = """
import math
RATE = 2
RATES = {}
RATES['a'] = RATE
if RATE > 1:
    SIZE = 1
else:
    SIZE = 2


def helper() -> int:
    return RATES['a'] + SIZE
"""
    assert text == expected.lstrip()


def test_magics_and_shell_lines_stay() -> None:
    cells = [
        "%matplotlib inline\n!pip install x\nx?\nimport json",
        "%%bash\nrm -r /",
        "%%time\nA=1",
    ]
    text = module_text([*cells, "def f() -> int:\n    return A"], "x.ipynb")
    assert text == "import json\nA=1\n\n\ndef f() -> int:\n    return A\n"


FUNCTION = "\n\n\ndef f():\n    return {}\n"


@pytest.mark.parametrize(
    "kept",
    [
        'A = """\n%s of what?\n!x\n"""',
        "A = 5  # why?",
        "A = (10\n  % 3)",
        "A = set()\nA.add(1)\nfor one in (2, 3):\n    A.add(one)",
        "import random\nA = [1, 2]\nrandom.shuffle(A)",
        "try:\n    import json as A\nexcept ImportError:\n    A = None",
        "if True:\n    def A(): return 1",
        "match 3:\n    case A: pass",
        "import sys\nsys.path.append('src')\nA = 1",
        "import random\nrandom.seed(0)\nA = random.random()",
        "A = 'it\\'s' + \"?\"",
    ],
)
def test_what_makes_or_changes_a_name_goes_over_as_it_is(kept: str) -> None:
    made = module_text([kept, "def f():\n    return A"], "x.ipynb")
    assert made == kept + FUNCTION.format("A")


@pytest.mark.parametrize(
    "left",
    [
        "data = 1 / 0",  # a variable of the function has the same name
        "rows = 1 / 0",  # a word of its documentation
        "price = 1 / 0",  # a column
        "A.head()\nA.plot.bar()",
        "print([A for A in range(3)])",
        "f?\nf.x??\n?f\nf(1)?",
        "%timeit f(1)",
        "files = !ls",
        "!pip install \\\n  x",
        "if A:\n    %matplotlib inline",
    ],
)
def test_what_only_looks_stays(left: str) -> None:
    function = 'def f(df):\n    """The rows."""\n    data = df["price"]\n    return data, A'
    made = module_text(["A = 1", function, left], "x.ipynb")
    assert made == f"A = 1\n\n\n{function}\n"


def test_statements_of_one_line_go_over_once() -> None:
    made = module_text(["a = 1; b = []; b.append(a); print(b)", "def f():\n    return b"], "x")
    assert made == "a = 1\nb = []\nb.append(a)" + FUNCTION.format("b")


def test_a_timed_statement_is_a_statement() -> None:
    made = module_text(["%time A = 1", "def f():\n    return A"], "x")
    assert made == "A = 1" + FUNCTION.format("A")


@pytest.mark.parametrize(
    "cell", ["A = !ls\ndef f():\n    return A", "def f():\n    !ls\n    return 1"]
)
def test_a_step_that_needs_the_notebook_itself_is_refused(cell: str) -> None:
    with pytest.raises(NotANotebook, match=r"steps need '!ls', which only a notebook can run"):
        module_text([cell], "x.ipynb")


def test_a_name_that_cannot_be_imported_writes_nothing(tmp_path: Path) -> None:
    for name in ("my notebook.ipynb", "1.ipynb", "class.ipynb"):
        shown = CliRunner().invoke(
            penstock, ["check", str(notebook(tmp_path / name, "import json"))]
        )
        assert shown.exit_code == 2
        assert f"{name} cannot be imported" in shown.output
    assert not list(tmp_path.glob("*.py"))


def test_a_module_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    file = notebook(tmp_path / "book.ipynb", "import json")
    (tmp_path / "book.py").mkdir()
    with pytest.raises(OSError, match=r"book\.py"):
        write_out(file)
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []


def test_a_notebook_runs_like_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cells = ("from penstock import pipeline, step", "RATE = 2", STEP, PIPELINE, "1 / 0")
    notebook(tmp_path / "churn_book.ipynb", *cells)
    shown = CliRunner().invoke(penstock, ["run", "churn_book.ipynb"])
    assert (shown.exit_code, "nightly succeeded" in shown.output) == (0, True), shown.output
    shown = CliRunner().invoke(penstock, ["ir", "churn_book.ipynb"])
    assert "churn_book:load" in shown.output


def test_an_edited_notebook_is_written_out_anew(tmp_path: Path) -> None:
    file = notebook(tmp_path / "book.ipynb", "import json")
    written = write_out(file)
    assert written.read_text().endswith("import json\n")
    notebook(file, "import math")
    assert write_out(file).read_text().endswith("import math\n")


def test_a_file_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    file = notebook(tmp_path / "book.ipynb", "import json")
    (tmp_path / "book.py").write_text("mine = 1\n")
    with pytest.raises(NotANotebook, match="is not written out from"):
        write_out(file)
    assert (tmp_path / "book.py").read_text() == "mine = 1\n"


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", '{"nbformat": 3, "cells": []}', '{"nbformat": 4, "cells": [3]}', "\0"],
)
def test_what_is_no_notebook_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "book.ipynb").write_text(content)
    shown = CliRunner().invoke(penstock, ["check", str(tmp_path / "book.ipynb")])
    assert shown.exit_code == 2
    assert "is no notebook of format 4" in shown.output


def test_a_cell_that_is_no_python_is_told_with_its_line(tmp_path: Path) -> None:
    notebook(tmp_path / "book.ipynb", "import json", "def broken(:")
    shown = CliRunner().invoke(penstock, ["check", str(tmp_path / "book.ipynb")])
    assert (shown.exit_code, "def broken(:" in shown.output) == (2, True)


def test_a_program_names_its_steps_by_its_file(tmp_path: Path) -> None:
    import subprocess
    import sys

    text = (
        "from penstock import pipeline, step\n@step\ndef load() -> int:\n    return 1\n"
        "@pipeline\ndef nightly() -> None:\n    load()\nprint(nightly.trace().components[0].code)\n"
    )
    (tmp_path / "program.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "program:load\n"
