"""Options are declared once, as fields of dataclasses, and scripts and pipeline follow from that.

A field made by `option` holds the default, the meaning, the unit and the range. `add` makes
``argparse`` options of the fields, `read` makes an instance of what was given, and
`haven.parameters` writes the pipeline's parameters, their JSON schema and the options of each
process from the same fields.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
import re
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haven.core.errors import HavenError

KEY = "option"
MOST_WHOLE = 2_000_000_000  # below 2^31, which every generator of random numbers takes
BOOLEANS = {"true": True, "false": False}
# The shells' and JSON's ways to write a number; digits, no "nan", no "inf", no "1_000".
NUMBER = r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?"
WHOLE = r"[-+]?[0-9]+"
# One line of text: no control character reaches a path, a header or a command.
LINE = r"[^\x00-\x1f\x7f]+"
# A word that names something: an account, a set of occupancies. It never looks like an option.
WORD = r"[A-Za-z0-9_][A-Za-z0-9_.+:-]*"
KINDS = {bool: "boolean", int: "integer", float: "number", str: "string"}
READERS: dict[str, Callable[[str], Any]] = {"integer": int, "number": float, "string": str}


@dataclass(frozen=True)
class Rule:
    """What `option` says of a field; the attributes are its parameters."""

    meaning: str
    unit: str = ""
    above: float | None = None
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    distinct: bool = False
    pattern: str = ""
    example: str = ""
    path: str = ""
    more: str = ""
    hidden: bool = False
    pipeline: bool = True
    environment: str = ""
    parse: Callable[[Any], Any] | None = None


def option(default: Any, meaning: str, **rules: Any) -> Any:
    """Return a dataclass field that is an option of scripts and, mostly, of the pipeline.

    Parameters
    ----------
    default
        Value where nothing is given; a tuple where the option takes several.
    meaning
        What it is, without its unit, range and default, which are added.
    **rules
        Any of: ``unit``; ``above`` (exclusive), ``least``, ``most`` (inclusive), of each number;
        ``choices``; ``distinct``, whether no value of several may stand twice; ``pattern``, a
        regular expression of the whole text (of one item); ``example``, shown where a text does not
        fit; ``path`` (``file-path``, ``directory-path`` or ``path``, which must exist); ``more``, a
        further sentence for the help; ``hidden``, for launch forms; ``pipeline``, whether the
        pipeline has a parameter of this name; ``environment``, the variable that gives the default
        where it is set; ``parse``, called with what was read.
    """
    return dataclasses.field(default=default, metadata={KEY: Rule(meaning, **rules)})


@dataclass(frozen=True)
class Option:
    """A declared field: its name, kind of value, and rule.

    Attributes
    ----------
    name
        Of the field, the option and the parameter.
    kinds
        JSON types of one value: ``boolean``, ``integer``, ``number``, ``string``.
    count
        Values: 1 for a single one, a number above that for so many, None for one or more.
    default
        As declared.
    rule
        What `option` was told.
    """

    name: str
    kinds: tuple[str, ...]
    count: int | None
    default: Any
    rule: Rule

    @property
    def several(self) -> bool:
        """Whether a value is a list."""
        return self.count != 1

    @property
    def range(self) -> str:
        """The range and the choices in words, empty where there are none."""
        rule = self.rule
        if rule.choices:
            return "one of " + ", ".join(rule.choices)
        parts = [f"above {rule.above:g}" if rule.above is not None else "",
                 f"at least {rule.least:g}" if rule.least is not None else "",
                 f"at most {rule.most:.10g}" if rule.most is not None else ""]
        return ", ".join(part for part in parts if part)

    @property
    def help(self) -> str:
        """Meaning, unit and range in words, with the further sentence."""
        rule = self.rule
        unit = f", in {rule.unit}" if rule.unit else ""
        several = (f"{self.count} values joined by commas" if self.count and self.several
                   else "one or more, joined by commas" if self.several else "")
        notes = "; ".join(part for part in (several, self.range) if part)
        more = f". {rule.more}" if rule.more else ""
        return f"{rule.meaning}{unit}{f' ({notes})' if notes else ''}{more}"


def declared(declaration: type, *names: str) -> list[Option]:
    """Return the options that a dataclass declares, those named or all."""
    hints = typing.get_type_hints(declaration)
    found = {}
    for field in dataclasses.fields(declaration):
        if KEY in field.metadata:
            kinds, count = _kinds(hints[field.name])
            found[field.name] = Option(field.name, kinds, count, field.default,
                                       field.metadata[KEY])
    return [found[name] for name in names or found]


def _kinds(hint: Any) -> tuple[tuple[str, ...], int | None]:
    """Return the JSON types of one value of an annotation, and how many values it takes."""
    arguments = [one for one in typing.get_args(hint) if one is not type(None)]
    origin = typing.get_origin(hint)
    if origin is tuple:
        items = [one for one in arguments if one is not Ellipsis]
        inner, width = _kinds(items[0])
        whole = None if Ellipsis in arguments else len(items) * (width or 1)
        return inner, whole
    if origin in (types.UnionType, typing.Union):
        parts = [_kinds(one) for one in arguments]
        return tuple(kind for kinds, _ in parts for kind in kinds), parts[0][1]
    return (KINDS[hint],), 1


def text_of(value: Any) -> str:
    """Return a value as the command line takes it: ``true``, ``0.05``, ``10,20,40``."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (tuple, list)):
        return ",".join(text_of(one) for one in value)
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def value_of(told: Option, text: str) -> Any:
    """Return what a text says, or refuse it by the option's name.

    Parameters
    ----------
    told
        The option.
    text
        As given on the command line or in the environment.

    Raises
    ------
    HavenError
        If the text is no such value, or one outside the range; the message names the option, the
        text, what is wrong and the unit.
    """
    # one value that holds commas itself, such as the direction [1,-1,0]
    alone = told.rule.pattern and re.fullmatch(told.rule.pattern, text.replace(" ", ""))
    items = ([one.strip() for one in _unbracketed(text).split(",")] if told.several and not alone
             else [text.strip()])
    if told.several and "[" in "".join(items):  # directions such as [1,-1,0] keep their brackets
        items = re.findall(r"[^,\[\]]+|\[[^\[\]]*\]", text.replace(" ", ""))
    if told.several and told.count is not None and len(items) != told.count:
        _refuse(told, text, f"give {told.count} values with commas between")
    values = [_item(told, one, text) for one in items]
    found = tuple(values) if told.several else values[0]
    if told.rule.distinct and len(set(values)) < len(values):
        twice = next(value for value in values if values.count(value) > 1)
        _refuse(told, text, f"it gives {text_of(twice)} twice")
    return told.rule.parse(found) if told.rule.parse else found


