"""Charts as SVG pictures, for <img>: without script, and in the colours of light and dark pages."""

import sys
from collections.abc import Sequence
from typing import Any

import pygal
from flask import Response
from pygal.style import Style

# For plugins with maps, of which we have none, pygal hooks into every import, in a way that is going from Python.
sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__name__ != "PluginImportFixer"]

_WIDE, _NARROW = (760, 40), (360, 22)  # pixels, and the longest label in characters
_BAR_HEIGHT, _FRAME_HEIGHT = 34, 60
_BESIDE_THE_BAR = "\u2003"  # values are centred on the end of their bar
_FONT = "Inter, system-ui, 'Segoe UI', Roboto, Arial, sans-serif"
_DARK = """inline:
@media (prefers-color-scheme: dark) {
  .axis text, .text-overlay text { fill: #e7ecea !important; }
  .series rect { fill: #6fc7ce !important; stroke: #6fc7ce !important; }
  .axis .guide.line, .axis .line { stroke: #2f3b40 !important; }
}
"""

# An image runs nothing; opened by itself it must not either.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def picture(values: Sequence[tuple[str, int]], is_narrow: bool = False) -> Response:
    """The answer with horizontal bars, one for each label, in this order from above; narrow ones suit a phone."""
    headers = {"Content-Type": "image/svg+xml", "Content-Security-Policy": _POLICY}
    width, longest = _NARROW if is_narrow else _WIDE
    return Response(_bars(values, width, longest), headers=headers)


def _bars(values: Sequence[tuple[str, int]], width: int, longest: int) -> bytes:
    style = Style(
        background="transparent",
        plot_background="transparent",
        foreground="#1a2327",
        foreground_strong="#1a2327",
        foreground_subtle="#d4dad6",
        colors=("#0a5a66",),
        opacity="1",
        opacity_hover="1",
        transition="0",
        font_family=_FONT,
        label_font_size=14,
        major_label_font_size=14,
        value_font_size=14,
    )
    chart = pygal.HorizontalBar(
        style=style,
        css=["file://style.css", "file://graph.css", _DARK],
        js=[],
        width=width,
        height=_FRAME_HEIGHT + _BAR_HEIGHT * len(values),
        show_legend=False,
        show_x_labels=False,
        show_x_guides=False,
        show_y_guides=False,
        print_values=True,
        print_values_position="top",
        truncate_label=longest,
        margin=10,
        range=(0, max((number for _, number in values), default=0) or 1),
        value_formatter=lambda value: f"{_BESIDE_THE_BAR}{value:.0f}",
        include_x_axis=False,
        pretty_print=False,
    )
    chart.x_labels = [_short(label, longest) for label, _ in reversed(values)]
    chart.add("", [number for _, number in reversed(values)])
    chart.add_xml_filter(_without_script)
    rendered: bytes = chart.render()
    return rendered


def _short(label: str, longest: int) -> str:
    return label if len(label) <= longest else label[: longest - 1] + "…"


def _without_script(root: Any) -> Any:
    for parent in list(root.iter()):
        for child in list(parent):
            if str(child.tag).endswith("script"):
                parent.remove(child)
    return root
