"""Figures as vector graphics: numbers of the curves, SVG for the page, files for a journal."""

from __future__ import annotations

import csv
import io
import logging
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SVG, LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
LAYOUT_TABLES = ("GSUB", "GPOS", "GDEF", "kern")  # of a font: in a PDF each glyph has its place
COLUMN_MM = 86.0  # width of one column of a journal
MM_PER_INCH, POINTS_PER_INCH = 25.4, 72.0
MOST_POINTS = 400  # of a curve that answers to the pointer; its file has all of them
LONG_TITLE = 12  # letters, which leave no room for a panel's own letter beside them
FONTS = "'DejaVu Sans', Verdana, 'Segoe UI', sans-serif"
_SERIES, _KEY = "haven-series-", "haven-key-"
_OPENS = "_haven_opens"  # attribute of an artist: the scenes that its points open


@dataclass
class Curve:
    """One curve or set of points as drawn.

    Attributes
    ----------
    panel
        Number of its axes, from 0.
    label
        Its name in the legend; empty where it has none.
    x, y
        Numbers, in the axes' units.
    low, high
        Ends of error bars, as far as there; of the same length, or empty.
    artists
        What is drawn of it.
    hover
        Whether its points show their values under the pointer.

        opens For each point the scene that it opens (`opens`), or one for all; empty for none.
    """

    panel: int
    label: str
    x: list[float]
    y: list[float]
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    artists: list[Any] = field(default_factory=list)
    hover: bool = True
    opens: list[str] = field(init=False)

    def __post_init__(self) -> None:
        """Take the scenes from what is drawn."""
        said = (getattr(artist, _OPENS, []) for artist in self.artists)
        self.opens = next((list(scenes) for scenes in said if scenes), [])

    def scene(self, number: int) -> str:
        """Return the scene that a point opens; empty for none."""
        return self.opens[number % len(self.opens)] if self.opens else ""


def opens(drawn: Any, *scenes: str) -> None:
    """Set which scenes are opened by the points of something drawn, on the page.

    Parameters
    ----------
    drawn
        What matplotlib's ``plot``, ``errorbar``, ``scatter`` or ``step`` returned.
    scenes
        One for all points, or one for each; `haven.report.figures.scene_names`.
    """
    first = drawn[0] if isinstance(drawn, list | tuple) else drawn
    setattr(first, _OPENS, list(scenes))


def panels_of(figure: Figure) -> list[Axes]:
    """Return the axes that show data: no colour bars."""
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]


def letter(figure: Figure) -> None:
    """Put (a), (b), ... at the upper left of the panels, or before a title that is long."""
    panels = panels_of(figure)
    if len(panels) < 2:
        return
    for number, axes in enumerate(panels):
        name = f"({chr(ord('a') + number)})" if number < 26 else f"({number + 1})"
        if len(axes.get_title()) > LONG_TITLE:
            axes.title.set_text(f"{name} {axes.get_title()}")
        else:
            axes.set_title(name, loc="left", fontweight="bold", fontsize=11)


def curves_of(figure: Figure) -> list[Curve]:
    """Return every curve of a figure, in the order of its panels."""
    found: list[Curve] = []
    for panel, axes in enumerate(panels_of(figure)):
        mine = [*_barred(axes, panel), *_lines(axes, panel), *_scattered(axes, panel),
                *_bars(axes, panel), *_steps(axes, panel)]
        found += _adopt(axes, _joined(mine))
    return found


def _name(artist: Any) -> str:
    label = str(artist.get_label() or "")
    return "" if label.startswith("_") else label


def _floats(values: Any) -> list[float]:
    import numpy as np

    return [float(value) for value in np.ma.filled(np.ma.asarray(values, float), math.nan)]


def _barred(axes: Axes, panel: int) -> Iterator[Curve]:
    """Yield points with error bars; of a limit only the limit itself."""
    import numpy as np
    from matplotlib.container import ErrorbarContainer

    for container in axes.containers:
        if not isinstance(container, ErrorbarContainer):
            continue
        line, caps, bars = container.lines
        if line is None:
            continue
        x, y = _floats(line.get_xdata()), _floats(line.get_ydata())
        curve = Curve(panel, _name(container), x, y, artists=[line, *caps, *bars])
        limit = any(getattr(cap, "get_marker", lambda: "|")() not in ("|", "_", 0, 1)
                    for cap in caps)
        if bars and container.has_yerr and not container.has_xerr and not limit:
            ends = [np.asarray(segment, float) for segment in bars[-1].get_segments()]
            if len(ends) == len(x) and all(len(end) for end in ends):
                curve.low = [float(end[:, 1].min()) for end in ends]
                curve.high = [float(end[:, 1].max()) for end in ends]
        yield curve