def _unbracketed(text: str) -> str:
    """Return ``0,4`` for ``[0, 4]``, a list as configurations write it."""
    stripped = text.strip()
    return stripped[1:-1] if re.fullmatch(r"\[[^\[\]]*,[^\[\]]*\]", stripped) else stripped


def _refuse(told: Option, text: str, why: str) -> typing.NoReturn:
    unit = f" (in {told.rule.unit})" if told.rule.unit else ""
    raise HavenError(f"--{told.name} is {' '.join(text.split())[:200] or 'empty'}: {why}{unit}")


def _item(told: Option, item: str, text: str) -> Any:
    rule, kinds = told.rule, told.kinds
    if kinds == ("boolean",):
        if item not in BOOLEANS:
            _refuse(told, text, "it must be true or false")
        return BOOLEANS[item]
    if "integer" in kinds and re.fullmatch(WHOLE, item):
        value: Any = int(item)
    elif "number" in kinds and re.fullmatch(NUMBER, item):
        value = float(item)
    elif "string" in kinds:
        value = item
    else:
        _refuse(told, text, "it must be a whole number" if kinds == ("integer",)
                else "it must be a number")
    if isinstance(value, str):
        if rule.choices and value not in rule.choices:
            _refuse(told, text, f"it must be one of {', '.join(rule.choices)}")
        if not re.fullmatch(rule.pattern or LINE, value):
            _refuse(told, text, f"it must look like {rule.example or rule.pattern or 'a line'}")
        return value
    if not math.isfinite(value) or (rule.above is not None and not value > rule.above) or (
            rule.least is not None and value < rule.least) or (
            rule.most is not None and value > rule.most):
        _refuse(told, text, f"it must be {told.range or 'finite'}")
    return value


