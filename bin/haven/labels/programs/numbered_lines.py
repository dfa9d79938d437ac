"""Whether numbered lines of a text output are all there.

Libraries do not check this: where a line is lost or doubled, every later line is read as that of
another atom.
"""

from __future__ import annotations


def in_turn(numbers: list[str], count: int, what: str) -> None:
    """Refuse a list of numbered lines that is not 1, 2, ... up to ``count``.

    Parameters
    ----------
    numbers
        Number of each line, as it is printed.
    count
        How many lines there must be; with 0 every list is refused.
    what
        What a line holds, for the message.

    Raises
    ------
    ValueError
        If a line is missing, doubled or out of its place.
    """
    if not count or numbers != [str(number) for number in range(1, count + 1)]:
        raise ValueError(f"it lists {len(numbers)} {what}s where {count} are due, in their order")


def each_in_turn(numbers: list[str], count: int, what: str) -> None:
    """Refuse lists that follow one another unless each is whole; at least one must be there."""
    for start in range(0, max(len(numbers), 1), count or 1):
        in_turn(numbers[start : start + count], count, what)
