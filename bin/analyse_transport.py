#!/usr/bin/env python3
"""Mean-square displacements, diffusion, Haven ratio and conductivity of one run, as a task does.

``bin/analyse_run.py`` (``./haven transport``) takes the same options and files, and does radial
distributions and jumps beside. It is a script of its own so that a change in how jumps are found
makes no task of this one anew.
"""

from __future__ import annotations

from haven.core.errors import run


def main(argv: list[str] | None = None) -> None:
    from haven.transport.command.arguments import checked
    from haven.transport.command.command import analysed

    analysed(checked(__doc__, argv))


if __name__ == "__main__":
    run(main)
