"""The smallest pipeline: two steps, one parameter."""

from penstock import pipeline, step


@step
def greet(name: str) -> str:
    return f"Hello, {name}!"


@step
def shout(text: str) -> str:
    return text.upper()


@pipeline
def hello(name: str = "world") -> str:
    return shout(greet(name))
