"""The thermostats of dynamics: with a potential, and from first principles."""

from __future__ import annotations

from haven.core.errors import HavenError

LEAST_DAMPING = 5  # time steps: below, its equations of motion are not integrated accurately


def check_damping(damping_fs: float, timestep_fs: float) -> None:
    """Refuse a damping time, fs, that is shorter than `LEAST_DAMPING` time steps, fs.

    At one half of a time step a Nosé-Hoover chain keeps 261 K where 300 K are asked for; at five
    time steps it keeps 300 K.
    """
    if damping_fs < LEAST_DAMPING * timestep_fs:
        raise HavenError(f"damping_fs is {damping_fs:g}: it must be at least five time steps of "
                         f"{timestep_fs:g} fs: lengthen it, or shorten the time step")
