"""How every figure of the report looks, and the figures of labels, potential, barriers and cost."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from haven.core.numbers import count_of
from haven.core.types import Table
from haven.report.figures import vector

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by all kinds of colour vision. The last but one and two are
# darker than theirs: three times the contrast to white paper, and inverted to dark paper, too.
OKABE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#C48700", "#3D97CC", "#000000")
GREY = "#949494"  # as light as a mark may be
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
FIXED = {0.0: 0, 4.0: 1}  # values of U that always have the same signs, by their place in `OKABE`
SIGNS: dict[float, int] = {}  # those of a study's other values of U, of `style`
BY_SPECIES = {"Li": "#009E73", "Ti": "#0072B2", "Cl": OKABE[4], "all": "#000000",
              "vacancy": GREY}
WIDTH = 5.5  # inches: fonts of 12 points stay readable when a phone shows it 360 points wide
DPI = 160
MOST_KELVIN = 9  # temperatures in a legend, at most


@dataclass
class Picture:
    """One figure of the report.

    Attributes
    ----------
    key
        Short name; file name and HTML anchor.
    title
        Heading.
    caption
        What is seen, from how many runs, in which frame of reference, with which verdict.
    alt
        What the picture shows, for readers who cannot see it.
    figure
        The matplotlib figure.
    """

    key: str
    title: str
    caption: str
    alt: str
    figure: Figure

    @cached_property
    def drawn(self) -> tuple[list[vector.Curve], list[str]]:
        """Curves and their labels; the layout is worked out once and kept for all formats."""
        vector.letter(self.figure)
        self.figure.patch.set_facecolor("none")
        for axes in self.figure.axes:
            axes.patch.set_facecolor("none")
        self.figure.draw_without_rendering()
        self.figure.set_layout_engine(None)  # with any engine, "none" too, files are drawn twice
        curves = vector.curves_of(self.figure)
        return curves, vector.mark(self.figure, curves)

    @cached_property
    def vectors(self) -> bytes:
        """The picture as SVG."""
        return vector.raw_svg(self.figure) if self.drawn else b""

    @property
    def answers(self) -> bool:
        """Whether any of its points shows its values under the pointer; the template asks."""
        return any(curve.hover and curve.x for curve in self.drawn[0])

    def svg(self) -> str:
        """Return the picture as SVG to stand in the page."""
        return vector.inline(self.vectors, self.key, self.alt)

    def points(self) -> dict[str, Any]:
        """Return what the page's script shows of the curves, `vector.points_of`."""
        return vector.points_of(self.figure, *self.drawn)

    def save(self, folder: Path) -> None:
        """Write the picture as PNG, as SVG and PDF of a journal's width, its numbers as CSV."""
        folder.mkdir(parents=True, exist_ok=True)
        svg = vector.journal_svg(self.vectors)
        (folder / f"{self.key}.svg").write_text(svg, encoding="utf-8")
        (folder / f"{self.key}.csv").write_text(
            vector.table_of(self.figure, self.drawn[0]), encoding="utf-8")
        self.figure.savefig(folder / f"{self.key}.png", dpi=DPI, facecolor="white")
        vector.journal_pdf(self.figure, folder / f"{self.key}.pdf")


def style(us: Iterable[float] = ()) -> None:
    """Set fonts, lines and grid for all figures, and the signs of values of U, eV."""
    import matplotlib as mpl
    import seaborn as sns

    mpl.use("Agg")
    SIGNS.clear()
    SIGNS.update({u_ev: len(FIXED) + place for place, u_ev in enumerate(
        sorted({float(u_ev) for u_ev in us} - set(FIXED)))})
    sns.set_theme(style="ticks", rc={
        "figure.dpi": DPI, "font.size": 12, "axes.labelsize": 12, "axes.titlesize": 12,
        "xtick.labelsize": 11, "ytick.labelsize": 11, "legend.fontsize": 10.5,
        "legend.title_fontsize": 10.5, "legend.frameon": False, "axes.grid": True,
        "grid.color": "#e4e4e4", "grid.linewidth": 0.6, "axes.spines.top": False,
        "axes.spines.right": False, "lines.linewidth": 1.8,
        "font.family": "DejaVu Sans", "mathtext.default": "regular",
    })


def panels(rows: int = 1, columns: int = 1, height: float = 3.6, **kwargs: Any) -> tuple:
    """Return a figure as wide as the report's column and its axes as an array (rows, columns)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **kwargs)


def u_place(u_ev: float) -> int:
    """Return the place of a value of U among a study's: 0 for 0 eV, 1 for 4 eV, then the others."""
    u_ev = float(u_ev)
    return FIXED.get(u_ev, SIGNS.get(u_ev, len(FIXED) + int(u_ev * 2) % 5))


def u_colour(u_ev: float) -> str:
    """Return the colour of a value of U; 0 and 4 eV always have the same one."""
    return OKABE[u_place(u_ev) % len(OKABE)]


