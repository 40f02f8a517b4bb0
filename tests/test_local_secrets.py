"""Secrets: where they are taken from, and that no trace of them is left anywhere."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest
from local_project import Project, penstock

from penstock.backend import check_pipeline
from penstock.cli.targets import load_target
from penstock.ir.nodes import PipelineIR
from penstock.runner import CannotRun
from penstock_local import LocalBackend
from penstock_local.secrets import resolved
from penstock_runtime.redaction import Redactor

BOTH = pytest.mark.parametrize("executor", ["inline", "process"])
EXIT_CODES = {"say": 0, "raise": 1, "die": 1}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


TWO = """
@step(secrets=[Secret("db", key="token", env="DB_TOKEN"), Secret("my-vault", env="VAULT_KEY")])
def uses() -> int:
    print("token is", os.environ["DB_TOKEN"])
    return len(os.environ["DB_TOKEN"])

@pipeline
def private():
    uses()
"""


def lowered(project: Project) -> PipelineIR:
    return check_pipeline(load_target(str(project.write(TWO))).ir, LocalBackend()).lowered


def test_the_environment_comes_before_the_file(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    ir = lowered(project)
    (project.folder / ".env").write_text(
        "# of the team\nexport DB_TOKEN='from file'\n\n"
        'MY_VAULT="$(touch pwned) $HOME\\n" # last\n'
    )
    found = resolved(ir, project.folder)
    assert found == {"DB_TOKEN": "from file", "VAULT_KEY": "$(touch pwned) $HOME\n"}
    assert not (project.folder / "pwned").exists()
    monkeypatch.setenv("DB_TOKEN", "from environment")
    assert resolved(ir, project.folder)["DB_TOKEN"] == "from environment"
    with pytest.raises(CannotRun, match="VAULT_KEY"):
        resolved(ir)


def test_what_is_missing_is_told_with_both_places(project: Project) -> None:
    with pytest.raises(CannotRun) as told:
        resolved(lowered(project), project.folder)
    assert str(told.value) == (
        "set the environment variables DB_TOKEN and VAULT_KEY, or write them into .env: "
        "steps read secrets from it"
    )


@pytest.mark.parametrize(
    "line", ["DB_TOKEN", "DB_TOKEN='never closed", "DB TOKEN=x", "= x", 'DB_TOKEN="x" y', "A=\0"]
)
def test_a_wrong_line_is_one_sentence_without_what_it_holds(project: Project, line: str) -> None:
    file = project.folder / ".env"
    file.write_text(f"# first\nOTHER=1\n{line}\n")
    with pytest.raises(CannotRun) as told:
        resolved(lowered(project), project.folder)
    assert str(told.value) == f"{file}, line 3, is not NAME=value"


def test_a_file_that_is_no_text_is_one_sentence(project: Project) -> None:
    (project.folder / ".env").write_bytes(b"DB_TOKEN=\xff\xfe canary")
    with pytest.raises(CannotRun) as told:
        resolved(lowered(project), project.folder)
    assert str(told.value).endswith(".env cannot be read: UnicodeDecodeError")


def test_a_run_takes_secrets_from_the_file(project: Project) -> None:
    project.write(TWO, "private")
    (project.folder / ".env").write_text("DB_TOKEN=kf83-canary-9d\nVAULT_KEY=other-canary\n")
    done = project.command("run", "private.py")
    assert done.returncode == 0, done.stderr
    assert "uses | token is ***" in done.stdout
    assert "canary" not in done.stdout + done.stderr


# -- canaries

MULTI_LINE = "-----BEGIN KEY-----\nMIIcanaryAAAA+/=\ncanaryBBBB\n-----END KEY-----"
SPECIAL = ('ca"na\\ry{n}', "ca na+ry/{n}?&=", "cänaryß{n}", "canary\t{n}\t", "'canary'{n}")
CANARIES = {
    f"CANARY_{n}": MULTI_LINE
    if n == 0
    else SPECIAL[n % 10].format(n=n)
    if n % 10 < len(SPECIAL)
    else f"canary-{n}-{n * 7919:x}"
    for n in range(30)
}

LEAKY = """
import base64, json, logging, traceback, urllib.parse, warnings

NAMES = [f"CANARY_{n}" for n in range(30)]

def forms(value):
    data = value.encode()
    yield value
    yield f"Authorization: Bearer {value}"
    yield f"postgres://user:{urllib.parse.quote(value, safe='')}@db/x"
    yield urllib.parse.urlencode({"password": value})
    yield base64.b64encode(data).decode()
    yield "Basic " + base64.b64encode(b"u:" + data).decode()
    yield "Basic " + base64.b64encode(b"me:" + data + b":more").decode()
    yield base64.urlsafe_b64encode(b"123" + data).decode()
    yield repr(value)
    yield json.dumps({"key": value})
    yield data.hex()

@step(secrets=[Secret(f"s{n}", env=f"CANARY_{n}") for n in range(30)])
def leak(how: str) -> int:
    logging.basicConfig(level="INFO")
    for name in NAMES:
        for one in forms(os.environ[name]):
            print(one)
            print(one, file=sys.stderr)
        logging.info("logged in with %s", os.environ[name])
        sys.stdout.writelines([os.environ[name], "\\n"])
    if how == "die":
        sys.stdout.flush()
        os._exit(3)
    if how == "raise":
        try:
            raise KeyError(os.environ[NAMES[1]])
        except KeyError as error:
            error.add_note("note: " + os.environ[NAMES[2]])
            raise ValueError("\\n".join(one for n in NAMES for one in forms(os.environ[n])))
    return 1