class _Store(argparse.Action):
    """Keeps the value of an option, which may be given once: the first would be lost in silence."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any,
        option_string: str | None = None,
    ) -> None:
        if isinstance(parser, Parser) and option_string:
            if self.dest in parser.given:
                several = ("joined by commas" if "joined by commas" in (self.help or "")
                           else "one after the other" if self.nargs in ("*", "+") else "")
                parser.error(f"{option_string} is given twice: give it once"
                             f"{', with its values ' + several if several else ''}")
            parser.given.add(self.dest)
        setattr(namespace, self.dest, values)


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line, as every other of a script.

    An option that takes a value is refused where it is given twice.
    """

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.given = set[str]()
        for name in (None, "store"):
            self.register("action", name, _Store)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None,
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse a command line, of which nothing has been given yet."""
        self.given.clear()
        return super().parse_known_args(args, namespace or argparse.Namespace())

    def error(self, message: str) -> typing.NoReturn:
        """Refuse the command line."""
        raise HavenError(f"{message}: {self.prog} --help lists the options")


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Show defaults, but not that there is none."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, [], ""):
            return action.help
        return super()._get_help_string(action)


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return an argument parser that shows defaults in its help."""
    return Parser(description=(description or "").strip(), formatter_class=_Help,
                  allow_abbrev=False)


def add_declared(target: argparse.ArgumentParser, declaration: type, *names: str) -> None:
    """Add the options that a dataclass declares, those named or all.

    A value that does not fit ends the script with one line (`value_of`). A boolean takes ``true``
    or ``false``, or stands alone for true.
    """
    for told in declared(declaration, *names):
        given = _handed(told.rule.environment) if told.rule.environment else None
        default = given or (None if told.default is None else text_of(told.default))
        also = f"; or {told.rule.environment}" if told.rule.environment else ""
        more: dict[str, Any] = {"nargs": "?", "const": True} if told.kinds == ("boolean",) else {}
        target.add_argument(
            f"--{told.name}", type=_reader(told), default=default, metavar=_shown(told),
            help=(told.help + also).replace("%", "%%"), **more)


def _handed(variable: str) -> str | None:
    """Return what the pipeline hands over, or refuse a task that was handed nothing."""
    if variable not in os.environ and Path(".command.sh").exists():
        raise HavenError(f"this task was started without {variable}: process.beforeScript, which "
                         "sets it, was replaced; put a site's lines into process.ext.before, and "
                         "a container's list of variables (envWhitelist) must hold it")
    return os.environ.get(variable)


def _reader(told: Option) -> Callable[[str], Any]:
    return lambda text: value_of(told, text)


def _shown(told: Option) -> str:
    word = {"boolean": "true|false", "integer": "N", "number": "X", "string": "TEXT"}
    one = word[told.kinds[0]]
    return f"{one},{one}.." if told.several else one


def read_options(declaration: type, args: argparse.Namespace) -> Any:
    """Return an instance of a dataclass whose fields have the values that were parsed."""
    given = vars(args)
    return declaration(**{field.name: given[field.name]
                          for field in dataclasses.fields(declaration) if field.name in given})


