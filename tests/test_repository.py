"""Tests the tree itself: style, types, layers, the wheel, the locks, and what no file may hold."""

import ast
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PACKAGES = {
    "penstock": ROOT / "compiler/penstock",
    "penstock_local": ROOT / "backends/penstock_local",
    "penstock_airflow": ROOT / "backends/penstock_airflow",
    "penstock_kubeflow": ROOT / "backends/penstock_kubeflow",
    "penstock_records": ROOT / "runtime/penstock_records",
    "penstock_runtime": ROOT / "runtime/penstock_runtime",
}
MEGABYTE = 1_000_000


def run(*command: str | Path) -> str:
    """What the command printed; its whole output is the failure's message."""
    env = os.environ | {"PYRIGHT_PYTHON_GLOBAL_NODE": "false", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{Path(command[0]).name} says:\n{done.stdout}{done.stderr}", pytrace=False)
    return done.stdout


def files() -> list[Path]:
    """Every file that is or may become part of the repository."""
    if (ROOT / ".git").exists():
        # The folder may belong to another user, as in a container of continuous integration.
        listed = run("git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard")
        found = [ROOT / name for name in listed.split("\0") if name]
    else:  # an unpacked archive
        ignored = {"__pycache__", "build", "dist", "site"}
        found = [
            path
            for path in ROOT.rglob("*")
            if not ignored.intersection(path.relative_to(ROOT).parts)
            and (not path.relative_to(ROOT).parts[0].startswith(".") or path.parent.name == ".ci")
        ]
    return sorted(path for path in found if path.is_file())


def sources() -> dict[Path, list[Path]]:
    """The files below each source root."""
    roots = {folder.parent for folder in PACKAGES.values()}
    return {root: [path for path in files() if path.is_relative_to(root)] for root in roots}


def module_level_imports(tree: ast.Module) -> Iterator[str]:
    """Top names of what is imported with the module: not in functions, not for typing only."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                continue
            case ast.If(test=ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                todo += node.orelse
                continue
            case ast.Import():
                yield from (alias.name.split(".")[0] for alias in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.split(".")[0]
            case _:
                pass
        todo += ast.iter_child_nodes(node)


def base_requirements() -> dict[str, importlib.metadata.Distribution]:
    """What `pip install penstock` installs beside penstock, by canonical name."""
    found: dict[str, importlib.metadata.Distribution] = {}
    todo = [Requirement(text) for text in PROJECT["dependencies"]]
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        if name in found or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        found[name] = importlib.metadata.distribution(name)
        todo += [Requirement(text) for text in found[name].requires or []]
    return found


def lock(name: str) -> dict[str, str]:
    """Versions by name that a lock file fixes for this Python and platform."""
    text = (ROOT / "requirements" / name).read_text("utf-8")
    rows = [Requirement(line) for line in re.findall(r"^([a-z0-9].*?) \\$", text, re.MULTILINE)]
    return {
        row.name: str(row.specifier).removeprefix("==")
        for row in rows
        if row.marker is None or row.marker.evaluate()
    }


def test_ruff_finds_nothing() -> None:
    run(BIN / "ruff", "check", ".")


def test_the_code_is_formatted() -> None:
    run(BIN / "ruff", "format", "--check", ".")


def test_mypy_finds_nothing() -> None:
    run(BIN / "mypy")


def test_pyright_finds_nothing() -> None:
    run(BIN / "pyright")


def test_the_import_contracts_are_kept() -> None:
    run(BIN / "lint-imports", "--no-cache")


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_typed(package: str) -> None:
    assert (PACKAGES[package] / "py.typed").is_file()


@pytest.mark.parametrize("module", ["penstock", "penstock.dsl", "penstock_runtime"])
def test_only_the_standard_library_is_loaded(module: str) -> None:
    """A step image holds the user's own requirements only; all of these must import there."""
    program = """
import importlib, json, pkgutil, sys
before = set(sys.modules)
package = importlib.import_module(sys.argv[1])
if sys.argv[1] != "penstock":  # its other subpackages never enter an image
    for part in pkgutil.walk_packages(package.__path__, sys.argv[1] + "."):
        if not part.name.endswith("__main__"):
            importlib.import_module(part.name)
print(json.dumps(sorted({name.split(".")[0] for name in set(sys.modules) - before})))
"""
    loaded = set(json.loads(run(sys.executable, "-I", "-c", program, module)))
    assert loaded - sys.stdlib_module_names - {"penstock", "penstock_runtime"} == set()
    assert module.split(".")[0] in loaded


def test_optional_libraries_are_imported_where_they_are_used() -> None:
    """Only what every installation holds may be imported at module level."""
    direct = {canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]}
    installed = importlib.metadata.packages_distributions()
    allowed = {*PACKAGES, *sys.stdlib_module_names} | {
        module
        for module, names in installed.items()
        if direct.intersection(map(canonicalize_name, names))
    }
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for folder in PACKAGES.values()
        for path in folder.rglob("*.py")
        for name in module_level_imports(ast.parse(path.read_bytes()))
        if name not in allowed
    }
    assert wrong == set()


