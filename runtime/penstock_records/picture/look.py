"""Colours, glyphs and the one stylesheet of the drawings."""

from typing import Final

# Role: the word shown, its colour on light and on dark, and its glyph on a 16 x 16 grid.
ROLE_LOOK: Final = {
    "data_source": (
        "data source",
        "#0b857b",
        "#3fc1b4",
        "M3 4.2C3 2.9 5.2 2 8 2s5 .9 5 2.2-2.2 2.2-5 2.2-5-.9-5-2.2zM3 4.2v7.6C3 13.1 5.2 14 8 14"
        "s5-.9 5-2.2V4.2M3 8c0 1.3 2.2 2.2 5 2.2S13 9.3 13 8",
    ),
    "split": (
        "split",
        "#0a7ea4",
        "#4fb8dc",
        "M2 8h3.5M5.5 8C8.5 8 8 4 11 4h2.5M5.5 8C8.5 8 8 12 11 12h2.5"
        "M11.5 2l2 2-2 2M11.5 10l2 2-2 2",
    ),
    "preprocess": ("preprocess", "#4a5fc9", "#93a4ff", "M2 3h12L9.5 8.5V13L6.5 14V8.5z"),
    "tokenizer": (
        "tokenizer",
        "#7a52c7",
        "#b99bff",
        "M4.5 2H2v12h2.5M11.5 2H14v12h-2.5M5.5 6V5h5v1M8 5v6M6.8 11h2.4",
    ),
    "trainer": (
        "trainer",
        "#c76a11",
        "#f0a24b",
        "M2 2v12h12M4.5 4C5.5 9.5 8 11 13.5 11.3M10.5 4.5h.01M12.5 6.5h.01",
    ),
    "evaluator": (
        "evaluator",
        "#2b8a46",
        "#5fce80",
        "M2.3 12.5a6.5 6.5 0 1 1 11.4 0M8 10.5L11 6M8 10.5h.01M2.3 12.5h2M11.7 12.5h2",
    ),
    "inference": ("inference", "#b83f77", "#f08abb", "M9 1.5L3.5 9H7.5L7 14.5 12.5 7H8.5z"),
    "deployer": (
        "deployer",
        "#1f6fd0",
        "#6db1ff",
        "M4.5 12A3 3 0 0 1 4.3 6 4 4 0 0 1 12 6.5 2.8 2.8 0 0 1 11.8 12M8 14V8M5.8 10L8 7.8"
        " 10.2 10",
    ),
    "step": ("step", "#566579", "#a3b2c4", "M5.5 4L2 8l3.5 4M10.5 4L14 8l-3.5 4M9 3L7 13"),
    "parameter": (
        "parameter",
        "#857145",
        "#cdb67f",
        "M2 4.5h7M13 4.5h1M2 11.5h1M7 11.5h7M11 2.8a1.7 1.7 0 1 1 0 3.4 1.7 1.7 0 0 1"
        " 0-3.4zM5 9.8a1.7 1.7 0 1 1 0 3.4 1.7 1.7 0 0 1 0-3.4z",
    ),
    "exit": (
        "on exit",
        "#a84a45",
        "#f09a94",
        "M4 14.5V2M4 2.5c3-1.5 5 1.5 9 0v6.5c-4 1.5-6-1.5-9 0",
    ),
}
STATE_LOOK: Final = {
    "done": ("done", "#2b8a46", "#4fbf72", "M-2.6 .2L-.7 2.1 2.7-1.9"),
    "cached": ("cached", "#4a6fb5", "#86a9ee", "M.6-3L-2 .6H0L-.6 3 2-.6H0z"),
    "running": ("running", "#b7791f", "#eab04f", "M-1.3-2.2L2.3 0-1.3 2.2z"),
    "failed": ("failed", "#c43d3d", "#ff8080", "M-2-2L2 2M2-2L-2 2"),
}
ARROW_LOOK: Final = {
    "data": "data",
    "order": "order only",
    "branch": "branch",
}
_LOOP: Final = "M12.5 6A5 5 0 0 0 3.3 6.5M3.5 10A5 5 0 0 0 12.7 9.5M12.8 2.8V6H9.6M3.2 13.2V10H6.4"
_FORK: Final = (
    "M8 14V9.5M8 9.5C8 6.5 3.5 7 3.5 2.5M8 9.5C8 6.5 12.5 7 12.5 2.5M1.7 4.3L3.5 2.5 5.3 4.3"
)
_ELSE: Final = (
    "M8 14V9.5M8 9.5C8 6.5 3.5 7 3.5 2.5M8 9.5C8 6.5 12.5 7 12.5 2.5M10.7 4.3L12.5 2.5 14.3 4.3"
)
BOX_LOOK: Final = {
    "pipeline": ("#566579", "#a3b2c4", "M2 2h5v5H2zM9 9h5v5H9zM7 4.5h4.5V9"),
    "each": ("#7a52c7", "#b99bff", _LOOP),
    "when": ("#b0720c", "#eab04f", _FORK),
    "elsewhen": ("#b0720c", "#eab04f", _FORK),
    "otherwise": ("#b0720c", "#eab04f", _ELSE),
    "exit": ("#a84a45", "#f09a94", ROLE_LOOK["exit"][3]),
}
BOX_OTHER: Final = ("#566579", "#a3b2c4", "M2.5 2.5h11v11h-11z")
TINTS: Final = 4