@dataclass(frozen=True)
class Operation:
    """How a task runs, which changes no result: never part of a task's or checkpoint's identity.

    The pipeline hands these over in the environment, so that another folder for checkpoints or
    another number of cores makes no finished task run again.
    """

    threads: int = option(1, "processor threads", least=1, most=4096, pipeline=False,
                          environment="HAVEN_THREADS")
    gpu: bool = option(False, "refuse to run where no GPU is used", pipeline=False,
                       environment="HAVEN_GPU")
    checkpoint_dir: str | None = option(
        None, "folder, seen by every node, that keeps restart files between tries; "
        "checkpoints in the work folder if not given", environment="HAVEN_CHECKPOINT_DIR",
        pattern=r"(?!\w+://)[^\x00-\x1f\x7f]+",
        example="/shared/checkpoints (a bucket through its mount, such as /fusion/s3/bucket)")
    checkpoint_minutes: float = option(
        5.0, "wall time between restart files", unit="min", above=0, most=1440,
        environment="HAVEN_CHECKPOINT_MINUTES")


def asked(args: argparse.Namespace) -> dict[str, Any]:
    """Return what a table says it was made from: all that was parsed but how the task ran."""
    how = {field.name for field in dataclasses.fields(Operation)}
    return {name: value for name, value in vars(args).items() if name not in how}


@dataclass(frozen=True)
class Seed:
    """The seed."""

    seed: int = option(1, "seed of every random choice", least=0, most=MOST_WHOLE)


def numbers(text: str, count: int | None, name: str) -> list[float]:
    """Return the numbers of an option such as ``300,900``, ``count`` of them where given."""
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch(NUMBER, part) and math.isfinite(float(part)) for part in parts):
        raise HavenError(f"--{name} is {' '.join(text.split())[:200] or 'empty'}: give numbers "
                         "with commas between")
    if count is not None and len(parts) != count:
        raise HavenError(f"--{name} is {text}: give {count} numbers with commas between")
    return [float(part) for part in parts]


def whole(name: str, least: int = 0, most: int = MOST_WHOLE) -> Callable[[str], int]:
    """Return a reader for ``argparse`` of whole numbers of one option, digits alone, in a range."""
    return _reader(Option(name, ("integer",), 1, None, Rule("", least=least, most=most)))


def real(
    name: str, unit: str = "", *, above: float | None = None, least: float | None = None,
    most: float | None = None,
) -> Callable[[str], float]:
    """Return a reader for ``argparse`` of numbers of one option, finite and in a range.

    Python's ``float`` would take ``nan``, ``1_0`` and digits of other scripts.
    """
    rule = Rule("", unit=unit, above=above, least=least, most=most)
    return _reader(Option(name, ("number",), 1, None, rule))


U_EV = real("u_ev", "eV", least=0, most=20)
TEMPERATURE_K = real("temperature_k", "K", above=0, most=100_000)
GIVEN: dict[str, dict[str, Any]] = {
    "material": {"required": True, "help": "material file"},
    "structure": {"required": True, "help": "structure (extxyz)"},
    "dataset": {"required": True, "help": "folder made by build_dataset.py"},
    "potential": {"required": True, "help": "frozen potential"},
    "u_ev": {"type": U_EV, "required": True,
             "help": "Hubbard U - J of the labels, and of a potential trained on them, eV"},
    "temperature_k": {"type": TEMPERATURE_K,
                      "required": True, "help": "temperature, K"},
    "replica": {"type": whole("replica"), "default": 0, "help": "number of the disorder replica"},
    "out": {"default": ".", "help": "folder for the results"},
}
"""What scripts of the pipeline are given beside options that users set: keywords of argparse."""


def add_given(options: argparse.ArgumentParser, *names: str, **helps: str) -> None:
    """Add options that say what a task is given: its input files, its place among the runs.

    Parameters
    ----------
    options
        The script's parser.
    names
        Names in `GIVEN`.
    **helps
        Further names in `GIVEN`, each with a help text of its own.
    """
    for name in (*names, *helps):
        keywords = dict(GIVEN[name])
        keywords["help"] = helps.get(name, keywords["help"])
        options.add_argument(f"--{name}", **keywords)


def add_name(options: argparse.ArgumentParser) -> None:
    """Add the option that names a run: several potentials may drive the same U."""
    options.add_argument("--name", help="the run's name; default from U, temperature, replica")