def _lines(axes: Axes, panel: int) -> Iterator[Curve]:
    from matplotlib.container import ErrorbarContainer

    taken = {id(part) for container in axes.containers if isinstance(container, ErrorbarContainer)
             for part in (container.lines[0], *container.lines[1])}
    for line in axes.lines:
        if id(line) in taken:
            continue
        crosses = line.get_transform() != axes.transData  # a line across the panel has no points
        x, y = ([], []) if crosses else (_floats(line.get_xdata()), _floats(line.get_ydata()))
        yield Curve(panel, _name(line), x, y, artists=[line])


def _scattered(axes: Axes, panel: int) -> Iterator[Curve]:
    import numpy as np
    from matplotlib.collections import PathCollection

    for points in axes.collections:
        if isinstance(points, PathCollection):
            where = np.ma.filled(np.ma.asarray(points.get_offsets(), float), math.nan)
            yield Curve(panel, _name(points), where[:, 0].tolist(), where[:, 1].tolist(),
                        artists=[points], hover=not points.get_rasterized())


def _bars(axes: Axes, panel: int) -> Iterator[Curve]:
    from matplotlib.container import BarContainer

    for container in axes.containers:
        if isinstance(container, BarContainer):
            boxes = list(container.patches)
            lying = container.orientation == "horizontal"
            ends = [(b.get_x() + b.get_width(), b.get_y() + b.get_height() / 2) if lying else
                    (b.get_x() + b.get_width() / 2, b.get_y() + b.get_height()) for b in boxes]
            yield Curve(panel, _name(container), [float(x) for x, _ in ends],
                        [float(y) for _, y in ends], artists=boxes)


def _steps(axes: Axes, panel: int) -> Iterator[Curve]:
    """Yield outlines of histograms."""
    from matplotlib.patches import Polygon

    for patch in axes.patches:
        if isinstance(patch, Polygon):
            where = patch.get_xy()
            yield Curve(panel, _name(patch), _floats(where[:, 0]), _floats(where[:, 1]),
                        artists=[patch])


def _joined(curves: list[Curve]) -> list[Curve]:
    """Return points that were drawn one by one under one label as one curve."""
    kept: list[Curve] = []
    for curve in curves:
        same = next((k for k in kept if curve.label and k.label == curve.label
                     and len(curve.x) == 1 and bool(k.low) == bool(curve.low)), None)
        if same is None:
            kept.append(curve)
            continue
        same.opens = [each.scene(n) for each in (same, curve) for n in range(len(each.x))]
        for name in ("x", "y", "low", "high", "artists"):
            getattr(same, name).extend(getattr(curve, name))
    return kept


def _colour(artist: Any) -> tuple[float, ...] | None:
    """Return the colour of an artist without its opacity."""
    import numpy as np
    from matplotlib.colors import to_rgb

    for name in ("get_facecolor", "get_edgecolor", "get_color"):
        found = getattr(artist, name, None)
        if found is None:
            continue
        value = found()
        rows = np.atleast_2d(value) if not isinstance(value, str) else None
        if rows is not None and (rows.size == 0 or len(rows) > 1):
            continue
        return tuple(round(float(part), 3) for part in
                     (to_rgb(value) if rows is None else rows[0][:3]))
    return None


def _adopt(axes: Axes, curves: list[Curve]) -> list[Curve]:
    """Give bands and lines without a name to the curve of their colour drawn last before them.

    Returns
    -------
    list of Curve
        The curves without such lines: they repeat a part of their curve.
    """
    from matplotlib.collections import PolyCollection

    named = [curve for curve in curves if curve.label]
    colours = {id(curve): _colour(curve.artists[0]) for curve in named}

    def owner(artist: Any) -> Curve | None:
        mine = [curve for curve in named if colours[id(curve)] == _colour(artist)]
        return mine[-1] if mine else None

    for band in axes.collections:
        of = owner(band) if isinstance(band, PolyCollection) else None
        if of:
            of.artists.append(band)
    kept = []
    for curve in curves:
        of = None if curve.label or not curve.x else owner(curve.artists[0])
        if of:
            of.artists += curve.artists
        else:
            kept.append(curve)
    return kept


