"""Lock files: what is written is read back, and what a lock may not hold is refused by line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name

from penstock.images.lock_file import Pin, pins, read_lock
from penstock.images.requirement_errors import BadLock

DIGEST = "sha256:" + "0a" * 32

NAMES = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,10}[A-Za-z0-9])?", fullmatch=True).filter(
    str.isascii
)
VERSIONS = st.from_regex(
    r"([0-9]!)?[0-9]{1,3}(\.[0-9]{1,3}){0,2}((a|b|rc)[0-9])?(\.post[0-9])?(\+[a-z0-9]{1,4})?",
    fullmatch=True,
).filter(str.isascii)
DIGESTS = st.binary(min_size=32, max_size=32).map(lambda one: f"sha256:{one.hex()}")


@given(
    st.dictionaries(
        NAMES.map(canonicalize_name),
        st.tuples(VERSIONS, st.sets(DIGESTS, min_size=1, max_size=3)),
        max_size=5,
    ),
    st.sampled_from(["\n", "\r\n", "\n\n", "\n# a note\n", "\n    # via other\n"]),
)
def test_what_is_written_is_read_back(
    packages: dict[str, tuple[str, set[str]]], between: str
) -> None:
    wanted = tuple(
        Pin(name, version, tuple(sorted(digests)))
        for name, (version, digests) in sorted(packages.items())
    )
    text = between.join(str(one) for one in wanted)
    assert read_lock(text) == wanted
    assert pins(text) == {one.name: one.version for one in wanted}


def test_an_edited_lock_is_welcome() -> None:
    text = f"""\
# my own note
Zope.Interface[test]==6.0 --hash={DIGEST}   # held back
b_c == 1.0 \\
    --hash={DIGEST} \\
    --hash=sha256:{"ff" * 32}
"""
    assert pins(text) == {"b-c": "1.0", "zope-interface": "6.0"}
    assert len(read_lock(text)[0].digests) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nsix\n", "line 2 of the lock is no `name==version --hash=sha256:…`: six"),
        (f"six>=1 --hash={DIGEST}", "line 1 of the lock is no `name==version"),
        (f"six==1.* --hash={DIGEST}", "line 1 of the lock is no `name==version"),
        ("six==1.0", "line 1 of the lock: six has no digest; renew the lock"),
        ("six==1.0 --hash=sha256:abc", "'sha256:abc' is no SHA-256 digest"),
        (f"six==1.0 --hash=md5:{'0' * 32}", "is no SHA-256 digest"),
        (f"six==one --hash={DIGEST}", "line 1 of the lock: 'one' is no version"),
        (f"six==1.0 ; python_version<'4' --hash={DIGEST}", "has no place there"),
        (f"six==1.0 --index-url=https://x --hash={DIGEST}", "has no place there"),
        ("--index-url https://example.org/simple", "line 1 of the lock is no"),
        ("-r other.txt", "line 1 of the lock is no"),
        ("-e .", "line 1 of the lock is no"),
        (f"six @ https://example.org/six.whl --hash={DIGEST}", "line 1 of the lock is no"),
        (f"a==1 --hash={DIGEST}\nA==2 --hash={DIGEST}", "line 2 of the lock names a again"),
        (f"a==1 --hash={DIGEST} \\", "line 1 of the lock ends in the middle"),
        (f"a==1 \\\nb==1 --hash={DIGEST}", "line 1 of the lock: 'b==1' has no place there"),
    ],
)
def test_what_a_lock_may_not_hold_is_refused_by_line(text: str, message: str) -> None:
    with pytest.raises(BadLock) as caught:
        read_lock(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_packages_is_a_lock_too() -> None:
    assert read_lock("# nothing is needed\n") == ()
