"""The list of an image's packages is CycloneDX that its own library reads."""

import json
import warnings
from typing import Any

from penstock.images.sbom import sbom

LOCK = f"""\
# inputs: sha256:{"0" * 64}
b-package==2!1.0+cpu --hash=sha256:{"0b" * 32} --hash=sha512:{"0c" * 64}
a_package==1.5 \\
    --hash=sha256:{"0a" * 32}
    # via b-package
"""


def loaded(text: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library itself, while it is imported
        from cyclonedx.model.bom import Bom

        return Bom.from_json(json.loads(text))  # type: ignore[attr-defined]


def test_the_library_reads_it_back() -> None:
    bom = loaded(sbom(LOCK, "penstock-env"))
    assert bom.validate()
    assert bom.metadata.component.name == "penstock-env"
    found = {one.name: one for one in bom.components}
    assert {name: one.version for name, one in found.items()} == {
        "a-package": "1.5",
        "b-package": "2!1.0+cpu",
    }
    assert found["b-package"].purl.to_string() == "pkg:pypi/b-package@2%211.0%2Bcpu"
    assert {(one.alg.value, one.content) for one in found["b-package"].hashes} == {
        ("SHA-256", "0b" * 32),
        ("SHA-512", "0c" * 64),
    }


def test_the_same_lock_gives_the_same_text() -> None:
    text = sbom(LOCK, "penstock-env")
    assert text == sbom(LOCK.replace("# via b-package", "# another note"), "penstock-env")
    assert "timestamp" not in text
    serials = {
        json.loads(one)["serialNumber"]
        for one in (text, sbom(LOCK, "other"), sbom(LOCK.replace("1.5", "1.6"), "penstock-env"))
    }
    assert len(serials) == 3


def test_nothing_is_listed_for_an_empty_lock() -> None:
    assert json.loads(sbom("", "penstock-env"))["components"] == []
