"""Run ids: UUIDs that sort by time and tell their day."""

import hashlib
import os
import re
import time

_ISO_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NO_DAY = "0000/00/00"

SHORT = 8
"""Characters of a short id. Ids begin with their time, so that it is their ends that differ."""


def new_run_id() -> str:
    """A new UUIDv7; ids made one after another by one process sort in that order."""
    # RFC 9562, method 3: the 12 bits after the milliseconds hold their fraction.
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    return _uuid7(milliseconds, (rest << 12) // 1_000_000, int.from_bytes(os.urandom(8), "big"))


def stable_run_id(text: str, pipeline: str = "") -> str:
    """The run id for an orchestrator's own name of a run, the same in each of its containers.

    A UUID is kept. A name with a time in it (Airflow's `manual__2026-01-02T03:04:05+00:00`)
    gives a UUIDv7 of that time, any other name a UUIDv5. `pipeline` keeps apart runs of two
    pipelines that have the same name.
    """
    if _UUID.fullmatch(text.lower()):
        return text.lower()
    found = hashlib.sha256(f"penstock\n{pipeline}\n{text}".encode("utf-8", "surrogatepass"))
    bits = int.from_bytes(found.digest()[:16], "big")
    if moment := _ISO_TIME.search(text):
        import calendar

        fields = tuple(int(part) for part in moment.groups())
        try:
            time.strptime(moment.group(), "%Y-%m-%dT%H:%M:%S")
        except ValueError:
            return _as_uuid(bits, version=5)
        seconds = calendar.timegm((*fields, 0, 0, 0))
        return _uuid7(seconds * 1000, bits >> 64 & 0xFFF, bits & (1 << 64) - 1)
    return _as_uuid(bits, version=5)


def day_folder(run: str) -> str:
    """`YYYY/MM/DD` of the time inside a UUIDv7, in UTC; `0000/00/00` for other UUIDs."""
    bits = int(run.replace("-", ""), 16)
    if bits >> 76 & 0xF != 7:
        return _NO_DAY
    day = time.gmtime((bits >> 80) / 1000)
    return f"{day.tm_year:04d}/{day.tm_mon:02d}/{day.tm_mday:02d}"


def run_folder(run: str) -> str:
    """The folder of a run's records inside the store."""
    return f"runs/{day_folder(run)}/{run}"


def _uuid7(milliseconds: int, fraction: int, random: int) -> str:
    bits = (milliseconds & (1 << 48) - 1) << 80 | (fraction & 0xFFF) << 64 | random & (1 << 62) - 1
    return _as_uuid(bits, version=7)


def _as_uuid(bits: int, version: int) -> str:
    bits = bits & ~(0xF << 76) | version << 76
    bits = bits & ~(0x3 << 62) | 0x2 << 62
    text = f"{bits:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
