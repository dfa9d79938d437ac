"""Ionic conductivity by Nernst and Einstein, and the joining of replicas, seeds, temperatures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

ELEMENTARY_CHARGE = 1.602176634e-19
BOLTZMANN = 1.380649e-23
MS_PER_CM = 10.0
Z95 = 1.959963984540054


def nernst_einstein(
    diffusion_cm2_per_s: float, ions: int, volume_angstrom3: float, temperature_k: float,
    charge: float = 1.0,
) -> float:
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
    """A regression over runs, with the variance of its coefficients by source.

    Attributes
    ----------
    beta
        Coefficients (P,).
    parts
        Source to its share of the covariance of ``beta`` (P, P); a source that has a single member
        is absent, for it can't be known.
    degrees
        Source to its degrees of freedom.
    """

    beta: np.ndarray
    parts: dict[str, np.ndarray]
    degrees: dict[str, float]

    @property
    def covariance(self) -> np.ndarray:
        """Covariance of the coefficients (P, P)."""
        return sum(self.parts.values(), np.zeros((len(self.beta),) * 2))

    def contrast(self, row: np.ndarray) -> tuple[float, float, float]:
        """Return value, standard error and Student quantile of ``row @ beta``."""
        from scipy.special import stdtrit

        shares = {name: float(row @ part @ row) for name, part in self.parts.items()}
        variance = sum(shares.values())
        lost = sum(v**2 / self.degrees[name] for name, v in shares.items())
        degrees = variance**2 / lost if lost > 0 else np.inf
        quantile = Z95 if degrees > 1e4 else float(stdtrit(max(1.0, degrees), 0.975))
        return float(row @ self.beta), variance**0.5, quantile

    def interval(self, row: np.ndarray) -> tuple[float, float, float]:
        """Return ``row @ beta`` and the ends of its 95 % interval."""
        value, error, quantile = self.contrast(row)
        return value, value - quantile * error, value + quantile * error


def join(
    values: np.ndarray, errors: np.ndarray, regressors: np.ndarray,
    groups: Mapping[str, np.ndarray],
) -> Joined:
    """Regress runs on ``regressors``; what runs of a group share widens the interval.

    Each run has its own sampling error; a group (``disorder``: replica, ``potential``: seed) adds
    an effect common to its runs, and ``extra`` one of each run alone, as far as the residuals ask
    for it. The three variances are found by restricted maximum likelihood; those of groups are kept
    off zero (Chung et al., 2013): a few members that agree by chance do not show that all would.

    Parameters
    ----------
    values, errors
        Values (R,) and their standard errors from sampling.
    regressors
        Regressors (R, P).
    groups
        Source to the label of each run (R,).
    """
    from scipy.optimize import minimize

    count, width = regressors.shape
    own = np.diag(np.maximum(errors, 1e-9) ** 2)
    parts = {name: (labels[:, None] == labels[None, :]).astype(float)
             for name, labels in groups.items() if 1 < len(np.unique(labels))}
    degrees = {name: float(len(np.unique(groups[name])) - 1) for name in parts}
    left = count - width - sum(degrees.values())
    if left >= 1:
        parts["extra"], degrees["extra"] = np.eye(count), float(left)
    if count - width < 1:
        parts, degrees = {}, {}
    names = list(parts)
    scale = float(np.mean(np.diag(own)))

    def covariance(theta: np.ndarray) -> np.ndarray:
        return own + scale * sum((t**2 * parts[n] for t, n in zip(theta, names, strict=True)),
                                 np.zeros_like(own))

    def deviance(theta: np.ndarray) -> float:
        inverse = np.linalg.inv(covariance(theta))
        normal = regressors.T @ inverse @ regressors
        rest = values - regressors @ np.linalg.solve(normal, regressors.T @ inverse @ values)
        away = sum(np.log(max(abs(t), 1e-9))
                   for t, n in zip(theta, names, strict=True) if n != "extra")
        return float(-np.linalg.slogdet(inverse)[1] + np.linalg.slogdet(normal)[1]
                     + rest @ inverse @ rest - away)

    theta = np.zeros(len(names))
    if names:
        theta = np.abs(minimize(deviance, np.full(len(names), 0.7), method="Nelder-Mead",
                                options={"xatol": 1e-4, "fatol": 1e-6, "maxiter": 2000}).x)
        without = np.where([n == "extra" for n in names], 0.0, theta)
        if deviance(without) <= deviance(theta) + 1e-6:
            theta = without
    inverse = np.linalg.inv(covariance(theta))
    hat = np.linalg.solve(regressors.T @ inverse @ regressors, regressors.T @ inverse)
    split = {"sampling": hat @ own @ hat.T}
    split |= {n: hat @ (scale * t**2 * parts[n]) @ hat.T
              for t, n in zip(theta, names, strict=True)}
    return Joined(hat @ values, split, {"sampling": np.inf, **degrees})
