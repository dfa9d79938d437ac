"""Ionic conductivity by Nernst and Einstein, and the joining of replicas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ELEMENTARY_CHARGE = 1.602176634e-19
BOLTZMANN = 1.380649e-23
MS_PER_CM = 10.0


def nernst_einstein(
    diffusion_cm2_per_s: float | np.ndarray, ions: int, volume_angstrom3: float,
    temperature_k: float, charge: float = 1.0,
) -> float | np.ndarray:
    """Return ``n e^2 Z^2 D / (kB T)`` in mS/cm.

    Parameters
    ----------
    diffusion_cm2_per_s
        D_total for the conductivity, D_self for what a tracer would give.
    ions, volume_angstrom3
        Mobile ions and |det(cell)|.
    temperature_k
        Temperature, K.
    charge
        Charge of an ion in elementary charges.
    """
    density = ions / (volume_angstrom3 * 1e-30)
    factor = density * (charge * ELEMENTARY_CHARGE) ** 2 / (BOLTZMANN * temperature_k)
    return factor * diffusion_cm2_per_s * 1e-4 * MS_PER_CM


@dataclass
class Joined:
    """A quantity's logarithm over replicas and seeds, with where its variance comes from."""

    mean: float
    error: float
    sampling: float
    disorder: float | None
    potential: float | None
    runs: int
    degrees: float


def join(
    logs: np.ndarray, errors: np.ndarray, replicas: np.ndarray, seeds: np.ndarray,
) -> Joined:
    """Join runs of one condition: sampling within, disorder and potential between.

    Parameters
    ----------
    logs, errors
        Logarithms (R,) of the runs' values and their standard errors.
    replicas, seeds
        Disorder replica and potential seed of each run (R,).

    Returns
    -------
    Joined
        Mean, its standard error, and the variances of that mean by source; a source with a single
        member has None: it can't be known.
    """
    weights = 1.0 / np.maximum(errors, 1e-6) ** 2
    between = {}
    for name, labels in (("disorder", replicas), ("potential", seeds)):
        between[name] = _between(logs, errors, labels)
    extra = sum(v for v in between.values() if v is not None)
    weights = 1.0 / (np.maximum(errors, 1e-6) ** 2 + extra)
    weights = weights / weights.sum()
    mean = float(weights @ logs)
    sampling = float((weights**2) @ errors**2)
    shares: dict[str, float | None] = {}
    for name, labels in (("disorder", replicas), ("potential", seeds)):
        part = between[name]
        if part is None:
            shares[name] = None
            continue
        sums = np.array([weights[labels == one].sum() for one in np.unique(labels)])
        shares[name] = float(part * (sums**2).sum())
    variance = sampling + sum(v for v in shares.values() if v is not None)
    groups = [len(np.unique(x)) for x in (replicas, seeds) if len(np.unique(x)) > 1]
    grouped = variance - sampling
    degrees = (variance**2 / (grouped**2 / (min(groups) - 1) + 1e-300)
               if groups and grouped > 0 else np.inf)
    return Joined(mean, variance**0.5, sampling, shares["disorder"], shares["potential"],
                  len(logs), float(degrees))


def _between(logs: np.ndarray, errors: np.ndarray, labels: np.ndarray) -> float | None:
    """Return the variance between groups beyond sampling (method of moments), None for one group."""
    names = np.unique(labels)
    if len(names) < 2:
        return None
    weights = 1.0 / np.maximum(errors, 1e-6) ** 2
    sums = np.array([weights[labels == n].sum() for n in names])
    means = np.array([weights[labels == n] @ logs[labels == n] for n in names]) / sums
    grand = sums @ means / sums.sum()
    excess = sums @ (means - grand) ** 2 - (len(names) - 1)
    return float(max(0.0, excess / (sums.sum() - (sums**2).sum() / sums.sum())))
