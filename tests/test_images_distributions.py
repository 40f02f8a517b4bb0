"""What is installed is read quickly, and as the standard library reads it."""

from __future__ import annotations

import importlib.metadata
import sys

from packaging.utils import canonicalize_name

from penstock.images.distributions import Installed


def test_every_import_has_the_providers_that_the_standard_library_names() -> None:
    installed = Installed(sys.path)
    for module, names in importlib.metadata.packages_distributions().items():
        found = {one.name for one in installed.providers(module)}
        assert found == {canonicalize_name(name) for name in names}, module


def test_every_version_and_requirement_is_what_the_standard_library_reads() -> None:
    installed = Installed(sys.path)
    for one in importlib.metadata.distributions():
        if not (name := one.metadata["Name"]) or canonicalize_name(name) == "penstock":
            continue
        found = installed.find(name)
        assert found is not None
        assert found.version == one.version
        assert len(found.requires) == len(one.requires or ())


def test_a_shared_folder_belongs_to_whoever_holds_the_module() -> None:
    installed = Installed(sys.path)
    assert [one.name for one in installed.providers("google.protobuf.message")] == ["protobuf"]
    assert [one.name for one in installed.providers("google.api.http_pb2")] == [
        "googleapis-common-protos"
    ]


def test_what_nobody_provides_has_no_provider() -> None:
    assert Installed(sys.path).providers("nobody_has_it") == ()


def test_penstock_itself_is_known_as_a_checkout() -> None:
    found = Installed(sys.path).find("penstock")
    assert found is not None
    assert found.is_editable
