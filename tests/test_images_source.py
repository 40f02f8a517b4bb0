"""The source layer: which files go into an image, where they lie, and which never do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from docker.utils.build import PatternMatcher
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.images.credentials import credential_in
from penstock.images.dockerignore import Ignored
from penstock.images.project import Project
from penstock.images.settings import ImageSettingsError
from penstock.images.source import Gathering, Source

STEPS = "def load() -> int:\n    return 1\n"


def gathered(
    root: Path, files: Mapping[str, str], module: str = "steps", include: str = "", at: str = ""
) -> tuple[Source, list[str]]:
    """The source of a project that is made of these files, and the problems."""
    for name, text in {f"{at}{module}.py": STEPS, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    if include:
        (root / "pyproject.toml").write_text(f"[tool.penstock]\ninclude = {include}\n")
    project = Project(root, (str(root / at),))
    reach = project.codes.reach(f"{module}:load")
    assert reach is not None
    gathering = Gathering(project)
    source = gathering.of([reach.module, *reach.others])
    return source, [one.message for one in gathering.problems]


def test_modules_lie_where_they_lie_in_the_project(tmp_path: Path) -> None:
    source, _ = gathered(tmp_path, {}, at="src/")
    assert list(source.files) == ["app/src/steps.py"]
    assert source.path == ("/app/src",)


def test_a_module_brings_the_packages_around_it(tmp_path: Path) -> None:
    files = {"pack/__init__.py": "", "pack/inner/__init__.py": "", "pack/inner/deep.py": "x = 1\n"}
    (tmp_path / "steps.py").write_text("")
    files["steps.py"] = "from pack.inner import deep\n" + STEPS
    source, _ = gathered(tmp_path, files)
    assert sorted(source.files) == [
        "app/pack/__init__.py",
        "app/pack/inner/__init__.py",
        "app/pack/inner/deep.py",
        "app/steps.py",
    ]


def test_a_module_from_another_folder_lies_beside_the_others(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "shared.py").write_text("x = 1\n")
    home = tmp_path / "home"
    home.mkdir()
    (home / "steps.py").write_text("import shared\n" + STEPS)
    project = Project(home, (str(home), str(tmp_path / "other")))
    reach = project.codes.reach("steps:load")
    assert reach is not None
    source = Gathering(project).of([reach.module, *reach.others])
    assert sorted(source.files) == ["app/shared.py", "app/steps.py"]


def test_files_are_included_by_pattern_and_folder(tmp_path: Path) -> None:
    files = {"conf/a.yaml": "a", "conf/deep/b.yaml": "b", "conf/c.txt": "c", ".venv/x.yaml": "no"}
    source, _ = gathered(tmp_path, files, include='["**/*.yaml"]')
    assert sorted(source.files) == ["app/conf/a.yaml", "app/conf/deep/b.yaml", "app/steps.py"]
    source, _ = gathered(tmp_path, files, include='["conf"]')
    assert len(source.files) == 4


def test_dockerignore_keeps_files_out(tmp_path: Path) -> None:
    files = {"conf/a.yaml": "a", "conf/b.yaml": "b", ".dockerignore": "conf/*\n!conf/b.yaml\n"}
    source, _ = gathered(tmp_path, files, include='["conf"]')
    assert sorted(source.files) == ["app/conf/b.yaml", "app/steps.py"]


def test_dockerignore_may_not_keep_out_what_the_steps_import(tmp_path: Path) -> None:
    with pytest.raises(ImageSettingsError, match=r"\.dockerignore leaves out steps\.py"):
        gathered(tmp_path, {".dockerignore": "*.py\n"})


@pytest.mark.parametrize("include", ['["/etc/passwd"]', '["../x"]', '["a/../../x"]', '[""]'])
def test_a_pattern_may_not_leave_the_project(tmp_path: Path, include: str) -> None:
    with pytest.raises(ImageSettingsError, match="no pattern below the project"):
        gathered(tmp_path, {}, include=include)


def test_a_link_may_not_leave_the_project(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    os.symlink("/etc/hostname", tmp_path / "in" / "link")
    with pytest.raises(ImageSettingsError, match="leads out of the project"):
        gathered(tmp_path, {}, include='["in"]')


def test_links_lie_where_they_lie_with_what_they_lead_to(tmp_path: Path) -> None:
    for folder in ("conf", "data"):
        (tmp_path / folder).mkdir()
    os.symlink("v1.yaml", tmp_path / "conf" / "now.yaml")
    os.symlink("../conf", tmp_path / "data" / "conf")
    os.symlink("../data", tmp_path / "conf" / "circle")
    files = {"conf/v1.yaml": "one", "data/x": "x"}
    source, _ = gathered(tmp_path, files, include='["data", "conf/*.yaml"]')
    assert {name: text for name, text in source.files.items() if name != "app/steps.py"} == {
        "app/conf/now.yaml": b"one",
        "app/conf/v1.yaml": b"one",
        "app/data/conf/now.yaml": b"one",
        "app/data/conf/v1.yaml": b"one",
        "app/data/x": b"x",
    }


def test_a_module_that_is_a_link_is_found_by_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    os.symlink("lib/bar.py", tmp_path / "foo.py")
    files = {"lib/bar.py": "x = 1\n", "steps.py": "import foo\n" + STEPS}
    source, _ = gathered(tmp_path, files)
    assert sorted(source.files) == ["app/foo.py", "app/steps.py"]
    assert source.path == ("/app",)


def test_a_link_does_not_hide_a_credential(tmp_path: Path) -> None:
    os.symlink(".netrc", tmp_path / "words")
    source, problems = gathered(tmp_path, {".netrc": "x"}, include='["words"]')
    assert problems == ["words holds credentials, by its name"]
    assert "app/words" not in source.files


def test_a_program_stays_one(tmp_path: Path) -> None:
    (tmp_path / "tool.sh").write_text("#!/bin/sh\n")
    (tmp_path / "tool.sh").chmod(0o755)
    source, _ = gathered(tmp_path, {"words": "x"}, include='["tool.sh", "words"]')
    assert source.programs == {"app/tool.sh"}


@pytest.mark.parametrize("pattern", ["**x", "x**/y"])
def test_a_pattern_that_is_none_is_told(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(ImageSettingsError, match="include"):
        gathered(tmp_path, {}, include=f'["{pattern}"]')


def test_a_name_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Path(os.fsdecode(bytes(tmp_path) + b"/in/\xff")).touch()
    with pytest.raises(ImageSettingsError, match="no UTF-8"):
        gathered(tmp_path, {}, include='["in"]')


def test_a_link_that_is_left_out_may_lead_anywhere(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    os.symlink("/etc/hostname", tmp_path / "in" / "link")
    files = {".dockerignore": "in/link\n", "in/x": "x"}
    source, _ = gathered(tmp_path, files, include='["in"]')
    assert sorted(source.files) == ["app/in/x", "app/steps.py"]


def test_a_pattern_that_matches_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImageSettingsError, match=r"'data/\*' matches no file"):
        gathered(tmp_path, {}, include='["data/*"]')


def test_the_digest_stands_for_every_name_and_byte(tmp_path: Path) -> None:
    first = Source({"a": b"1", "b": b"2"}, ("/app",))
    same = Source({"b": b"2", "a": b"1"}, ("/app",))
    others = [
        Source({"a": b"2", "b": b"1"}, ("/app",)),
        Source({"a": b"1"}, ("/app",)),
        Source({"a": b"1", "c": b"2"}, ("/app",)),
        Source({"a": b"1", "b": b"2"}, ("/app/src",)),
        Source({"a": b"1", "b": b"2"}, ("/app",), frozenset({"a"})),
    ]
    assert first.digest == same.digest
    assert len({first.digest, *(one.digest for one in others)}) == 6


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("app/.env", b"", "credentials, by its name"),
        ("app/.env.production", b"", "credentials, by its name"),
        ("app/keys/server.pem", b"", "credentials, by its name"),
        ("app/id_rsa", b"", "credentials, by its name"),
        ("app/.aws/config", b"", "the folder .aws of credentials"),
        ("app/a.py", b"-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA", "a private key"),
        ("app/a.py", b'K = "AKIAABCDEFGHIJKLMNOP"', "an access key of AWS"),
        ("app/a.json", b'"ghp_' + b"a" * 36 + b'"', "a token of GitHub"),
        ("app/a.py", b"it is hunter2hunter2", "the value of a secret"),
        ("app/.env.example", b"TOKEN=", None),
        ("app/a.py", b"-----BEGIN PRIVATE KEY----- is what a key begins with", None),
        ("app/a.py", b"AKIA", None),
    ],
)
def test_a_credential_is_found(name: str, content: bytes, what: str | None) -> None:
    assert credential_in(name, content, [b"hunter2hunter2"]) == what


@pytest.mark.parametrize(
    ("line", "is_secret"),
    [
        ("ENVIRONMENT=production-eu", False),
        ("PRIMARY_KEY=production-eu", False),
        ("TOKENIZER=production-eu", False),
        ("MONKEY_BAR=production-eu", False),
        ("DB_PASSWORD=production-eu", True),
        ("GITHUB_TOKEN=production-eu", True),
        ("MYSECRET=production-eu", True),
        ("DATABASE_URL=x://me:production-eu@host", False),
    ],
)
def test_only_secrets_of_a_dotenv_may_not_occur_in_code(
    tmp_path: Path, line: str, is_secret: bool
) -> None:
    files = {".env": line, "steps.py": "# production-eu\n" + STEPS}
    _, problems = gathered(tmp_path, files)
    assert problems == ["steps.py holds the value of a secret"] * is_secret


@pytest.mark.parametrize("line", ["API_KEY=abcdefg1", "DATABASE_URL=x://me:pass@abcdefg1"])
def test_keys_and_logins_are_secrets(tmp_path: Path, line: str) -> None:
    value = line.partition("=")[2]
    _, problems = gathered(tmp_path, {".env": line, "steps.py": f"# {value}\n" + STEPS})
    assert problems == ["steps.py holds the value of a secret"]


def test_a_credential_never_enters_an_image(tmp_path: Path) -> None:
    files = {".env": "PASSWORD=correct horse\n", "conf/a.txt": "the correct horse", "k.pem": ""}
    source, problems = gathered(tmp_path, files, include='["conf", ".env", "k.pem"]')
    assert list(source.files) == ["app/steps.py"]
    assert problems == [
        "conf/a.txt holds the value of a secret",
        ".env holds credentials, by its name",
        "k.pem holds credentials, by its name",
    ]


NAMES = st.text("ab.*", min_size=1, max_size=3).filter(lambda one: one.strip(".") != "")


def pattern(bang: str, parts: list[str], end: str) -> str:
    """A line of a .dockerignore."""
    return bang + "/".join(parts) + end


PATTERNS = st.lists(
    st.builds(
        pattern,
        st.sampled_from(["", "", "!"]),
        st.lists(st.one_of(NAMES, st.just("**")), min_size=1, max_size=3),
        st.sampled_from(["", "", "/"]),
    ),
    max_size=4,
)
PATHS = st.lists(st.text("ab.", min_size=1, max_size=3), min_size=1, max_size=3).filter(
    lambda parts: not any(set(one) == {"."} for one in parts)
)


@given(PATTERNS, PATHS)
@example(["a*", "!a/b"], ["a", "b"])
@example(["**/b"], ["b"])
def test_dockerignore_means_what_docker_means(patterns: list[str], parts: list[str]) -> None:
    # docker-py takes `***` for a star that crosses folders; Docker itself refuses it.
    patterns = [one for one in patterns if "***" not in one]
    path = "/".join(parts)
    assert (path in Ignored(patterns)) == PatternMatcher(patterns).matches(path)  # type: ignore[arg-type]  # it takes text, too