def u_marker(u_ev: float) -> str:
    """Return the marker of a value of U, so that colour is never the only sign.

    Beyond as many values as there are markers, each goes with another colour.
    """
    place = u_place(u_ev)
    return MARKERS[(place + place // len(OKABE)) % len(MARKERS)]


def u_label(u_ev: float) -> str:
    """Return ``U = 4 eV``."""
    return f"U = {float(u_ev):g} eV"


def temperature_colours(temperatures: Iterable[float]) -> dict[float, tuple]:
    """Return a dark-to-light colour for each temperature, K, readable without colour vision.

    The lightest still stands out from white paper, and inverted from dark paper, three to one.
    """
    import matplotlib as mpl

    ordered = sorted(set(temperatures))
    span = max(len(ordered) - 1, 1)
    scale = mpl.colormaps["viridis"]
    return {t: scale(0.6 * i / span) for i, t in enumerate(ordered)}


def legend_below(figure: Figure, axes: Iterable[Axes], columns: int = 3,
                 title: str | None = None) -> None:
    """Put one legend of what all axes show under the whole figure, where it covers no data."""
    unique = _named(axes)
    _legend(figure, unique, thinned(sorted(unique, key=_by_number)), columns, title)


def _named(axes: Iterable[Axes]) -> dict[str, Any]:
    """Return the labels of what axes show, each with the first handle that has it."""
    unique: dict[str, Any] = {}
    for axis in axes:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            unique.setdefault(label, handle)
    return unique


def _legend(figure: Figure, named: dict[str, Any], labels: list[str], columns: int,
            title: str | None = None) -> None:
    """Put a legend of some labels, if there are any, below a figure."""
    if labels:
        figure.legend([named[label] for label in labels], labels, loc="outside lower center",
                      ncols=columns, title=title)


def _by_number(label: str) -> float:
    """Return where a label stands in a legend of temperatures or times; others stay in place."""
    found = re.fullmatch(r"([0-9.]+) (K|ps)", label)
    return float(found[1]) if found else 0.0


def thinned(labels: list[str]) -> list[str]:
    """Return a legend's labels with some of many temperatures, evenly apart, first and last kept.

    The colours of temperatures go from dark to light, so that those left out can be inferred.
    """
    kelvin = [label for label in labels if re.fullmatch(r"[0-9.]+ K", label)]
    if len(kelvin) <= MOST_KELVIN:
        return labels
    kelvin.sort(key=_by_number)
    last = len(kelvin) - 1
    kept = {kelvin[round(n * last / (MOST_KELVIN - 1))] for n in range(MOST_KELVIN)}
    return [label for label in labels if label in kept or label not in kelvin]


def joint_legend(figure: Figure, axes: Iterable[Axes], columns: int = 2) -> None:
    """Put one legend of several axes under the whole figure."""
    named = _named(axes)
    _legend(figure, named, sorted(named, key=_by_u), columns)


def _by_u(label: str) -> tuple[bool, float, bool]:
    """Return where a label stands in a legend: all of a U together, its points first."""
    of_u, _, more = label.partition(",")
    if not of_u.startswith("U = "):
        return True, 0.0, False
    return False, float(of_u.split()[2]), bool(more)


def run_count(table: Table) -> str:
    """Return how many runs a per-run table holds, in words."""
    keys = [k for k in ("u_ev", "temperature_k", "replica", "seed") if k in table]
    return count_of(len(table.drop_duplicates(keys)), "run")


def frames_of_reference(table: Table) -> str:
    """Return the frame of reference of a transport table, in words."""
    words = {"host": "host lattice (centre of mass of all but the mobile species)",
             "barycentre": "barycentre of all atoms",
             "simulation": "the simulation's own (no host in the file)"}
    names = sorted(set(table["frame_of_reference"])) if "frame_of_reference" in table else []
    return " and ".join(words.get(name, str(name)) for name in names) or "not stated"


def plain_log(axes: Axes, which: str = "y") -> None:
    """Label a log axis that spans little with plain numbers (60, 100, 200), not powers."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    axis = axes.yaxis if which == "y" else axes.xaxis
    low, high = axes.get_ylim() if which == "y" else axes.get_xlim()
    subs = (1, 2, 5) if high < 15 * low else (1, 3) if high < 60 * low else (1,)
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(FuncFormatter(lambda value, _: ""))


def decade_limits(axes: Axes, low: float, high: float, which: str = "y") -> None:
    """Set a log axis to whole decades about the data, at least one of them."""
    if low <= 0 or high <= 0:
        return
    start, stop = math.floor(math.log10(low)), math.ceil(math.log10(high))
    limits = (10.0**start, 10.0 ** max(stop, start + 1))
    (axes.set_ylim if which == "y" else axes.set_xlim)(*limits)
