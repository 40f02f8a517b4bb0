"""The Debian packages that are installed on this machine, from what dpkg wrote down."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

DPKG = Path("/var/lib/dpkg")
_LEFT_OUT = re.compile(r"/usr/share/(doc|info|lintian|locale|man|bug)/")


def installed_packages() -> dict[str, str]:
    """What dpkg noted of each package that is installed."""
    notes = (DPKG / "status").read_text("utf-8").split("\n\n")
    notes = [f"{note.strip()}\n" for note in notes if _field(note, "Status").endswith(" installed")]
    return {_field(note, "Package"): note for note in notes}


def _field(note: str, name: str) -> str:
    found = re.search(rf"^{name}: (.*)$", note, re.MULTILINE)
    return found[1] if found else ""


def essential(installed: Mapping[str, str]) -> dict[str, str]:
    """The packages that every Debian has, apt, and all that these depend on."""
    provided = {
        name: package
        for package, note in installed.items()
        for name in _names(_field(note, "Provides").replace(",", "|"))
    }
    chosen: dict[str, str] = {}
    open_names = [name for name, note in installed.items() if _field(note, "Essential") == "yes"]
    open_names += ["apt"]
    while open_names:
        name = open_names.pop()
        if name in chosen:
            continue
        chosen[name] = installed[name]
        for kind in ("Pre-Depends", "Depends"):
            for choice in filter(None, _field(installed[name], kind).split(",")):
                found = [n if n in installed else provided.get(n) for n in _names(choice)]
                open_names += [one for one in found if one][:1]
    return chosen


def _names(choice: str) -> Iterator[str]:
    """The names in `a (>= 1) | b:any`."""
    for one in choice.split("|"):
        if found := re.match(r"\s*([a-z0-9][a-z0-9+.-]*)", one):
            yield found[1]


def listed(package: str) -> Iterator[Path]:
    """The files of a package, without its documentation."""
    for note in (*DPKG.glob(f"info/{package}.list"), *DPKG.glob(f"info/{package}:*.list")):
        for line in note.read_text("utf-8").splitlines():
            if line != "/." and not _LEFT_OUT.match(line):
                yield Path(line)
