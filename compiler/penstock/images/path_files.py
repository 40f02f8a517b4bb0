"""Makes `.pth` files work in an image, where packages are found through PYTHONPATH.

Python reads such files only in its own site folders. A `sitecustomize.py` beside the packages,
which Python imports when it starts, reads them for this folder too.
"""

from __future__ import annotations

from pathlib import Path

_CODE = """\
# Written by penstock: the .pth files beside this file work as in a site folder.
import os
import site

site.addsitedir(os.path.dirname(os.path.abspath(__file__)))
"""


def serve_path_files(folder: Path) -> bool:
    """Write that module, if a `.pth` file does anything; one that a package brings runs first."""
    if not any(_acts(one) for one in folder.glob("*.pth")):
        return False
    file = folder / "sitecustomize.py"
    theirs = file.read_text(encoding="utf-8") + "\n" if file.exists() else ""
    file.unlink(missing_ok=True)  # it may be a link into uv's cache
    file.write_text(theirs + _CODE, encoding="utf-8")
    return True


def _acts(file: Path) -> bool:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return any(line.strip() and not line.startswith("#") for line in lines)
