"""What a table is: its name and columns; and the columns that several tables share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name
        Column name; carries the unit as suffix where the unit is fixed.
    kind
        ``str``, ``int``, ``float`` or ``bool``.
    meaning
        What the value is.
    unit
        Unit, or empty for dimensionless.
    nullable
        Whether a value may be missing.
    """

    name: str
    kind: str
    meaning: str
    unit: str = ""
    nullable: bool = False


@dataclass(frozen=True)
class Schema:
    """One table: its name, which its files carry, and its columns in their order."""

    name: str
    columns: tuple[Column, ...]

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return [column.name for column in self.columns]


def text(name: str, meaning: str, nullable: bool = False) -> Column:
    """Return a column of text."""
    return Column(name, "str", meaning, "", nullable)


def whole(name: str, meaning: str, nullable: bool = False) -> Column:
    """Return a column of whole numbers."""
    return Column(name, "int", meaning, "", nullable)


def real(name: str, meaning: str, unit: str = "", nullable: bool = False) -> Column:
    """Return a column of floating-point numbers, with their unit."""
    return Column(name, "float", meaning, unit, nullable)


def truth(name: str, meaning: str, nullable: bool = False) -> Column:
    """Return a column of true or false."""
    return Column(name, "bool", meaning, "", nullable)


MATERIAL = text("material", "name of the material file")
U_EV = real("u_ev", "Hubbard U - J on the d shell", "eV")
TEMPERATURE = real("temperature_k", "set temperature", "K")
REPLICA = whole("replica", "number of the disorder replica")
SEED = whole("seed", "random seed of the potential (dynamics: of the potential that drives it)")
RUN = (MATERIAL, U_EV, TEMPERATURE, REPLICA, SEED)
LOW = "lower end of the 95 % interval"
HIGH = "upper end of the 95 % interval"
VERDICT = text("verdict", "diffusive | subdiffusive | too_few_events | no_host | drifting | "
               "not_stationary | unstable")
FRAME = text("frame_of_reference", "host (centre of mass of all other species) | barycentre | "
             "simulation (a file of the mobile ions alone)")
AXIS = text("axis", "xyz | x | y | z (Cartesian; x along a, y along b)")

VERDICTS = Schema("verdicts", (
    MATERIAL,
    text("stage", "process that judged"),
    text("subject", "run, potential or structure judged"),
    text("check", "what was checked"),
    real("value", "what was found", nullable=True),
    real("limit", "what it was held against", nullable=True),
    text("unit", "unit of both"),
    truth("passed", "whether it holds"),
    text("message", "one sentence for the report"),
))
