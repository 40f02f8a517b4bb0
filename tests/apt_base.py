"""The base of the tests that install Debian packages: their base, and this machine's apt.

The essential packages are copied as they are installed here, so nothing is downloaded. Only where
packages come from (sources, proxy, certificates) goes in with them; no password does.
"""

import fcntl
import hashlib
import io
import json
import os
import stat
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path, PurePosixPath

import docker
import docker.errors
from base_image import VERSION
from debian_packages import DPKG, essential, installed_packages, listed

BASE_WITH_APT = f"penstock-test-apt:{VERSION}"

_SETTINGS = [
    *("ENV LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive", 'CMD ["python3"]'),
    "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin",
    "ENV LD_LIBRARY_PATH=/usr/local/lib SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt",
]
_PEOPLE = {
    "etc/passwd": "root:x:0:0::/root:/bin/sh\n_apt:x:42:65534::/nonexistent:/usr/sbin/nologin\n"
    "step:x:10001:10001::/tmp:/bin/sh\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n",
    "etc/shadow": "root:*:19000:0:99999:7:::\n_apt:*:19000:0:99999:7:::\n"
    "step:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n",
    **{
        f"etc/pam.d/common-{name}": f"{name.partition('-')[0]} required pam_permit.so\n"
        for name in ("account", "auth", "password", "session", "session-noninteractive")
    },
}
_FOLDERS = {
    **dict.fromkeys(("dev", "proc", "run", "sys"), 0o755),
    **dict.fromkeys(("tmp", "var/tmp"), 0o1777),
    **dict.fromkeys(("var/cache/apt/archives", "var/lib/dpkg/updates"), 0o755),
    "root": 0o700,
}


def why_no_apt() -> str | None:
    """What keeps this machine from making it; None when nothing does."""
    found = (DPKG / "status").exists() and Path("/usr/bin/apt-get").exists()
    return None if found else "this machine is not Debian, so there is no apt to copy"


def base_with_apt(base: str) -> str:
    """The image with apt on this base, made now unless the engine has the same one."""
    place = Path(tempfile.gettempdir(), f"penstock-test-apt-{os.getuid()}.lock")
    with open(place, "w") as lock, closing(docker.from_env()) as client:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the tests of several processes share it
        archive = _archive(_only_layer(client, base))
        layer = f"sha256:{hashlib.sha256(archive).hexdigest()}"
        try:
            if client.images.get(BASE_WITH_APT).attrs["RootFS"]["Layers"] == [layer]:
                return BASE_WITH_APT
        except docker.errors.ImageNotFound:
            pass
        with tempfile.NamedTemporaryFile() as file:
            file.write(archive)
            file.flush()
            repository, tag = BASE_WITH_APT.split(":")
            # The stubs leave the type of `changes` out.
            client.api.import_image_from_file(  # pyright: ignore[reportUnknownMemberType]
                file.name, repository, tag, changes=_SETTINGS
            )
        return BASE_WITH_APT


def _only_layer(client: docker.DockerClient, base: str) -> bytes:
    saved = io.BytesIO(b"".join(client.images.get(base).save()))
    with tarfile.open(fileobj=saved) as tar:
        (layer,) = json.loads(_read(tar, "manifest.json"))[0]["Layers"]
        return _read(tar, layer)


def _read(tar: tarfile.TarFile, name: str | tarfile.TarInfo) -> bytes:
    file = tar.extractfile(name)
    assert file is not None
    return file.read()


def _archive(base: bytes) -> bytes:
    """The tar of the only layer: this machine's essential packages, and what else the base has."""
    files = _Files()
    packages = essential(installed_packages())
    for top in ("bin", "lib", "lib32", "lib64", "libx32", "sbin", "var/run", "var/lock"):
        if Path("/", top).is_symlink():
            files.copy(Path("/", top))
    for name in packages:
        for path in listed(name):
            files.copy(path)
        for note in (*DPKG.glob(f"info/{name}.*"), *DPKG.glob(f"info/{name}:*.*")):
            files.copy(note)
    files.copy(DPKG / "info/format")
    for link in _alternatives(files):
        files.copy(link)
    for place in ("sources.list", "sources.list.d", "preferences.d", "trusted.gpg.d", "keyrings"):
        for path in (Path("/etc/apt", place), *Path("/etc/apt", place).rglob("*")):
            files.copy(path)
    files.write("etc/apt/apt.conf", _download_settings())
    files.write("var/lib/dpkg/status", "\n".join(text for _, text in sorted(packages.items())))
    files.write("etc/group", Path("/usr/share/base-passwd/group.master").read_text("utf-8"))
    for place, text in _PEOPLE.items():
        files.write(place, text)
    for place, mode in _FOLDERS.items():
        files.folder(place, mode)
    files.add_missing(base)
    return files.packed()


