"""Lists what an image holds as a CycloneDX document, for scanners of vulnerabilities."""

from __future__ import annotations

import hashlib
import json
import uuid

from penstock.images.lock_file import Pin, read_lock

_ALGORITHMS = {"sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}


def sbom(lock: str, name: str) -> str:
    """The packages of a lock file as CycloneDX 1.6, in JSON; `name` is what holds them.

    Written without CycloneDX's library, whose releases differ in what they write: the same lock
    gives the same text. There is no time in it, and the serial number stands for the content.
    """
    components = [_component(one) for one in read_lock(lock)]
    document: dict[str, object] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "bom-ref": "image", "name": name}},
        "components": components,
        "dependencies": [
            {"ref": "image", "dependsOn": [one["bom-ref"] for one in components]},
            *({"ref": one["bom-ref"]} for one in components),
        ],
    }
    content = hashlib.sha256(json.dumps(document).encode()).digest()
    document["serialNumber"] = uuid.UUID(bytes=content[:16], version=4).urn
    return json.dumps(document, indent=2) + "\n"


def _component(pin: Pin) -> dict[str, object]:
    version = pin.version.replace("+", "%2B").replace("!", "%21")
    url = f"pkg:pypi/{pin.name}@{version}"
    hashes = [one.partition(":") for one in pin.digests]
    return {
        "type": "library",
        "bom-ref": url,
        "name": pin.name,
        "version": pin.version,
        "hashes": [{"alg": _ALGORITHMS[kind], "content": text} for kind, _, text in hashes],
        "purl": url,
    }
