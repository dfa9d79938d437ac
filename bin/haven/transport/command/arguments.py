"""Options of the command ``./haven transport``, and checks of their values."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from haven.core.errors import HavenError
from haven.core.options import U_EV, Parser, add_declared, add_name, real, whole
from haven.trajectory.options import add_reading
from haven.transport.options import Estimation, Reference


def parser_of(description: str | None, beside: bool = False) -> argparse.ArgumentParser:
    """Return the parser of the command line; ``description`` heads its help.

    ``beside`` adds the options of other analyses of the same files.
    """
    parser = Parser(description=description, allow_abbrev=False,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", metavar="FILE", help="trajectory files")
    parser.add_argument("--trajectory", metavar="FILE", help="another way to name one file")
    _add_subject(parser)
    _add_runs(parser)
    add_reading(parser)
    _add_analysis(parser)
    if beside:
        _add_beside(parser)
    parser.set_defaults(structure=False, hops=False)
    _add_output(parser)
    return parser


def _add_subject(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which ions move, in what, and against what."""
    what = parser.add_argument_group("what moves")
    what.add_argument("--species", metavar="ELEMENTS",
                      help="mobile element, or several such as Li,Na; default: the material's")
    what.add_argument("--charge", metavar="Z",
                      help="charge of the mobile ion, or one for each species (--charge=-1,2); "
                           "default: the usual one of the element")
    what.add_argument("--framework", default="", metavar="ELEMENTS",
                      help="elements of the solid host; default: all that are not mobile")
    what.add_argument("--ions", default="", metavar="NUMBERS",
                      help="these mobile ions alone, such as 1-16,20 (ids, or places from 1)")
    add_declared(parser, Reference)
    add_declared(parser, Estimation)
    what.add_argument("--material", metavar="NAME",
                      help="material file (.yml), or a name; default: formula of the cell")


def _add_runs(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which files are one run, and the run's place in a study."""
    runs = parser.add_argument_group("runs")
    runs.add_argument("--temperature_k", default="", metavar="K",
                      help="temperature, or one for each file with commas between; default: from "
                           "the file or a name such as run_600K.xtc")
    runs.add_argument("--runs", choices=("auto", "one", "each"), default="auto",
                      help="files of one temperature are pieces of one run (one), a run each "
                           "(each), or what their times say (auto, the default)")
    runs.add_argument("--replica", type=whole("replica"), metavar="N",
                      help="number of the first run; default: from containers (npz), else 0")
    runs.add_argument("--u_ev", type=U_EV, metavar="EV",
                      help="Hubbard U of the potential; default: from containers, else 0")
    runs.add_argument("--seed", type=whole("seed"), metavar="N",
                      help="seed of the potential; default: from containers, else 1")


def _add_analysis(parser: argparse.ArgumentParser) -> None:
    """Add the options of the analysis itself."""
    how = parser.add_argument_group("analysis")
    how.add_argument("--jump_angstrom", type=real("jump_angstrom", "Angstrom", least=0.1, most=100),
                     metavar="A",
                     help="jump length; default: distance of neighbouring mobile ions")
    how.add_argument("--min_events", type=whole("min_events", 1), default=30, metavar="N",
                     help="jumps needed for a number (default 30)")
    how.add_argument("--thickness_angstrom",
                     type=real("thickness_angstrom", "Angstrom", above=0, most=1e6), metavar="A",
                     help="thickness of a slab: conductivity is per its volume")


def _add_beside(parser: argparse.ArgumentParser) -> None:
    """Add the options of further analyses, for which the files are not read again."""
    also = parser.add_argument_group("beside, from one reading of the files")
    also.add_argument("--structure", action="store_true",
                      help="radial distributions too, as ./haven structure writes them")
    also.add_argument("--hops", action="store_true",
                      help="jumps between sites, tracks and maps too, as ./haven hops writes "
                           "them; needs a material file (--material FILE.yml)")


def _add_output(parser: argparse.ArgumentParser) -> None:
    """Add the options of what is written, drawn and printed."""
    out = parser.add_argument_group("output")
    add_name(parser)
    out.add_argument("--out", default=".", metavar="FOLDER", help="folder for tables and pictures")
    out.add_argument("--json", action="store_true",
                     help="print every number as JSON, whose keys AGENTS.md lists; what is said "
                          "otherwise goes to the error stream")
    out.add_argument("--pictures", action=argparse.BooleanOptionalAction, default=True,
                     help="draw the displacements and the Arrhenius lines (default)")


def checked(
    description: str | None, argv: Sequence[str] | None, beside: bool = False,
) -> argparse.Namespace:
    """Return the options of a command line, all files in ``files``.

    ``beside`` takes the options of other analyses of the same files, too.

    Raises
    ------
    HavenError
        If there is no file, or a value is outside its range.
    """
    given = parser_of(description, beside).parse_args(argv)
    given.files += [given.trajectory] if given.trajectory else []
    if not given.files:
        raise HavenError("no trajectory: name one file or more")
    if given.hops and Path(given.material or "").suffix not in (".yml", ".yaml"):
        raise HavenError("--hops: give the material file, which says where the sites are, with "
                         "--material FILE.yml")
    return given
