"""A protocol as people read it: tables, a Mermaid diagram and an SVG drawing, printed from the data."""

from app.describe.drawing import svg
from app.describe.mermaid import mermaid
from app.describe.page import page, table

__all__ = ["mermaid", "page", "svg", "table"]
