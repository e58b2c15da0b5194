"""A seminar's numbers as a picture. The page has the same numbers as a table."""

from typing import Any

import pygal
from flask_babel import gettext as _
from pygal.style import Style

from consent_service.seminars.queries import Numbers

# As an image the picture does not know the page's colours: it brings a ground of its own, which suits both.
_STYLE = Style(
    background="#ffffff",
    plot_background="#ffffff",
    foreground="#1a2327",
    foreground_strong="#1a2327",
    foreground_subtle="#4c595f",
    colors=("#0a5a66",),
    font_family="system-ui, sans-serif",
    label_font_size=16,
    major_label_font_size=16,
    value_font_size=16,
    value_colors=("#ffffff",),
)


def labels(numbers: Numbers) -> list[tuple[str, int]]:
    """What the chart and the table show, from top to bottom."""
    return [
        (_("Registered"), numbers.registered),
        (_("With a place"), numbers.places),
        (_("Waiting for a place"), numbers.waiting),
        (_("Have cancelled"), numbers.cancelled),
        (_("Attended"), numbers.attended),
    ]


def svg(numbers: Numbers) -> bytes:
    """The picture, without any script."""
    shown = labels(numbers)[::-1]
    chart = pygal.HorizontalBar(
        style=_STYLE,
        js=[],
        show_legend=False,
        print_values=True,
        width=720,
        height=320,
        margin=8,
        value_formatter=lambda value: f"{value:.0f}",
        include_x_axis=True,
        min_scale=1,
        max_scale=6,
        no_data_text="",
    )
    chart.x_labels = [label for label, _number in shown]
    chart.add("", [number for _label, number in shown])
    chart.add_xml_filter(_without_script)
    return bytes(chart.render(pretty_print=False))


def _without_script(root: Any) -> Any:
    """The picture without the script that shows values under the mouse: they stand in it anyway."""
    for parent in root.iter():
        for script in [child for child in parent if str(child.tag).rpartition("}")[2] == "script"]:
            parent.remove(script)
    return root
