"""Pruning removes our own images that nobody uses, and tells what that gives back."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from engine_support import BASE, engine_or_skip, own_images

from penstock.images.context import File
from penstock.images.engine import Engine, EngineImage
from penstock.images.one_container import is_abandoned
from penstock.images.pruning import (
    UnusedImage,
    our_images,
    prune_images,
    space_of,
    unused_images,
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """The engine of the tests."""
    engine_or_skip()
    found = Engine()
    yield found
    found.close()


@pytest.fixture
def prefix(engine: Engine) -> Iterator[str]:
    """What the names of a test's images begin with."""
    with own_images() as found:
        yield found


def build(
    engine: Engine, name: str, base: str, content: bytes, *, label: str = "io.penstock.env"
) -> EngineImage:
    """An image with one more file."""
    test = name.partition(":")[0].rpartition("-")[0]
    text = f"FROM {base}\nLABEL {label}=x io.penstock.test={test}\nCOPY root/ /\n"
    folder = name.replace(":", "")
    sent = {"Dockerfile": File(text.encode()), f"root/{folder}/file": File(content)}
    return engine.build(sent, name, lambda line: None)


def mine(images: tuple[UnusedImage, ...], prefix: str) -> dict[str, UnusedImage]:
    """Those of a test; other tests have images too."""
    return {
        one.tags[0] if one.tags else "none": one
        for one in images
        if one.labels.get("io.penstock.test") == prefix
    }


def test_what_is_wanted_or_used_stays(engine: Engine, prefix: str) -> None:
    """Named images, those that they stand on, and those of containers that have ended."""
    env, old, step, gone, used = names = [
        f"{prefix}-{one}:1" for one in ("env", "old", "step", "gone", "used")
    ]
    build(engine, env, BASE, b"e" * 1000)
    build(engine, step, env, b"s" * 20, label="io.penstock.pipeline")
    build(engine, old, BASE, b"o" * 3000)
    build(engine, gone, old, b"g" * 40)
    build(engine, used, BASE, b"u" * 500)
    container = engine.client.containers.create(used, ["true"])
    try:
        unused = mine(unused_images(engine, {step}), prefix)
        assert set(unused) == {old, gone}
        assert unused[gone].space + unused[old].space == space_of(unused.values()) == 3040
        everything = mine(unused_images(engine, ()), prefix)
        assert set(everything) == {env, step, old, gone}
    finally:
        container.remove()
    assert used in mine(unused_images(engine, {step}), prefix)
    removed = prune_images(engine, unused.values())
    assert {one.tags for one in removed} == {(old,), (gone,)}
    assert [engine.find(one) is None for one in names] == [*(False, True, False, True, False)]


def test_images_without_a_name_go_first(engine: Engine, prefix: str) -> None:
    """They are what rebuilds have left behind; an image that stands on them does not keep them."""
    name = f"{prefix}-env:1"
    first = build(engine, name, BASE, b"1" * 700)
    container = engine.client.containers.create(first.id, ["true"])
    second = build(engine, name, BASE, b"2" * 900)
    container.remove()
    found = engine.find(first.id)
    assert found is not None
    assert found.tags == ()
    unused = unused_images(engine, {name})
    assert mine(unused, prefix)["none"].space == 700
    assert [bool(one.tags) for one in unused] == sorted(bool(one.tags) for one in unused)
    removed = prune_images(engine, mine(unused, prefix).values())
    assert [one.id for one in removed] == [first.id]
    assert engine.find(name) == second


def test_images_of_others_stay(engine: Engine, prefix: str) -> None:
    """Those without our labels, and those that others have built on ours."""
    ours = build(engine, f"{prefix}-env:1", BASE, b"1")
    theirs = build(engine, f"{prefix}-plain:1", BASE, b"2", label="some.label")
    built_on = build(engine, f"{prefix}-on:1", f"{prefix}-env:1", b"3")
    engine.tag(built_on.id, f"{prefix}/service:1")
    found = {one.id for one in our_images(engine)}
    assert ours.id in found
    assert not {theirs.id, built_on.id} & found
    asked = [UnusedImage(**vars(one)) for one in (theirs, built_on)]
    assert prune_images(engine, asked) == ()
    assert engine.find(theirs.id) is not None
    assert engine.find(f"{prefix}/service:1") is not None


def test_an_image_that_is_in_use_again_stays(engine: Engine, prefix: str) -> None:
    """Between the look and the removal a container may have begun."""
    name = f"{prefix}-env:1"
    build(engine, name, BASE, b"1")
    unused = mine(unused_images(engine, ()), prefix)
    container = engine.client.containers.create(name, ["true"])
    try:
        assert prune_images(engine, unused.values()) == ()
        assert engine.find(name) is not None
    finally:
        container.remove()


def test_a_check_whose_maker_was_killed_keeps_nothing(
    engine: Engine, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its container goes with the image, an hour later."""
    name = f"{prefix}-env:1"
    build(engine, name, BASE, b"1")
    labels = {"io.penstock.container": "check"}
    container = engine.client.containers.create(name, ["true"], labels=labels)
    assert mine(unused_images(engine, ()), prefix) == {}

    def only_this(listed: Mapping[str, Any]) -> bool:
        return listed["Id"] == container.id and is_abandoned(listed)

    # Nobody else's container is to go while an hour is nothing.
    monkeypatch.setattr("penstock.images.pruning.is_abandoned", only_this)
    monkeypatch.setattr("penstock.images.one_container._ABANDONED", -60.0)
    unused = mine(unused_images(engine, ()), prefix)
    assert [one.tags for one in prune_images(engine, unused.values())] == [(name,)]
    assert not engine.client.containers.list(all=True, filters={"id": str(container.id)})


def test_a_name_in_a_registry_goes_with_the_image(engine: Engine, prefix: str) -> None:
    """What was pushed has two names here; either keeps it."""
    name, there = f"{prefix}-env:1", f"host.example:5000/team/{prefix}-env:1"
    build(engine, name, BASE, b"1")
    engine.tag(name, there)
    assert mine(unused_images(engine, {there}), prefix) == {}
    unused = mine(unused_images(engine, ()), prefix)
    (removed,) = prune_images(engine, unused.values())
    assert set(removed.tags) == {name, there}
    assert engine.find(removed.id) is None


def test_layers_that_are_shared_are_counted_once(engine: Engine, prefix: str) -> None:
    """Two images on one environment: its layer is given back once, and the base not at all."""
    env = f"{prefix}-env:1"
    build(engine, env, BASE, b"e" * 5000)
    build(engine, f"{prefix}-a:1", env, b"a" * 7)
    build(engine, f"{prefix}-b:1", env, b"b" * 11)
    unused = mine(unused_images(engine, ()), prefix)
    assert len(unused) == 3
    assert space_of(unused.values()) == 5018
    assert mine(unused_images(engine, {f"{prefix}-a:1"}), prefix)[f"{prefix}-b:1"].space == 11