@pipeline
def leaky(how: str):
    leak(how)
"""


def needles() -> list[bytes]:
    """Every form in which a canary can be met."""
    found: set[str] = set()
    for value in CANARIES.values():
        lines = [one for one in value.splitlines() if "canary" in one or one == value]
        for text in (value, *lines):
            data = text.encode()
            found |= {text, quote(text, safe=""), repr(text)[1:-1], json.dumps(text)[1:-1]}
            found |= {data.hex(), base64.b64encode(data).decode()[: len(data) * 8 // 6]}
    return [one.encode() for one in found if len(one) > 7]


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize(
    ("how", "executor"),
    [
        *(("say", "inline"), ("say", "process"), ("raise", "inline"), ("raise", "process")),
        ("die", "process"),  # inline, nobody is left to write anything
    ],
)
def test_thirty_canaries_leave_no_trace(
    project: Project, executor: str, how: str, form: str
) -> None:
    project.write(LEAKY, "leaky")
    done = project.command(
        *("run", "leaky.py", "-p", f"how={how}", "--executor", executor, "--format", form),
        env=CANARIES,
    )
    assert done.returncode == EXIT_CODES[how], done.stderr
    assert "***" in done.stdout + done.stderr
    files = {one: one.read_bytes() for one in project.folder.rglob("*") if one.is_file()}
    del files[project.folder / "leaky.py"]
    assert len(files) > 8
    places = {"stdout": done.stdout.encode(), "stderr": done.stderr.encode()} | {
        str(one): data for one, data in files.items()
    }
    hits = [(place, one) for place, data in places.items() for one in needles() if one in data]
    assert not hits


@BOTH
def test_the_live_view_hides_them_too(project: Project, executor: str) -> None:
    project.write(LEAKY, "leaky")
    parent, child = os.openpty()
    running = subprocess.Popen(
        penstock("run", "leaky.py", "-phow=say", "--executor", executor),
        cwd=project.folder,
        env={**os.environ, **CANARIES, "TERM": "xterm-256color", "COLUMNS": "1000"},
        stdin=child,
        stdout=child,
        stderr=child,
    )
    os.close(child)
    seen = b""
    try:
        while chunk := os.read(parent, 1 << 16):
            seen += chunk
    except OSError:  # what Linux says when the other side is gone
        pass
    os.close(parent)
    assert running.wait(30) == 0
    assert b"***" in seen
    assert not [one for one in needles() if one in seen]


def test_metadata_is_recorded_without_secrets(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_TOKEN", "kf83-canary-9d")
    monkeypatch.setenv("VAULT_KEY", "unused")
    said = 'log_metadata({"url": ["db://" + os.environ["DB_TOKEN"]]})'
    ran = project.run(TWO.replace('print("token is", os.environ["DB_TOKEN"])', said))
    commit = ran.record("steps/uses/commit.json")
    assert commit["metadata"] == {"url": ["db://***"]}


@pytest.mark.parametrize("before", [b"", b"u", b"me", b"you", b"user:"])
@pytest.mark.parametrize("after", [b"", b"x", b":x", b"xyz"])
def test_base64_hides_a_secret_wherever_it_begins(before: bytes, after: bytes) -> None:
    secret = "canary-63/51"
    for code in (base64.b64encode, base64.urlsafe_b64encode):
        text = code(before + secret.encode() + after).decode()
        shown = Redactor([secret])(text)
        assert "***" in shown
        # At most the two characters on either side, which other bytes share, are left.
        kept = shown.split("***")
        assert len(kept[0]) <= len(before) * 8 // 6 + 1
        assert len(kept[1].rstrip("=")) <= (len(after) * 8 + 5) // 6 + 1


def test_files_of_secrets_stay_out_of_the_patch(project: Project) -> None:
    project.write("@step\ndef one() -> int:\n    return 1\n\n@pipeline\ndef p():\n    one()\n", "p")
    for name in (".env", ".env.local", "src/.env"):
        file = project.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("A=first\n")
    for command in ("init -q", "add -f .", "commit -qm first"):
        subprocess.run(["git", "-C", project.folder, *command.split()], check=True)
    for name in (".env", ".env.local", "src/.env"):
        (project.folder / name).write_text("A=canary\n")
    (project.folder / "p.py").write_text((project.folder / "p.py").read_text() + "# changed\n")
    assert project.command("run", "p.py").returncode == 0
    folder = project.last_run(project.folder / ".penstock")
    patch = json.loads((folder / "00-start.json").read_text())["git"]["patch"]
    digest = patch.removeprefix("sha256:")
    blob = project.folder / ".penstock" / "cas" / "sha256" / digest[:2] / digest[2:]
    assert "+# changed" in blob.read_text()
    stored = [one for one in (project.folder / ".penstock").rglob("*") if one.is_file()]
    assert not [one for one in stored if b"canary" in one.read_bytes()]