class _Files:
    """The entries of the archive, by name. Packages may call /usr/bin by the name /bin."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[tarfile.TarInfo, bytes]] = {}

    def __contains__(self, path: Path) -> bool:
        return _real(path) in self.entries

    def copy(self, path: Path) -> None:
        """As it is on this machine; what is not here was left out on purpose."""
        if not os.path.lexists(path):
            return
        found, name = path.lstat(), _real(path)
        entry = tarfile.TarInfo(name)
        entry.mode = stat.S_IMODE(found.st_mode)
        # From 100 on, a number belongs to another user on each machine.
        entry.uid = found.st_uid if found.st_uid < 100 else 0
        entry.gid = found.st_gid if found.st_gid < 100 else 0
        if path.is_symlink():
            entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
            self._add(entry)
        elif path.is_dir():
            entry.type = tarfile.DIRTYPE
            self._add(entry)
        elif path.is_file():
            self._add(entry, path.read_bytes())

    def write(self, name: str, text: str) -> None:
        """A file of our own."""
        entry = tarfile.TarInfo(name)
        entry.mode = 0o640 if name == "etc/shadow" else 0o644
        self._add(entry, text.encode())

    def folder(self, name: str, mode: int = 0o755) -> None:
        """A folder of our own."""
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, mode
        self._add(entry)

    def add_missing(self, layer: bytes) -> None:
        """What another layer has beyond this: the running Python and its libraries."""
        with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
            for entry in tar:
                top, _, rest = entry.name.partition("/")
                if rest and top in self.entries and self.entries[top][0].issym():
                    entry.name = f"{self.entries[top][0].linkname}/{rest}"
                if entry.name not in self.entries:
                    self._add(entry, _read(tar, entry) if entry.isreg() else b"")

    def packed(self) -> bytes:
        """The tar, the same bytes each time."""
        for name in list(self.entries):
            for parent in PurePosixPath(name).parents:
                if str(parent) != "." and str(parent) not in self.entries:
                    self.folder(str(parent))
        written = io.BytesIO()
        with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for _, (entry, content) in sorted(self.entries.items()):
                entry.mtime = 1_700_000_000
                tar.addfile(entry, io.BytesIO(content))
        return written.getvalue()

    def _add(self, entry: tarfile.TarInfo, content: bytes = b"") -> None:
        entry.size = len(content)
        self.entries[entry.name] = (entry, content)


def _real(path: Path) -> str:
    return str(path.parent.resolve() / path.name).lstrip("/")


def _alternatives(files: _Files) -> Iterable[Path]:
    """The links such as awk, whose programs are among the files."""
    for note in sorted((DPKG / "alternatives").glob("*")):
        chosen = Path("/etc/alternatives", note.name)
        if chosen.is_symlink() and Path(os.readlink(chosen)) in files:
            yield from (chosen, Path(note.read_text("utf-8").splitlines()[1]))


def _download_settings() -> str:
    """How this machine's apt downloads, as a configuration file."""
    said = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    lines = [line for line in said.splitlines() if line.startswith("Acquire::")]
    for scheme in ("http", "https"):
        proxy = os.environ.get(f"{scheme}_proxy") or os.environ.get(f"{scheme.upper()}_PROXY")
        if proxy and not any(line.startswith(f"Acquire::{scheme}::Proxy ") for line in lines):
            lines.append(f'Acquire::{scheme}::Proxy "{proxy}";')
    return "\n".join(lines) + "\n"
