"""Creating a record once, on a server that ignores conditions: a writer claims the name first.

A writer puts a claim of its own, `claims/<digest of the name>-<uuid7>`, and then lists the
claims. Only one that finds itself alone, and still no record, writes the record; it takes its
claim back afterwards. Of two writers, the one whose claim came second sees the claim of the
other, or its record. So no two of them write, no reader needs to know of claims, and a record
that anyone has read is never replaced. Where several claims meet, the lowest id waits and the
others go back.

Without conditions no rule can be both perfect and free of waiting. This one may have to wait:
the claim of a writer that was killed between its claim and its record stands in the way of that
one name until the server says that it is `LIFE` old. A writer does not send a record later than
`PUBLISH` after it began, and never takes back a claim for which such a write may still be on its
way. So the one window left is a write that the server applies more than `LIFE - PUBLISH` seconds
after the writer looked at its clock: a request that is held up so long on its way, or a writer
that is stopped between the two, while another writer takes it for dead. And what the server
lists must be up to date: two servers over one folder, each with a cache of its own, are none.
"""

import hashlib
import random
import time
from contextlib import suppress

from penstock_runtime.errors import StoreError
from penstock_runtime.remote_bucket import Bucket
from penstock_runtime.run_id import new_run_id

CLAIMS, PROBE = "claims", "probe"
LIFE, PUBLISH = 60.0, 20.0
_PAUSE = 0.03


class Claims:
    """Creates records where conditions are ignored; all writers of a store must agree on that."""

    def __init__(
        self, bucket: Bucket, life: float | None = None, publish: float | None = None
    ) -> None:
        self._bucket = bucket
        self._life = LIFE if life is None else life
        self._publish = PUBLISH if publish is None else publish

    def create(self, name: str, data: bytes) -> bool:
        """Write a record; False if there is one already. Raises StoreError."""
        end = time.monotonic() + self._bucket.calls.deadline
        start = f"{hashlib.sha256(name.encode()).hexdigest()[:32]}-"
        while self._bucket.find(name) is None:
            if not self._claimed(start):
                won = self._tried(start, name, data)
                if won is not None:
                    return won
            if time.monotonic() > end:
                raise StoreError(
                    f"the record {name} is claimed by another writer, which has not written it "
                    f"within {self._bucket.calls.deadline:g} s; try again in a minute"
                )
            _pause()
        return False

    def dead(self, idle: float) -> list[str]:
        """The keys of claims so old that nobody waits for them."""
        return [key for key, age in self._all("") if age >= max(idle, self._life)]

    def _all(self, start: str) -> list[tuple[str, float]]:
        # One folder that never gets empty (the probe stays): a server that keeps objects as
        # files makes and removes folders with them, and rclone hangs when it does both at once.
        return sorted(
            (f"{CLAIMS}/{one.name}", one.found.idle)
            for one in self._bucket.inside(CLAIMS)
            if one.found is not None and one.name.startswith(start) and one.name != PROBE
        )

    def _claimed(self, start: str) -> bool:
        """Whether someone alive claims the name; claims of the dead are removed."""
        alive = False
        for key, age in self._all(start):
            if age >= self._life:
                self._bucket.remove(key)
            else:
                alive = True
        return alive

    def _tried(self, start: str, name: str, data: bytes) -> bool | None:
        """Whether this claim won; None if another claim goes first."""
        last = time.monotonic() + self._publish
        mine = f"{CLAIMS}/{start}{new_run_id()}"
        on_its_way = False
        self._bucket.put(mine, name.encode())
        try:
            while time.monotonic() < last:
                claims = [key for key, _ in self._all(start)]
                if claims[:1] != [mine]:
                    return None
                if len(claims) > 1:
                    _pause()  # the others go back
                    continue
                if self._bucket.find(name) is not None:
                    return False
                left = last - time.monotonic()
                if left <= 0:
                    return None
                on_its_way = True
                self._write(name, data, left)
                on_its_way = False
                return True
            return None
        finally:
            if not on_its_way:
                with suppress(StoreError):  # what stays is taken for dead later
                    self._bucket.remove(mine)

    def _write(self, name: str, data: bytes, within: float) -> None:
        try:
            self._bucket.put(name, data, within)
        except StoreError:
            # Its answers may have been lost. Only we may write this name now.
            if self._bucket.get(name) != data:
                raise


def _pause() -> None:
    time.sleep(_PAUSE * random.uniform(0.5, 1.5))  # noqa: S311 - so that writers do not march in step
