"""The base image of the tests, from the running Python.

No registry is asked. The same Python gives the same bytes, so the same layer.
"""

import hashlib
import io
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
BASE = f"penstock-test-base:{VERSION}"
"""Python, the libraries it needs, and dash as `sh`."""

TRIPLE: str = sysconfig.get_config_var("MULTIARCH") or "x86_64-linux-gnu"
BUNDLE = "etc/ssl/certs/ca-certificates.crt"
SETTINGS = [
    "ENV LANG=C.UTF-8",
    "ENV PATH=/usr/local/bin:/usr/bin:/bin",
    "ENV LD_LIBRARY_PATH=/usr/local/lib",
    f"ENV SSL_CERT_FILE=/{BUNDLE}",
    'CMD ["python3"]',
]

# What no step needs, most of the standard library's size.
LEFT_OUT = re.compile(
    r"(^|/)(test|tests|idlelib|lib2to3|tkinter|turtledemo|pydoc_data|ensurepip|__pycache__"
    r"|config-[^/]*|site-packages|dist-packages)/|\.a$|_test[^/]*\.so$|(^|/)(_tkinter|_xx)[^/]*\.so$"
)
# What ldd does not show: names looked up while running, and what wheels take for granted.
UNSEEN = [
    "libnss_files.so.2",
    "libnss_dns.so.2",
    "libresolv.so.2",
    "libgcc_s.so.1",
    "libstdc++.so.6",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
    "libutil.so.1",
    "libnsl.so.1",
    "libmvec.so.1",
]

WRITTEN = {
    "etc/passwd": "root:x:0:0::/root:/bin/sh\nstep:x:10001:10001::/home/step:/bin/sh\n"
    "nobody:x:65534:65534::/:/bin/false\n",
    "etc/group": "root:x:0:\nstep:x:10001:\nnogroup:x:65534:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}
LINKS = {
    "bin/sh": "dash",
    "usr/local/bin/python": f"python{VERSION}",
    "usr/local/bin/python3": f"python{VERSION}",
}
FOLDERS = {
    **dict.fromkeys(("dev", "proc", "sys", "usr/bin"), 0o755),
    **dict.fromkeys(("tmp", "var/tmp"), 0o1777),
    f"usr/local/lib/python{VERSION}/site-packages": 0o755,
    "home/step": 0o755,
    "root": 0o700,
}
OWNED_BY_STEP = {"home/step"}


MADE_FROM = "io.penstock.test.made-from"


def make_base() -> bool:
    """Give the engine the base image; False when it already has this one."""
    import docker
    import docker.errors

    origin, former = _origin(), ""
    with tempfile.TemporaryDirectory() as folder, closing(docker.from_env()) as client:
        try:
            found = client.images.get(BASE)
            if found.labels.get(MADE_FROM) == origin:
                return False
            former = found.id or ""
        except docker.errors.ImageNotFound:
            pass
        archive = Path(folder, "base.tar")
        archive.write_bytes(base_archive())
        repository, tag = BASE.split(":")
        # The stubs leave the type of `changes` out.
        client.api.import_image_from_file(  # pyright: ignore[reportUnknownMemberType]
            str(archive), repository, tag, changes=[*SETTINGS, f"LABEL {MADE_FROM}={origin}"]
        )
        # Another image may stand on it.
        with suppress(docker.errors.APIError):
            if former:
                client.images.remove(former)
        return True


def _origin() -> str:
    """What changes with the archive; making that takes seconds."""
    origin = hashlib.sha256(Path(__file__).read_bytes())
    origin.update(f"{sys.version} {sys.base_prefix}".encode())
    # It is written when any package is: a library may be another one.
    if (packages := Path("/var/lib/dpkg/status")).exists():
        origin.update(str(packages.stat().st_mtime_ns).encode())
    return origin.hexdigest()


def base_archive() -> bytes:
    """The tar of the base's only layer; the same bytes each time."""
    files = _stripped(_files())
    files |= {name: (text.encode(), False) for name, text in WRITTEN.items()}
    folders = dict(FOLDERS)
    for name in [*files, *LINKS, *FOLDERS]:
        for parent in Path(name).parents[:-1]:
            folders.setdefault(str(parent), 0o755)
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, mode in sorted(folders.items()):
            entry = _entry(name, mode)
            entry.type = tarfile.DIRTYPE
            entry.uid = entry.gid = 10001 if name in OWNED_BY_STEP else 0
            tar.addfile(entry)
        for name, (content, executable) in sorted(files.items()):
            entry = _entry(name, 0o755 if executable else 0o644)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        for name, target in sorted(LINKS.items()):
            entry = _entry(name, 0o777)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return written.getvalue()


def _entry(name: str, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.mtime = mode, 1_700_000_000
    return entry


def _files() -> dict[str, Path]:
    """Where each file of the image lies on this machine."""
    library = Path(sysconfig.get_path("stdlib"))
    program = Path(sys.base_prefix, "bin", f"python{VERSION}")
    files = {
        f"usr/local/lib/python{VERSION}/{name}": path
        for path in library.rglob("*")
        if path.is_file() and not LEFT_OUT.search(name := path.relative_to(library).as_posix())
    }
    binaries = [program, Path("/bin/dash"), *(p for p in files.values() if p.suffix == ".so")]
    files |= {f"usr/local/bin/python{VERSION}": program, "bin/dash": Path("/bin/dash")}
    files |= dict(_libraries(binaries))
    places = [Path("/", place, TRIPLE) for place in ("lib", "usr/lib")]
    for name in UNSEEN:
        found = [place / name for place in places if (place / name).exists()]
        files |= {f"lib/{TRIPLE}/{name}": path for path in found[:1]}
    if Path("/", BUNDLE).exists():
        files[BUNDLE] = Path("/", BUNDLE)
    return files


def _libraries(binaries: list[Path]) -> Iterator[tuple[str, Path]]:
    """The shared libraries that these files load, by the name they are asked for."""
    # Its exit code says no more than that one of the files is linked statically.
    said = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=False).stdout
    for match in re.finditer(r"^\s+(?:\S+ => )?(/\S+) \(", said, re.MULTILINE):
        path = Path(match[1])
        if path.name.startswith("ld-"):
            yield str(path).lstrip("/"), path
        elif path.is_relative_to(sys.base_prefix) and sys.base_prefix != "/usr":
            yield f"usr/local/lib/{path.name}", path
        else:
            yield f"lib/{TRIPLE}/{path.name}", path


def _stripped(files: Mapping[str, Path]) -> dict[str, tuple[bytes, bool]]:
    """The content of each file, without symbols, and whether it can be executed."""
    contents = {name: path.read_bytes() for name, path in sorted(files.items())}
    programs = [name for name, content in contents.items() if content.startswith(b"\x7fELF")]
    with tempfile.TemporaryDirectory() as folder:
        copies = [Path(folder, str(number)) for number, _ in enumerate(programs)]
        for name, copy in zip(programs, copies, strict=True):
            copy.write_bytes(contents[name])
        subprocess.run(["strip", "--strip-unneeded", *copies], check=True)
        contents |= dict(zip(programs, (copy.read_bytes() for copy in copies), strict=True))
    return {name: (content, name in programs) for name, content in contents.items()}