def mark(figure: Figure, curves: list[Curve]) -> list[str]:
    """Name the artists of each curve and of each legend entry, and return the labels by number."""
    labels = list(dict.fromkeys(curve.label for curve in curves if curve.label))
    for curve in curves:
        if curve.label:
            for artist in curve.artists:
                artist.set_gid(f"{_SERIES}{labels.index(curve.label)}")
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend())]
    for legend in legends:
        for text, parts in _entries(legend):
            if text.get_text() in labels:
                number = labels.index(text.get_text())
                for artist in (text, *parts):
                    artist.set_gid(f"{_KEY}{number}")
    return labels


def _entries(legend: Any) -> Iterator[tuple[Any, list[Artist]]]:
    """Yield the text and the drawn parts of each entry of a legend."""
    for column in legend._legend_handle_box.get_children():
        for entry in column.get_children():
            area, text = entry.get_children()
            yield text._text, list(area.get_children())


def points_of(figure: Figure, curves: list[Curve], labels: list[str]) -> dict[str, Any]:
    """Return the data of the points that the page's script shows under the pointer.

    Returns
    -------
    dict
        ``size``: width and height of the drawing, points. ``panels``: its box (left, top, right,
        bottom) and the names of its axes. ``curves``: panel, number of the label (-1: none), and
        points: place in the drawing, x, y, ends of the error bar or None; ``opens``: the scene that
        all points open, or that of each.
    """
    import numpy as np

    scale = POINTS_PER_INCH / figure.dpi
    width, height = (float(size) * POINTS_PER_INCH for size in figure.get_size_inches())
    boxes, shown = [], []
    panels = panels_of(figure)
    for axes in panels:
        box = axes.get_window_extent()
        boxes.append({"box": [round(v, 1) for v in (box.x0 * scale, height - box.y1 * scale,
                                                    box.x1 * scale, height - box.y0 * scale)],
                      "x": _axis_name(axes, panels, "x"), "y": _axis_name(axes, panels, "y"),
                      "title": axes.get_title()})
    for curve in curves:
        if not curve.hover or not curve.x:
            continue
        box = boxes[curve.panel]["box"]
        with np.errstate(all="ignore"):
            where = panels[curve.panel].transData.transform(
                np.stack([np.asarray(curve.x, float), np.asarray(curve.y, float)], axis=1)) * scale
        kept, turned = [], []
        for number, (across, up) in enumerate(where.tolist()):
            down = height - up
            if not (math.isfinite(across) and math.isfinite(down)):
                continue
            if not (box[0] - 1 <= across <= box[2] + 1 and box[1] - 1 <= down <= box[3] + 1):
                continue
            ends = ([_short(curve.low[number]), _short(curve.high[number])]
                    if number < len(curve.low) else [])
            kept.append([round(across, 1), round(down, 1), _short(curve.x[number]),
                         _short(curve.y[number]), *ends])
            turned.append(curve.scene(number))
        step = max(1, math.ceil(len(kept) / MOST_POINTS))
        if kept:
            shown.append({"panel": curve.panel, "label": labels.index(curve.label)
                          if curve.label else -1, "points": kept[::step]})
            if any(turned):
                shown[-1]["opens"] = turned[0] if len(set(turned)) == 1 else turned[::step]
    return {"size": [round(width, 1), round(height, 1)], "panels": boxes, "labels": labels,
            "curves": shown}


def _axis_name(axes: Axes, panels: list[Axes], which: str) -> str:
    """Return the label of an axis; of panels that share it, the one that is written."""
    def own(some: Axes) -> str:
        return some.get_xlabel() if which == "x" else some.get_ylabel()

    if own(axes):
        return " ".join(own(axes).split())
    group = axes.get_shared_x_axes() if which == "x" else axes.get_shared_y_axes()
    names = [own(other) for other in panels if group.joined(axes, other) and own(other)]
    return " ".join(names[0].split()) if names else which


def _short(value: float) -> float | None:
    return float(f"{value:.5g}") if math.isfinite(value) else None


def table_of(figure: Figure, curves: list[Curve]) -> str:
    """Return the numbers drawn as CSV: panel, label, axes, x, y, ends of the error bars."""
    stream = io.StringIO()
    write = csv.writer(stream, lineterminator="\n").writerow
    write(["panel", "title", "curve", "x_axis", "y_axis", "x", "y", "low_95", "high_95"])
    panels = panels_of(figure)
    for curve in curves:
        axes = panels[curve.panel]
        letter_of = chr(ord("a") + curve.panel) if len(panels) > 1 and curve.panel < 26 else ""
        names = (_axis_name(axes, panels, "x"), _axis_name(axes, panels, "y"))
        for number, (x, y) in enumerate(zip(curve.x, curve.y, strict=True)):
            ends = ([curve.low[number], curve.high[number]] if number < len(curve.low) else
                    ["", ""])
            write([letter_of, axes.get_title(), curve.label, *names, x, y, *ends])
    return stream.getvalue()


