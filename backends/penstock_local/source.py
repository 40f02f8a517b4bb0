"""A copy of the code of a run, kept with its records: a run can be understood without its git."""

from __future__ import annotations

from collections.abc import Iterable

from penstock.images.code import Code
from penstock_runtime.folders import manifest
from penstock_runtime.store import Store

_LARGEST = 4 << 20


def copied(store: Store, codes: Iterable[Code], secrets: Iterable[str]) -> str | None:
    """The digest of a folder with every module of the project that the steps reach.

    None where there is none, where one holds the value of a secret, or where they are too large.
    Raises StoreError.
    """
    files = {name: file for code in codes for name, file in code.files}
    contents: dict[str, bytes] = {}
    for name, file in files.items():
        base = name.replace(".", "/")
        kept = f"{base}/__init__.py" if file.name == "__init__.py" else f"{base}{file.suffix}"
        try:
            contents[kept] = file.read_bytes()
        except OSError:
            return None
    if not contents or sum(map(len, contents.values())) > _LARGEST:
        return None
    hidden = [secret.encode("utf-8", "surrogateescape") for secret in secrets if secret]
    if any(secret in content for secret in hidden for content in contents.values()):
        return None
    blobs = {name: store.put_bytes(content) for name, content in contents.items()}
    return store.put_bytes(manifest(blobs)).digest
