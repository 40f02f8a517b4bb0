"""Draws a pipeline graph from plain data: as SVG, as Mermaid and for the terminal."""

from penstock_records.picture.as_mermaid import mermaid
from penstock_records.picture.as_svg import svg
from penstock_records.picture.as_text import text
from penstock_records.picture.model import Arrow, Box, Node, Picture

__all__ = ["Arrow", "Box", "Node", "Picture", "mermaid", "svg", "text"]