def test_a_base_installation_is_small() -> None:
    """With the bytecode that pip writes while installing; it is a fifth larger than its source."""
    paths = {
        Path(str(each.locate_file(file))).resolve()
        for each in base_requirements().values()
        for file in each.files or []
        if "__pycache__" not in file.parts
    }
    paths.update(path for group in sources().values() for path in group)
    size = sum(path.stat().st_size * (2.25 if path.suffix == ".py" else 1) for path in paths)
    assert 10 * MEGABYTE < size < 60 * MEGABYTE


def test_the_wheel_holds_the_packages_and_nothing_else(tmp_path: Path) -> None:
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path)
    (wheel,) = tmp_path.iterdir()
    names = set(zipfile.ZipFile(wheel).namelist())
    info = f"penstock-{PROJECT['version']}.dist-info"
    assert {f"{info}/entry_points.txt", f"{info}/licenses/LICENSE"} <= names
    expected = {str(path.relative_to(root)) for root, group in sources().items() for path in group}
    assert {name for name in names if not name.startswith(f"{info}/")} == expected
    assert {name.split("/")[0] for name in expected} == set(PACKAGES)


@pytest.mark.parametrize(
    ("name", "requirements"),
    [
        (
            "dev.txt",
            [
                *PROJECT["dependencies"],
                *PROJECT["optional-dependencies"]["dev"],
                *PROJECT["optional-dependencies"]["ml"],
            ],
        ),
        ("demo.txt", [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["ml"]]),
        *(
            (
                f"airflow-{one}.txt",
                (ROOT / f"requirements/airflow-{one}.in").read_text().splitlines(),
            )
            for one in ("3.3", "2.11")
        ),
        ("uv.txt", (ROOT / "requirements/uv.in").read_text("utf-8").splitlines()),
    ],
)
def test_a_lock_is_in_step(name: str, requirements: list[str]) -> None:
    """`make lock` was run after the last change of a requirement; every file is fixed by digest."""
    locked = lock(name)
    asked = [Requirement(text) for text in requirements if not text.startswith("#")]
    late = [
        str(row)
        for row in asked
        if row.name != PROJECT["name"]
        and not row.specifier.contains(locked.get(canonicalize_name(row.name), "0"))
    ]
    assert late == []
    text = (ROOT / "requirements" / name).read_text("utf-8")
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


def test_the_demo_shows_what_the_tests_tested() -> None:
    tested = lock("dev.txt")
    assert {name: tested.get(name) for name in lock("demo.txt")} == lock("demo.txt")


def test_the_pages_name_commands_that_exist() -> None:
    targets = set(
        re.findall(r"^([a-z-]+):(?!=)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    )
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    named = {
        (page.name, target)
        for page in pages
        for target in re.findall(
            r"(?:^|`|\$ )make ([a-z][a-z-]*)", page.read_text("utf-8"), re.MULTILINE
        )
    }
    assert {target for _, target in named} <= targets
    assert {("README.md", "demo"), ("README.md", "test")} <= named


def test_continuous_integration_runs_the_tests_and_nothing_else() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    lines = script.read_text("utf-8").splitlines()
    assert lines[-1] == "exec make test"
    assert any(line.startswith("export PENSTOCK_NEEDS_ENGINE=1") for line in lines)
    assert [line for line in lines if re.match(r"(make|pytest|python|pip)\b", line)] == []


def test_no_file_names_a_machine() -> None:
    """Neither where someone's checkout lies nor where their packages come from."""
    # In pieces, so that this file does not hold them.
    places = [
        "/" + "work/",
        "/" + "root/",
        "file:/" + "//opt",
        "python" + "hosted.org",
        "pypi" + ".org",
    ]
    words = re.compile("|".join(map(re.escape, places)) + r"|\bissue " + r"\d+").search
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in files()
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), start=1)
        if (match := words(line))
    ]
    assert found == []
