"""Opens the store at a place; the driver is imported that the place needs."""

from penstock_runtime.places import Bucketed, find_place
from penstock_runtime.store import Store

TYPE_CHECKING = False  # `typing` alone would cost 10 ms; type checkers know this spelling
if TYPE_CHECKING:
    from penstock_runtime.remote_bucket import Bucket


def open_store(url: str, *, create: bool = True) -> Store:
    """The store at an absolute path, a `file://` URL, or the URL of a bucket.

    Raises StoreError for other places, for a store of a layout that is not known, and when the
    library for a bucket is not installed.
    """
    place = find_place(url)
    if isinstance(place, Bucketed):
        from penstock_runtime.remote import RemoteStore

        return RemoteStore(open_bucket(place), place.url, create=create)
    from penstock_runtime.local import LocalStore

    return LocalStore(place, create=create)


def open_bucket(place: Bucketed) -> "Bucket":
    """The bucket of a place. Raises StoreError when its library is not installed."""
    if place.protocol == "s3":
        from penstock_runtime.remote_s3 import S3Bucket

        return S3Bucket(place)
    from penstock_runtime.remote_any import AnyBucket

    return AnyBucket(place)
