"""Texts that a template engine, a shell or a careless printer would change, in every place."""

import os
from typing import NamedTuple

from penstock import Secret, current_run, pipeline, step

TEXTS = [
    "{{ 7*7 }}",
    "{% for x in range(3) %}x{% endfor %}",
    "{# gone #}",
    "{{ var.value.get('x', 'leaked') }} {{ conn }}",
    "{% raw %}{{ x }}{% endraw %}",
    "{{workflow.uid}} {{=1+1}} {{$.inputs}}",
    "run.sh",
    "x.bash",
    "prod.env",
    "a line\n",
    "two\nlines\n\n",
    "cr\rlf\r\n",
    "it's \"quoted\" '''thrice''' \"\"\"",
    "back\\slash \\n \\",
    "$(x) `y` $HOME $$ ${Z}",
    "snow ☃ grin 😀 é",
    "\u2028 \u2029 \x85 \x1b[31m",
    "# -*- coding: utf-7 -*-",
    "}}{{",
    "%s %(x)s %",
    "",
    " ",
    "null",
    "x" * 65536,
]
PLAIN_ENV = {f"HOSTILE_{number}": text for number, text in enumerate(TEXTS)}


class Both(NamedTuple):
    """The texts as a parameter and as an artifact."""

    texts: list[str]
    stored: bytes


@step
def same(texts: list[str], word: str, table: dict[str, str]) -> Both:
    """Gives back what arrived: {{ 7*7 }} run.sh"""
    return Both([*texts, word, *table, *table.values()], "".join(texts).encode())


@step(env=PLAIN_ENV, secrets=[Secret("vault", key="password", env="VAULT")])
def surroundings(names: list[str], default: str = "{{ 7*7 }}.sh") -> dict[str, str]:
    found = {name: os.environ[name] for name in names}
    return {**found, "default": default, "secret": os.environ["VAULT"][::-1]}


@step
def parts(first: str, odd: str, items: list[str], stored: bytes) -> list[str]:
    return [first, odd, *items, stored.decode()]


@step
def attempts(before: list[str]) -> int:
    run = current_run()
    assert run is not None
    return run.attempt


@pipeline(description="{{ 7*7 }} run.sh", tags=["{{ tag }}"], owner="{{ owner }}")
def hostile(
    texts: list[str] = TEXTS,
    word: str = "{{ 7*7 }}",
    items: dict[str, list[str]] = {"items": ["{{ 1 }}", "x.sh"]},  # noqa: B006 - only read
) -> list[str]:
    """Nothing in here may be evaluated."""
    table = {"{{ key }}": "{% value %}", "x.env": "y.sh", "'\"\\": "\n"}
    from_parameters = same(texts, word, table)
    same(TEXTS, "x.sh", table)
    found = surroundings(list(PLAIN_ENV))
    odd = found["default"]
    kept = parts(
        items["items"][-1],
        odd,
        [from_parameters.texts[0], word, "{{ 3*3 }}", "it's \"\\", items["items"][0]],
        from_parameters.stored,
    )
    attempts(kept)
    return kept
