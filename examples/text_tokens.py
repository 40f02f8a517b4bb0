"""Learns a small vocabulary from short texts and measures how well it shortens them.

Every Python has texts to read: what its own modules say of themselves.
"""

import inspect
import re
from collections import Counter
from importlib import import_module
from typing import Annotated, NamedTuple

from penstock import DataSourceStep, Field, Metrics, SplitStep, TokenizerStep, pipeline, step

WORD = re.compile(r"\w+|[^\w\s]")


class Texts(NamedTuple):
    train: list[str]
    test: list[str]


class Manuals(DataSourceStep):
    """Reads what modules of Python say of themselves."""

    limit: int = 40

    def run(self) -> list[str]:
        modules = map(import_module, ("argparse", "json", "random", "statistics", "textwrap"))
        things = [thing for module in modules for _, thing in inspect.getmembers(module, callable)]
        texts = sorted({inspect.getdoc(one) or "" for one in things})
        return sorted(texts, key=len)[-self.limit :]


class EveryFourth(SplitStep):
    """Keeps every fourth text apart."""

    def run(self, texts: list[str]) -> Texts:
        return Texts(
            train=[text for place, text in enumerate(texts) if place % 4],
            test=[text for place, text in enumerate(texts) if place % 4 == 0],
        )


@step
def learn(texts: list[str], size: int) -> dict[str, int]:
    """Numbers the most frequent words, the most frequent first."""
    counts = Counter(word for text in texts for word in WORD.findall(text.lower()))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return {word: number for number, word in enumerate(ranked[:size], start=1)}


class Tokenize(TokenizerStep):
    """Turns each text into numbers; a word that is not in the vocabulary becomes 0."""

    def run(self, texts: list[str], vocabulary: dict[str, int]) -> list[list[int]]:
        return [[vocabulary.get(word, 0) for word in WORD.findall(text.lower())] for text in texts]


@step
def measure(texts: list[str], tokens: list[list[int]]) -> Metrics:
    """How many words the vocabulary knows, and how many characters a token stands for."""
    flat = [token for one in tokens for token in one]
    known = sum(token > 0 for token in flat)
    return Metrics(
        coverage=known / max(1, len(flat)),
        characters_per_token=sum(map(len, texts)) / max(1, len(flat)),
    )


@pipeline(tags=["example", "text"])
def text_tokens(size: Annotated[int, Field(ge=1, le=100_000)] = 500) -> Metrics:
    """Builds a vocabulary on three quarters of the texts and tries it on the rest."""
    train, test = EveryFourth().run(Manuals().run())
    vocabulary = learn(train, size)
    tokens = Tokenize().run(test, vocabulary)
    return measure(test, tokens)
