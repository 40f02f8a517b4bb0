"""The verifier reads the conditions of the driver's language, and says why others are none."""

from __future__ import annotations

import pytest

from penstock_kubeflow.verifier.cel import BadCondition, check_condition


@pytest.mark.parametrize(
    "text",
    [
        "inputs.parameter_values['n'] == 3.0",
        "int(inputs.parameter_values['n']) >= 3",
        "inputs.parameter_values['s'] != 'it\\'s'",
        "!(inputs.parameter_values['b'] == true) && inputs.parameter_values['n'] < -1.5e-7",
        "(inputs.parameter_values['b'] ? 1.0 : 0.0) > 0.5 || false",
        "inputs.parameter_values['s'] in ['a', 'b']",
        "size(inputs.parameter_values['l']) > 0",
        "inputs.parameter_values['l'][0] == 'a'",
        "inputs.parameter_values.s.startsWith('a')",
        'inputs.parameter_values["s"] == "x"',
        "inputs.parameter_values['b']",
    ],
)
def test_conditions_of_the_language_are_read(text: str) -> None:
    kinds = {"n": "NUMBER_DOUBLE", "s": "STRING", "b": "BOOLEAN", "l": "LIST"}
    check_condition(text, kinds)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("inputs", "missing"),
        ("inputs.parameter_values[n] == 1", "quotes"),
        ("inputs.other['n'] == 1", "parameter_values"),
        ("inputs.parameter_values['n'] == 3.0)", "')'"),
        ("(inputs.parameter_values['n'] == 3.0", "missing"),
        ("inputs.parameter_values['n'] = 3.0", "not of the language"),
        ("int(inputs.parameter_values['n']) > 3.5", "cannot be compared"),
        ("inputs.parameter_values['s'] && true", "joins"),
        ("!inputs.parameter_values['s']", "joins"),
        ("-'a' == 'b'", "negative"),
        ("'a' + 1 == 'b'", "put together"),
        ("3", "neither true nor false"),
        ("a.b == 1", "not known"),
        ("'open == 1", "not of the language"),
        ("(" * 2000 + "true" + ")" * 2000, "deeply"),
        ("!" * 2000 + "true", "deeply"),
    ],
)
def test_what_is_no_condition_says_why(text: str, word: str) -> None:
    with pytest.raises(BadCondition, match=r"(?s)" + word.replace("'", ".").replace(")", ".")):
        check_condition(text, {"n": "NUMBER_DOUBLE", "s": "STRING"})
