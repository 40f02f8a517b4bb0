"""Cron text, amounts and names of secrets: what is one, and what is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.ir.cron import cron_problem
from penstock.ir.quantities import read_bytes, read_cores
from penstock.passes.secrets import is_secret_name


@pytest.mark.parametrize(
    "text",
    [
        "0 6 * * 1",
        "*/5 * * * *",
        "0 0 1,15 * *",
        "0 9-17 * * mon-fri",
        "@daily",
        "0 0 * jan sun",
        "5-55/10 0 * * 7",
    ],
)
def test_cron(text: str) -> None:
    assert cron_problem(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "every day",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * * 13 *",
        "* * * * 8",
        "5-1 * * * *",
        "*/0 * * * *",
        "a * * * *",
        "@never",
        "*  * * * *",
        "1,,2 * * * *",
        "0 6 * * 1\n",
        "٣ * * * *",
    ],
)
def test_no_cron(text: str) -> None:
    assert cron_problem(text) is not None


@given(st.text(max_size=30))
def test_cron_never_raises(text: str) -> None:
    problem = cron_problem(text)
    assert problem is None or problem


@pytest.mark.parametrize(
    ("text", "count"),
    [("1024", 1024), ("4Gi", 4 * 2**30), ("500M", 500 * 10**6), ("1.5k", 1500), ("2Ti", 2**41)],
)
def test_bytes(text: str, count: int) -> None:
    assert read_bytes(text) == count


@pytest.mark.parametrize("text", ["", "4GB", "4 Gi", "-1", "0", "Gi", "1e9", "4gi", "٤Gi"])
def test_no_bytes(text: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        read_bytes(text)


@pytest.mark.parametrize(("amount", "cores"), [(2, 2.0), (0.5, 0.5), ("500m", 0.5), ("3", 3.0)])
def test_cores(amount: float | str, cores: float) -> None:
    assert read_cores(amount) == cores


@pytest.mark.parametrize("amount", [0, -1, "", "two", "1c", float("inf"), float("nan"), "0m"])
def test_no_cores(amount: float | str) -> None:
    with pytest.raises(ValueError, match=r"no .*cores"):
        read_cores(amount)


@pytest.mark.parametrize(
    "name",
    ["password", "db_password", "API_KEY", "authToken", "aws_secret_access_key", "client-secret"],
)
def test_secret_names(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    ["tokenizer", "max_tokens", "token_pattern", "secret_name", "key", "monkey", "passwords_file"],
)
def test_ordinary_names(name: str) -> None:
    assert not is_secret_name(name)
