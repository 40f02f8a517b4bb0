"""Whether a server minds the condition "only if there is none"; some take it and ignore it.

One small object stays in the store for ever, and each store that is opened to write asks anew.
Nothing has to be remembered, and a store that was moved to another server is safe too. A server
that minds refuses the first or the second try. Were the object removed after use, one opener
could remove it between the two tries of another, which would then take a good server for a bad
one.
"""

import os

from penstock_runtime.remote_bucket import Bucket
from penstock_runtime.remote_calls import Refused
from penstock_runtime.remote_claims import CLAIMS, PROBE

_PROBE = f"{CLAIMS}/{PROBE}"
_NOT_KNOWN = (400, 501)  # "you sent a header that I do not implement"


def minds_conditions(bucket: Bucket) -> bool:
    """Ask the server, by one or two tries to create the same object. Raises StoreError."""
    try:
        return not all(bucket.put_new(_PROBE, os.urandom(8).hex().encode()) for _ in range(2))
    except Refused as refused:
        if refused.status in _NOT_KNOWN:
            return False
        raise
