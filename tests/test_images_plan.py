"""Which steps share an image, what is in it, what it is called; no engine is asked."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from diagnostics_support import fresh_imports

from penstock.backend import check_pipeline
from penstock.cli.targets import load_target
from penstock.images import images_of
from penstock.images.contexts import code_context
from penstock.images.naming import repository
from penstock.images.plan import ImagePlan, plan_images
from penstock.images.project import Project
from penstock.images.settings import ImageSettingsError
from penstock.images.source import Source
from penstock.ir.nodes import PipelineIR
from penstock.ir.text import dump_pipeline, load_pipeline
from penstock.ir.write import plan_digest

HEAD = "from penstock import pipeline, step\n"
ONE = (
    HEAD
    + "@step\ndef load() -> int:\n    return 1\n@pipeline\ndef nightly() -> None:\n    load()\n"
)

ARM = '[tool.penstock.images]\nplatform = "linux/arm64"\n'

Planned = Callable[..., ImagePlan]


@pytest.fixture
def planned(tmp_path: Path) -> Planned:
    """Plans the images of a project that is made of these files."""

    def plan(files: Mapping[str, str], store: str | None = None) -> ImagePlan:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        with fresh_imports(tmp_path):
            target = load_target(str(tmp_path / "nightly.py"))
            assert target.import_root is not None
            lowered = check_pipeline(target.ir).lowered
            return plan_images(lowered, Project(tmp_path, (str(target.import_root),)), store)

    return plan


def names(plan: ImagePlan) -> list[list[str]]:
    """The bare names of what is installed, for each image."""
    return [[text.partition("==")[0] for text in one.requires] for one in plan.images]


def test_a_step_without_imports_needs_nothing(planned: Planned) -> None:
    plan = planned({"nightly.py": ONE})
    assert names(plan) == [[]]
    assert plan.problems == ()
    assert list(plan.source.files) == ["app/nightly.py"]
    assert plan.source.path == ("/app",)


def test_an_import_is_pinned_to_what_is_installed_with_all_that_it_needs(planned: Planned) -> None:
    from importlib.metadata import version

    plan = planned({"nightly.py": "import jinja2\n" + ONE})
    assert names(plan) == [["jinja2", "markupsafe"]]
    assert f"jinja2=={version('jinja2')}" in plan.images[0].requires


def test_an_import_in_another_step_does_not_count(planned: Planned) -> None:
    text = HEAD + (
        "@step\ndef load() -> int:\n    import yaml\n    return 1\n"
        "@step\ndef fit(n: int) -> int:\n    import jinja2\n    return n\n"
        "@pipeline\ndef nightly() -> None:\n    fit(load())\n"
    )
    plan = planned({"nightly.py": text})
    assert names(plan) == [["pyyaml"], ["jinja2", "markupsafe"]]
    assert [one.steps for one in plan.images] == [("load",), ("fit",)]
    assert len({one.name for one in plan.images}) == 2
    assert len({one.source for one in plan.images}) == 1
    assert [one.name for one in plan.environments] == ["nightly-load", "nightly-fit"]


def test_what_a_helper_imports_counts_for_all(planned: Planned) -> None:
    helper = "from yaml import safe_load\n"
    plan = planned({"nightly.py": "import helper\n" + ONE, "helper.py": helper})
    assert names(plan) == [["pyyaml"]]
    assert sorted(plan.source.files) == ["app/helper.py", "app/nightly.py"]


def test_what_the_module_of_a_step_imports_for_others_is_needed_to_import_it(
    planned: Planned,
) -> None:
    text = "import plots\nfrom tables import rows\n" + ONE
    text += "def show() -> None:\n    plots.draw(rows())\n"
    files = {"nightly.py": text, "plots.py": "import jinja2\n"}
    files |= {"tables.py": "from lines import rows as rows\n"}
    plan = planned({**files, "lines.py": "def rows():\n    import yaml\n"})
    assert names(plan) == [["jinja2", "markupsafe", "pyyaml"]]
    expected = ["app/lines.py", "app/nightly.py", "app/plots.py", "app/tables.py"]
    assert sorted(plan.source.files) == expected


def test_a_module_that_imports_the_step_back_is_shipped_once(planned: Planned) -> None:
    text = "import back\n" + ONE + "def show() -> None:\n    import yaml\n    back.draw()\n"
    plan = planned({"nightly.py": text, "back.py": "import nightly\n"})
    assert names(plan) == [[]]
    assert sorted(plan.source.files) == ["app/back.py", "app/nightly.py"]


def test_an_import_by_name_counts(planned: Planned) -> None:
    text = "import importlib\n" + ONE.replace("return 1", 'importlib.import_module("yaml")')
    assert names(planned({"nightly.py": text})) == [["pyyaml"]]


@pytest.mark.parametrize(
    "code",
    [
        "from contextlib import suppress\nwith suppress(ImportError):\n    import nobody\n",
        "if __name__ == '__main__':\n    import nobody\n",
        "try:\n    import nobody\nexcept (ValueError, ImportError):\n    nobody = None\n",
    ],
)
def test_code_that_goes_on_without_an_import_does_not_need_it(planned: Planned, code: str) -> None:
    assert planned({"nightly.py": code + ONE}).problems == ()


def test_imports_for_type_checkers_do_not_count(planned: Planned) -> None:
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import yaml\n" + ONE
    assert names(planned({"nightly.py": text})) == [[]]


def test_an_optional_import_that_nobody_has_is_left_out(planned: Planned) -> None:
    text = "try:\n    import nobody_has_it\nexcept ImportError:\n    nobody_has_it = None\n" + ONE
    plan = planned({"nightly.py": text})
    assert (names(plan), plan.problems) == ([[]], ())


def test_without_requires_the_project_says_what_is_needed(planned: Planned) -> None:
    toml = (
        '[project]\nname = "mine"\nversion = "1"\ndependencies = ["pyyaml", "penstock", "mine"]\n'
    )
    assert names(planned({"nightly.py": ONE, "pyproject.toml": toml})) == [["pyyaml"]]


def test_requires_counts_instead_of_what_the_project_says(planned: Planned) -> None:
    toml = '[project]\nname = "mine"\nversion = "1"\ndependencies = ["pyyaml"]\n'
    text = ONE.replace("@step", '@step(requires=["markupsafe"])')
    assert names(planned({"nightly.py": text, "pyproject.toml": toml})) == [["markupsafe"]]


def test_a_requirements_file_counts_with_all_that_it_includes(planned: Planned) -> None:
    files = {
        "nightly.py": ONE,
        "requirements.txt": (
            "# ours\n-r more.txt\n--index-url https://user:pass@example.com/simple\n-e .\n"
            "markupsafe \\\n    --hash=sha256:00\nnumpy ; python_version < '3'\n"
        ),
        "more.txt": "pyyaml>=6  # here\n",
    }
    assert names(planned(files)) == [["markupsafe", "pyyaml"]]


@pytest.mark.parametrize(
    "line",
    [
        *("git+https://example.com/x/y", "-e git+https://example.com/x/y#egg=foo"),
        *("./wheels/foo-1.0-py3-none-any.whl", "foo-1.0-py3-none-any.whl", "../nowhere"),
        *("https://example.com/foo.tar.gz", "file:///nowhere/x", "/nowhere"),
    ],
)
def test_a_file_or_url_in_requirements_is_never_left_out_silently(
    planned: Planned, line: str
) -> None:
    with pytest.raises(ImageSettingsError, match=r"requirements\.txt:2: .* is a file or URL"):
        planned({"nightly.py": ONE, "requirements.txt": f"\n{line}\n"})


def test_a_folder_in_requirements_is_shipped_where_it_is_imported(planned: Planned) -> None:
    files = {"requirements.txt": ".\n-e ./lib\n.[dev]\n", "lib/pyproject.toml": ""}
    assert names(planned({"nightly.py": ONE, **files})) == [[]]


@pytest.mark.parametrize("kind", ["git", "url", "path"])
def test_what_comes_from_no_index_is_not_taken_from_one(planned: Planned, kind: str) -> None:
    lock = (
        'version = 1\n[[package]]\nname = "pyyaml"\nversion = "5.0"\n'
        f'source = {{ {kind} = "https://example.com/x" }}\n'
    )
    plan = planned({"nightly.py": "import yaml\n" + ONE, "uv.lock": lock})
    assert [one.message for one in plan.problems] == [
        f"no version of 'pyyaml' is known: uv.lock has it from {kind}, not from an index"
    ]


def test_what_was_built_from_a_repository_is_not_taken_from_an_index(
    planned: Planned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "site-packages" / "forked-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Name: forked\nVersion: 1.0\n")
    (info / "RECORD").write_text("forked.py,,\n")
    (info.parent / "forked.py").write_text("")
    (info / "direct_url.json").write_text('{"url": "https://example.com/x", "vcs_info": {}}')
    monkeypatch.setattr("sys.path", [str(info.parent), *sys.path])
    plan = planned({"nightly.py": "import forked\n" + ONE})
    assert len(plan.problems) == 1
    assert "one from a repository of code" in plan.problems[0].message


def test_a_lock_of_uv_says_which_versions(planned: Planned) -> None:
    lock = (
        'version = 1\n[[package]]\nname = "mine"\nsource = { virtual = "." }\n'
        'dependencies = [{ name = "pyyaml" }]\n'
        '[[package]]\nname = "pyyaml"\nversion = "5.0"\n'
        'dependencies = [{ name = "sixth", marker = "sys_platform == \'linux\'" },'
        '{ name = "winonly", marker = "sys_platform == \'win32\'" }]\n'
        '[[package]]\nname = "sixth"\nversion = "6"\n'
    )
    toml = '[project]\nname = "mine"\nversion = "1"\ndependencies = ["pyyaml"]\n'
    plan = planned({"nightly.py": ONE, "pyproject.toml": toml, "uv.lock": lock})
    assert plan.images[0].requires == ("pyyaml==5.0", "sixth==6")
    assert plan.problems == ()


def test_a_version_that_is_neither_installed_nor_locked_is_told(planned: Planned) -> None:
    plan = planned({"nightly.py": ONE.replace("@step", '@step(requires=["pyyaml<2"])')})
    (problem,) = plan.problems
    assert (problem.code, problem.span and problem.span.line) == ("PS308", 3)
    assert "installed here is" in problem.message


def test_a_store_in_a_bucket_asks_for_its_library(planned: Planned) -> None:
    assert "s3fs" in names(planned({"nightly.py": ONE}, "s3://bucket/here"))[0]
    assert "s3fs" not in names(planned({"nightly.py": ONE}, "/var/store"))[0]


def test_tables_are_kept_with_pyarrow_as_they_are_here(planned: Planned) -> None:
    text = ONE.replace("-> int:", "-> pd.DataFrame:").replace("return 1", "return pd.DataFrame()")
    found = names(planned({"nightly.py": "import pandas as pd\n" + text}))[0]
    assert {"pandas", "numpy", "pyarrow"} <= set(found)


def test_a_step_with_its_own_image_is_left_alone(planned: Planned) -> None:
    plan = planned({"nightly.py": ONE.replace("@step", '@step(image="mine:1")')})
    assert (plan.images, plan.local_names) == ((), {"load": "mine:1"})


def test_a_name_stands_for_all_that_is_in_the_image(planned: Planned, tmp_path: Path) -> None:
    (first,) = planned({"nightly.py": ONE}).images
    changes: list[dict[str, str]] = [
        {"nightly.py": ONE + "# a comment\n"},
        {"nightly.py": ONE.replace("@step", '@step(packages=["libgomp1"])')},
        {"nightly.py": ONE.replace("@step", '@step(requires=["pyyaml"])')},
        {"nightly.py": ONE, "pyproject.toml": '[tool.penstock.images]\nbase = "mine:2"\n'},
        {"nightly.py": ONE, "pyproject.toml": ARM},
        {"nightly.py": ONE, "pyproject.toml": '[tool.penstock.images]\npython = "3.13"\n'},
        {
            "nightly.py": ONE,
            "pyproject.toml": '[tool.penstock]\ninclude = ["a.txt"]\n',
            "a.txt": "",
        },
    ]
    seen = {first.name}
    for files in changes:
        (tmp_path / "pyproject.toml").unlink(missing_ok=True)
        (image,) = planned(files).images
        assert image.name not in seen, files
        seen.add(image.name)
    (tmp_path / "pyproject.toml").unlink()
    assert planned({"nightly.py": ONE}).images == (first,)


def test_indexes_and_certificates_are_in_no_name(planned: Planned) -> None:
    before = planned({"nightly.py": ONE})
    toml = (
        '[tool.penstock.images]\nindex = "https://pypi.example.com/simple"\n'
        'extra-index = ["https://more.example.com"]\nextra-ca = "ca.pem"\n'
    )
    after = planned({"nightly.py": ONE, "pyproject.toml": toml})
    assert after.images == before.images
    assert "example.com" not in repr(after.images)


def test_the_folder_of_a_project_is_in_no_name(
    planned: Planned, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = planned({"nightly.py": ONE})
    other = tmp_path_factory.mktemp("other")
    (other / "nightly.py").write_text(ONE)
    with fresh_imports(other):
        target = load_target(str(other / "nightly.py"))
        lowered = check_pipeline(target.ir).lowered
        assert plan_images(lowered, Project(other, (str(other),))).images == before.images
    assert str(tmp_path) not in repr(before.images)


def test_images_travel_in_the_yaml_and_are_not_part_of_the_plan(planned: Planned) -> None:
    plan = planned({"nightly.py": "import yaml\n" + ONE})
    pipeline = load_pipeline(dump_pipeline(plan.planned(_bare())).encode())
    assert pipeline.images == plan.images
    assert plan_digest(pipeline) == plan_digest(_bare())


def test_emission_takes_what_was_pushed_before_the_local_name(planned: Planned) -> None:
    plan = planned({"nightly.py": ONE})
    assert images_of(plan.planned(_bare())) == {"load": plan.images[0].name}
    toml = '[tool.penstock]\nregistry = "registry.example.com/team"\n'
    plan = planned({"nightly.py": ONE, "pyproject.toml": toml})
    there = f"registry.example.com/team/{plan.images[0].name}"
    assert images_of(plan.planned(_bare())) == {"load": there}


def test_a_lock_that_was_cut_off_is_none(planned: Planned, tmp_path: Path) -> None:
    files = {"nightly.py": "import jinja2\n" + ONE}
    before = planned(files)
    (environment,) = before.environments
    head = f"# inputs: sha256:{environment.inputs.digest}\n"
    digest = f" --hash=sha256:{'0' * 64}\n"
    whole = f"{head}jinja2==3.0{digest}markupsafe==2.0{digest}"
    plan = planned({**files, "images.lock/nightly.txt": whole})
    assert [one.locked for one in plan.environments] == [True]
    plan = planned({**files, "images.lock/nightly.txt": head})
    assert [one.locked for one in plan.environments] == [False]
    assert plan.images == before.images
    with pytest.raises(ImageSettingsError, match="without the file, `penstock build` makes it"):
        planned({**files, "images.lock/nightly.txt": head + "jinja2\n"})


def test_code_of_installed_packages_alone_needs_no_folder(planned: Planned) -> None:
    plan = planned({"nightly.py": ONE})
    bare = replace(plan, source=Source({}, ()))
    context = code_context(bare, plan.images[0], plan.environments[0], {})
    assert list(context) == ["Dockerfile"]
    assert isinstance(content := context["Dockerfile"].content, bytes)
    assert b"COPY" not in content


@pytest.mark.parametrize("pipeline", ["churn", "A__b", "x_", "_x", "__", "ünd", "数据", "x" * 100])
def test_every_pipeline_has_images_that_docker_can_name(pipeline: str) -> None:
    part = "[a-z0-9]+(?:(?:[.]|_{1,2}|-+)[a-z0-9]+)*"  # as Docker's distribution/reference has it
    assert re.fullmatch(part, repository(pipeline))
    assert repository(pipeline).startswith("penstock-")


def _bare() -> PipelineIR:
    """The pipeline as it is without images."""
    text = """
penstock: 1
name: nightly
components: {nightly:load: {outputs: {value: {parameter: int}}}}
steps: {load: {call: nightly:load}}
"""
    return load_pipeline(text.encode())