def raw_svg(figure: Figure) -> bytes:
    """Return the figure as SVG with text kept as text."""
    import matplotlib as mpl

    stream = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "haven"}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def inline(svg: bytes, key: str, alt: str) -> str:
    """Return an SVG to stand inside a page: no global style, no name that another figure may have.

    Parameters
    ----------
    svg
        Of `raw_svg`.
    key
        The figure's key, which its names begin with.
    alt
        Description of the picture for readers who cannot see it.
    """
    root = _cleaned(svg)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("class", "plot")
    root.set("role", "img")
    root.set("aria-label", alt)
    text = _text(root)
    used = set(re.findall(r"url\(#([^)]+)\)|href=\"#([^\"]+)\"", text))
    known = {name for pair in used for name in pair if name}
    for element in root.iter():
        name = element.get("id")
        if name is None:
            continue
        del element.attrib["id"]
        for start, attribute in ((_SERIES, "data-series"), (_KEY, "data-key")):
            if name.startswith(start):
                element.set(attribute, name.removeprefix(start))
        if name in known:
            element.set("id", f"{key}-{name}")
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{key}-\1)", _text(root))
    return re.sub(r'href="#([^"]+)"', rf'href="#{key}-\1"', text)


def _cleaned(svg: bytes) -> ElementTree.Element:
    """Return an SVG's tree without metadata and style sheet, numbers of two decimals."""
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", LINK)
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
                parent.remove(child)
    for element in root.iter():
        old = element.attrib.pop(f"{{{LINK}}}href", None)
        if old is not None:
            element.set("href", old)
        for name in ("d", "x", "y", "transform", "points", "width", "height"):
            if name in element.attrib and not (element is root or (name == "transform" and
                                               "scale(0.0" in element.attrib[name])):
                element.set(name, _rounded(element.attrib[name]))
        style = element.attrib.get("style", "")
        if "font" in style:
            element.set("style", re.sub(r"'DejaVu Sans'(,[^;]*)?", FONTS, style))
    return root


def _rounded(text: str) -> str:
    """Return text with its numbers to two decimals."""
    return re.sub(r"-?\d+\.\d{3,}", lambda m: f"{float(m.group()):.2f}".rstrip("0").rstrip("."),
                  " ".join(text.split()))


def _text(root: ElementTree.Element) -> str:
    return ElementTree.tostring(root, encoding="unicode")


def journal_svg(svg: bytes) -> str:
    """Return an SVG as wide as a journal's column."""
    root = _cleaned(svg)
    root.set("stroke-linejoin", "round")
    box = [float(part) for part in root.attrib["viewBox"].split()]
    root.set("width", f"{COLUMN_MM:g}mm")
    root.set("height", f"{COLUMN_MM * box[3] / box[2]:.2f}mm")
    for element in root.iter():
        for start in (_SERIES, _KEY):
            if element.get("id", "").startswith(start):
                del element.attrib["id"]
                break
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + _text(root) + "\n"


def journal_pdf(figure: Figure, path: Path) -> None:
    """Write a figure as PDF as wide as a journal's column, all its parts scaled alike."""
    import matplotlib as mpl
    from fontTools.subset import Options
    from matplotlib.backends.backend_pdf import Op, PdfFile, PdfPages

    dropped = Options._drop_tables_default
    dropped.extend(name for name in LAYOUT_TABLES if name not in dropped)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of every glyph
    factor = COLUMN_MM / MM_PER_INCH / float(figure.get_size_inches()[0])

    class Scaled(PdfFile):
        def newPage(self, width: float, height: float) -> None:  # noqa: N802
            super().newPage(width * factor, height * factor)
            self.output(factor, 0, 0, factor, 0, 0, Op.concat_matrix)

    with mpl.rc_context({"pdf.fonttype": 42}):
        pages = PdfPages(path, metadata={"CreationDate": None})
        pages._file = Scaled(path, metadata={"CreationDate": None})
        figure.savefig(pages, format="pdf")  # type: ignore[arg-type]
        pages.close()
