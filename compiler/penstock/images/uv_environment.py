"""What uv sees of this machine: what it needs to reach the indexes, and nothing that bends results.

All of it stays here: no index, credential or certificate is written to what uv makes.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from penstock.images.index_settings import IndexSettings
from penstock.images.pip_settings import pip_settings
from penstock.images.requirement_errors import BadIndex

_KEPT = ("UV_", "SSL_CERT_", "XDG_", "KEYRING_", "GIT_SSL_")
_KEPT_NAMES = frozenset(
    {
        *("HOME", "PATH", "LANG", "LC_ALL", "TMPDIR", "NETRC", "SSH_AUTH_SOCK"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("PYTHON_KEYRING_BACKEND", "DBUS_SESSION_BUS_ADDRESS"),
        *("APPDATA", "COMSPEC", "LOCALAPPDATA", "PATHEXT", "SYSTEMROOT", "TEMP", "TMP"),
        "USERPROFILE",
    }
)
_BENDING = frozenset(
    {
        *("UV_BUILD_CONSTRAINT", "UV_COMPILE_BYTECODE", "UV_CONSTRAINT", "UV_EXCLUDE"),
        *("UV_CUSTOM_COMPILE_COMMAND", "UV_LINK_MODE", "UV_NO_BINARY", "UV_NO_BINARY_PACKAGE"),
        *("UV_NO_BUILD", "UV_NO_BUILD_PACKAGE", "UV_NO_HEADER", "UV_NO_VERIFY_HASHES"),
        *("UV_OVERRIDE", "UV_PROJECT", "UV_PYTHON", "UV_REQUIRE_HASHES", "UV_SYSTEM_PYTHON"),
        *("UV_FORK_STRATEGY", "UV_PRERELEASE", "UV_RESOLUTION"),
        *("UV_WORKING_DIR", "UV_WORKING_DIRECTORY", "UV_BREAK_SYSTEM_PACKAGES"),
    }
)
"""Variables of uv that change what is installed or how; we say that ourselves."""


@contextmanager
def uv_environment(settings: IndexSettings) -> Generator[dict[str, str]]:
    """The variables that uv is run with; what they name exists until the block ends."""
    found = {
        name: value
        for name, value in os.environ.items()
        if (name in _KEPT_NAMES or name.startswith(_KEPT)) and name not in _BENDING and value
    }
    found |= pip_settings(found)
    found |= {"NO_COLOR": "1", "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    if settings.index is not None:
        found["UV_DEFAULT_INDEX"] = settings.index
        found.pop("UV_INDEX_URL", None)
    if settings.extra_index:
        found["UV_INDEX"] = " ".join(
            [*settings.extra_index, *(found[one] for one in ("UV_INDEX",) if one in found)]
        )
    if settings.extra_ca is None:
        yield found
        return
    with tempfile.TemporaryDirectory(prefix="penstock-") as folder:
        bundle = Path(folder, "certificates.pem")
        bundle.write_text(_trusted(found, settings.extra_ca), encoding="utf-8")
        yield found | {"SSL_CERT_FILE": str(bundle)}


def _trusted(environment: Mapping[str, str], extra: Path) -> str:
    """The certificates that are trusted anyway, and those of the file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        added = extra.read_text(encoding="utf-8", errors="replace")
        context.load_verify_locations(cadata=added[max(added.find("-----BEGIN"), 0) :])
    except (OSError, ssl.SSLError, ValueError):
        raise BadIndex(f"extra-ca names {extra}, which holds no certificate in PEM form") from None
    if "SSL_CERT_FILE" in environment:
        try:
            return f"{Path(environment['SSL_CERT_FILE']).read_text(encoding='utf-8')}\n{added}"
        except (OSError, UnicodeDecodeError):
            raise BadIndex("SSL_CERT_FILE names a file that cannot be read") from None
    context.load_default_certs()
    known = context.get_ca_certs(binary_form=True)
    return "".join([*(ssl.DER_cert_to_PEM_cert(one) for one in known), added])
