"""`images.lock.yaml`: what was pushed, exact, and not believed blindly."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.images.pushed import PUSHED, PushedImage, pushed_images, write_pushed
from penstock.images.registry_names import in_registry, pinned
from penstock.images.settings import ImageSettingsError

DIGEST = "sha256:" + "0123456789abcdef" * 4
OTHER = "sha256:" + "f" * 64

NAMES = st.from_regex(
    r"[a-z0-9][a-z0-9._/-]{0,40}:[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True
)
DIGESTS = st.integers(0, 16**64 - 1).map(lambda number: f"sha256:{number:064x}")
PLACES = st.from_regex(r"[a-z0-9][a-z0-9.:_/-]{0,60}", fullmatch=True)


@st.composite
def pushed(draw: st.DrawFn) -> PushedImage:
    """An image in a registry, on a base that came from one or not."""
    base = draw(st.none() | DIGESTS)
    return PushedImage(
        reference=f"{draw(PLACES)}@{draw(DIGESTS)}", base=base and f"python:3.11-slim@{base}"
    )


def test_the_file_is_as_a_person_expects_it(tmp_path: Path) -> None:
    """Sorted, with its comment, and digests in quotes only where YAML needs them."""
    write_pushed(
        tmp_path / PUSHED,
        {
            "penstock-b:2": PushedImage(reference=f"host:5000/team/penstock-b@{DIGEST}"),
            "penstock-a:1": PushedImage(
                reference=f"host/penstock-a@{OTHER}", base=f"python:3.11-slim@{DIGEST}"
            ),
        },
    )
    assert (tmp_path / PUSHED).read_text() == (
        "# written by penstock build; commit it\n"
        "images:\n"
        "  penstock-a:1:\n"
        f'    reference: "host/penstock-a@{OTHER}"\n'
        f'    base: "python:3.11-slim@{DIGEST}"\n'
        "  penstock-b:2:\n"
        f'    reference: "host:5000/team/penstock-b@{DIGEST}"\n'
    )
    assert os.listdir(tmp_path) == [PUSHED]


@given(images=st.dictionaries(NAMES, pushed(), max_size=5), data=st.data())
def test_what_is_written_is_read(
    images: dict[str, PushedImage], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In whatever order and in however many parts; the same images give the same bytes."""
    one, other = (tmp_path_factory.mktemp("lock") / PUSHED for _ in range(2))
    write_pushed(one, images)
    assert pushed_images(one) == images
    for name in data.draw(st.permutations(sorted(images))):
        write_pushed(other, {name: images[name]})
    if images:
        assert one.read_bytes() == other.read_bytes()


def test_a_second_push_replaces_its_own_entry_alone(tmp_path: Path) -> None:
    """Those of other pipelines stay."""
    file = tmp_path / PUSHED
    first = PushedImage(reference=f"host/a@{DIGEST}")
    write_pushed(file, {"a:1": first, "b:1": first})
    second = PushedImage(reference=f"host/a@{OTHER}")
    write_pushed(file, {"a:1": second})
    assert pushed_images(file) == {"a:1": second, "b:1": first}


def test_no_file_means_nothing_was_pushed(tmp_path: Path) -> None:
    """And so does one without images."""
    assert pushed_images(tmp_path / PUSHED) == {}
    (tmp_path / PUSHED).write_text("images: {}\n")
    assert pushed_images(tmp_path / PUSHED) == {}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("images: [", "this is not YAML"),
        ("images: 5", "images: Input should be a valid dictionary"),
        ("pictures: {}", "pictures: Extra inputs are not permitted"),
        ("images: {x: {reference: y}}", "images"),
        ("images: {'a:1': {reference: 'host/a:1'}}", "reference: this is no image by its digest"),
        (
            f"images: {{'a:1': {{reference: 'host/a$(id)@{DIGEST}'}}}}",
            "this is no image by its digest",
        ),
        (
            f"images: {{'a:1': {{reference: 'host/a\\n@{DIGEST}'}}}}",
            "this is no image by its digest",
        ),
        (f"images: {{'A;1': {{reference: 'host/a@{DIGEST}'}}}}", "this is no name of an image"),
        (f"images: {{'a:1': {{reference: 'host/a@{DIGEST}x'}}}}", "this is no image by its digest"),
        (
            f"images: {{'a:1': {{reference: 'a@{DIGEST}', base: ' '}}}}",
            "base: this is no image by its digest",
        ),
        ("images: !!python/object:os.system {}", "line 1"),
        ("a: &a [*a]", "line 1"),
        ("images: {}\nimages: {}", "line 2"),
        ("x" * 5_000_000, "bytes"),
        ('images: {"\\e[2J\\n": 5}', r"images.\x1b[2J"),
    ],
)
def test_a_file_of_somebody_else_is_refused(tmp_path: Path, text: str, why: str) -> None:
    """In one sentence with its name; and it is not written over."""
    file = tmp_path / PUSHED
    file.write_text(text)
    with pytest.raises(ImageSettingsError) as caught:
        pushed_images(file)
    assert str(caught.value).startswith(str(file))
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    with pytest.raises(ImageSettingsError):
        write_pushed(file, {})
    assert file.read_text() == text


def test_a_file_that_cannot_be_written_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing else is left beside it."""
    file = tmp_path / PUSHED
    write_pushed(file, {"a:1": PushedImage(reference=f"host/a@{DIGEST}")})
    before = file.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ImageSettingsError, match="cannot be written: No space left"):
        write_pushed(file, {"b:1": PushedImage(reference=f"host/b@{DIGEST}")})
    assert file.read_bytes() == before
    assert os.listdir(tmp_path) == [PUSHED]


@pytest.mark.parametrize(
    ("registry", "name"),
    [
        ("host:5000/team", "host:5000/team/penstock-a:1"),
        ("registry.example.com/team/ml/", "registry.example.com/team/ml/penstock-a:1"),
        ("127.0.0.1:5000", "127.0.0.1:5000/penstock-a:1"),
        ("team", "team/penstock-a:1"),
    ],
)
def test_names_in_a_registry(registry: str, name: str) -> None:
    """The registry before the name."""
    assert in_registry(registry, "penstock-a:1") == name
    assert pinned(name, DIGEST, tag=False) == f"{name.removesuffix(':1')}@{DIGEST}"
    assert pinned(name, DIGEST) == f"{name}@{DIGEST}"


@pytest.mark.parametrize(
    ("registry", "why"),
    [
        ("https://host/team", "leave out https://"),
        ("", "is no registry"),
        ("/team", "is no registry"),
        ("host/Team", "is no registry"),
        ("host/te am", "is no registry"),
        ("host/team:1", "is no registry"),
        ("host/te;am", "is no registry"),
        ("host/team@" + DIGEST, "is no registry"),
        ("host//team", "is no registry"),
        ("user:password@host/team", "is no registry"),
        ("h" * 300, "is no registry"),
    ],
)
def test_what_is_no_registry_is_refused(registry: str, why: str) -> None:
    """Before anything is pushed."""
    with pytest.raises(ValueError, match=why):
        in_registry(registry, "penstock-a:1")
