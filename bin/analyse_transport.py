#!/usr/bin/env python3
"""Mean-square displacements, diffusion, Haven ratio and conductivity of one run, as a task does.

``bin/analyse_run.py`` (``./haven transport``) takes the same options and files, and can compute
radial distributions and jumps, too. This is a script of its own, so that its tasks need not run
again when the code for jumps changes.
"""

from __future__ import annotations

from haven.core.errors import run


def main(argv: list[str] | None = None) -> None:
    from haven.transport.command.arguments import checked

    given = checked(__doc__, argv)

    from haven.transport.command.command import analysed

    analysed(given)


if __name__ == "__main__":
    run(main)