def _style() -> str:
    light = [f".ps-{role}{{color:{look[1]}}}" for role, look in ROLE_LOOK.items()]
    dark = [f".ps-{role}{{color:{look[2]}}}" for role, look in ROLE_LOOK.items()]
    light += [f".ps-is-{state}{{color:{look[1]}}}" for state, look in STATE_LOOK.items()]
    dark += [f".ps-is-{state}{{color:{look[2]}}}" for state, look in STATE_LOOK.items()]
    light += [f".ps-in-{kind}{{color:{look[0]}}}" for kind, look in BOX_LOOK.items()]
    dark += [f".ps-in-{kind}{{color:{look[1]}}}" for kind, look in BOX_LOOK.items()]
    for at, tint in enumerate(("#f6f8fb", "#edf1f7", "#e4eaf2", "#dbe3ed")):
        light.append(f".ps-tint{at}{{fill:{tint}}}")
    for at, tint in enumerate(("#151c25", "#1b2430", "#222d3b", "#293646")):
        dark.append(f".ps-tint{at}{{fill:{tint}}}")
    return (
        _BASE
        + "\n"
        + "".join(light)
        + "\n@media (prefers-color-scheme:dark){"
        + _DARK
        + "".join(dark)
        + "}"
    )


_BASE: Final = """
.ps-picture{font-family:ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue",Arial,sans-serif}
.ps-canvas{fill:#fff}
.ps-heading{font-size:20px;font-weight:650;fill:#17212e;letter-spacing:-.2px}
.ps-subheading{font-size:12.5px;fill:#66758a}
.ps-legend{font-size:11px;fill:#66758a}
.ps-label{font-size:13.5px;font-weight:600;fill:#17212e}
.ps-pill{font-size:12px;fill:#2f3d4f}
.ps-detail{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;
font-size:10.5px;fill:#6f7e91}
.ps-card{fill:#fff;stroke:#d5dce6}
.ps-shade{fill:#24364f;fill-opacity:.07}
.ps-tile{fill:currentColor;fill-opacity:.13}
.ps-bar{fill:currentColor}
.ps-glyph{fill:none;stroke:currentColor;stroke-width:1.4;stroke-linecap:round;stroke-linejoin:round}
.ps-badge{fill:currentColor;stroke:#fff;stroke-width:1.5}
.ps-mark{fill:none;stroke:#fff;stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}
.ps-fail .ps-card{stroke:#c43d3d;stroke-width:1.5}
.ps-edge{fill:none;stroke:#8c9bb0;stroke-width:1.5}
.ps-tip{fill:#8c9bb0}
.ps-order .ps-edge{stroke-dasharray:2 4;stroke-linecap:round}
.ps-branch .ps-edge{stroke:#b0720c;stroke-dasharray:6 3}
.ps-branch .ps-tip{fill:#b0720c}
.ps-name{font-size:10.5px;fill:#51627a}
.ps-halo{fill:#fff;fill-opacity:.94}
.ps-box{stroke:currentColor;stroke-opacity:.38}
.ps-back{stroke:currentColor;stroke-opacity:.22}
.ps-in-otherwise .ps-box{stroke-dasharray:5 3}
.ps-box-name{font-size:11.5px;font-weight:600;fill:currentColor}
.ps-empty{fill:none;stroke:#c3ccd8;stroke-dasharray:5 4}
.ps-other{color:#566579}
""".strip()
_DARK: Final = """
.ps-canvas{fill:#0f151c}
.ps-heading,.ps-label{fill:#e8eef5}
.ps-subheading,.ps-legend,.ps-detail{fill:#93a3b5}
.ps-pill{fill:#d2dbe6}
.ps-card{fill:#1a232e;stroke:#344252}
.ps-shade{fill:#000;fill-opacity:.3}
.ps-tile{fill-opacity:.2}
.ps-badge{stroke:#1a232e}
.ps-mark{stroke:#10161d}
.ps-fail .ps-card{stroke:#ff8080}
.ps-edge{stroke:#71839a}
.ps-tip{fill:#71839a}
.ps-branch .ps-edge{stroke:#eab04f}
.ps-branch .ps-tip{fill:#eab04f}
.ps-name{fill:#a9b8c9}
.ps-halo{fill:#0f151c}
.ps-empty{stroke:#3b4959}
.ps-other{color:#a3b2c4}
""".strip()

STYLE: Final = _style()
