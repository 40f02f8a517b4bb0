"""A package index on loopback, as companies have: with a password, or a certificate of its own."""

import base64
import hashlib
import io
import ssl
import tarfile
import threading
import zipfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

USER, PASSWORD = "index-user", "index-password-7f3a"

# A source distribution whose build needs no download.
BACKEND = """\
import base64, hashlib, zipfile

def build_wheel(folder, settings=None, metadata=None):
    files = {files!r}
    with zipfile.ZipFile(folder + "/" + {wheel!r}, "w") as out:
        for name, text in files.items():
            out.writestr(name, text)
    return {wheel!r}
"""


def wheel(
    name: str,
    version: str,
    files: Mapping[str, str | bytes],
    *,
    scripts: Mapping[str, str] | None = None,
    requires: tuple[str, ...] = (),
    tag: str = "py3-none-any",
) -> tuple[str, bytes]:
    """A wheel's file name and content."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, content in _contents(name, version, files, scripts, requires, tag).items():
            archive.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0)), content)
    return f"{name}-{version}-{tag}.whl", out.getvalue()


def sdist(
    name: str, version: str, files: Mapping[str, str | bytes], *, tag: str = "py3-none-any"
) -> tuple[str, bytes]:
    """A source distribution that builds a wheel of these files and this tag."""
    contents = _contents(name, version, files, None, (), tag)
    backend = BACKEND.format(wheel=f"{name}-{version}-{tag}.whl", files=contents)
    project = (
        '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
        f'[project]\nname = "{name}"\nversion = "{version}"\n'
    )
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for path, text in {
            "PKG-INFO": f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n",
            "own.py": backend,
            "pyproject.toml": project,
        }.items():
            info = tarfile.TarInfo(f"{name}-{version}/{path}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return f"{name}-{version}.tar.gz", out.getvalue()


def _contents(
    name: str,
    version: str,
    files: Mapping[str, str | bytes],
    scripts: Mapping[str, str] | None,
    requires: tuple[str, ...],
    tag: str,
) -> dict[str, str | bytes]:
    info = f"{name}-{version}.dist-info"
    pure = str(tag.endswith("-any")).lower()
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    found: dict[str, str | bytes] = dict(files)
    found[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
    found[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nRoot-Is-Purelib: {pure}\nTag: {tag}\n"
    if scripts:
        lines = "".join(f"{script} = {target}\n" for script, target in scripts.items())
        found[f"{info}/entry_points.txt"] = f"[console_scripts]\n{lines}"
    rows = [f"{path},{_digest(content)},{len(content)}" for path, content in found.items()]
    found[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
    return found


def _digest(content: str | bytes) -> str:
    data = content.encode() if isinstance(content, str) else content
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


@dataclass
class Index:
    """A running index; what is put into `files` is served at once."""

    port: int
    scheme: str
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])

    @property
    def url(self) -> str:
        """Its address, without a password."""
        return f"{self.scheme}://127.0.0.1:{self.port}/simple"

    def add(self, *packages: tuple[str, bytes]) -> None:
        """Serve these files, by the names of their packages."""
        self.files.update(packages)


@contextmanager
def index(*, protected: bool = False, tls: ssl.SSLContext | None = None) -> Generator[Index]:
    """Run an index until the block ends."""
    wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    files: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if protected and self.headers.get("Authorization") != wanted:
                self._answer(401, b"", "text/plain")
                return
            parts = self.path.strip("/").split("/")
            if parts[0] == "files" and parts[1] in files:
                self._answer(200, files[parts[1]], "application/octet-stream")
                return
            found = [one for one in files if one.split("-")[0].replace("_", "-") == parts[-1]]
            links = "".join(f'<a href="/files/{one}#{_fragment(one)}">{one}</a>' for one in found)
            self._answer(200 if found else 404, links.encode(), "text/html")

        do_HEAD = do_GET

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if status == 401:
                self.send_header("WWW-Authenticate", "Basic")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    def _fragment(name: str) -> str:
        return f"sha256={hashlib.sha256(files[name]).hexdigest()}"

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield Index(server.server_port, "https" if tls else "http", files)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def own_certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's side for 127.0.0.1, and the file of the authority that vouches for it."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)

    def signed(
        name: str, issuer: str, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey
    ) -> x509.Certificate:
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        return (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(_named(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=name == issuer, path_length=None), True)
            .add_extension(x509.SubjectAlternativeName([address]), False)
            .sign(by, hashes.SHA256())
        )

    def _named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])

    authority, server = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    pem = serialization.Encoding.PEM
    ca = folder / "authority.pem"
    ca.write_bytes(signed("own authority", "own authority", authority, authority).public_bytes(pem))
    both = folder / "server.pem"
    both.write_bytes(
        server.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed("server", "own authority", server, authority).public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context, ca
