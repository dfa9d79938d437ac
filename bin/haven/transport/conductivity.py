"""Ionic conductivity by Nernst and Einstein, and the joining of replicas, seeds, temperatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from haven.core.constants import BOLTZMANN_J_PER_K, ELEMENTARY_CHARGE_C, Z95

MS_PER_CM = 10.0
# Weight of the prior that keeps effects along a slope away from zero. With 1, activation energies
# of two replicas that do not differ have intervals twice as wide as their scatter.
ALONG = 0.25
SMALLEST = -36.0  # logarithm of the smallest variance that is searched, in units of sampling's
CONFOUNDED = 1e-9  # part of an effect, of 1, that regressors leave where they explain it whole


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
    factor = density * (charge * ELEMENTARY_CHARGE_C) ** 2 / (BOLTZMANN_J_PER_K * temperature_k)
    return factor * diffusion_cm2_per_s * 1e-4 * MS_PER_CM


@dataclass
class Joined:
    """A regression over runs, with the variance of its coefficients by source.

    Attributes
    ----------
    beta
        Coefficients (P,).
    parts
        Source to its share of the covariance of ``beta`` (P, P). A source with a single member is
        absent, since its variance cannot be estimated.
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

    def freedom(self, row: np.ndarray) -> tuple[float, float]:
        """Return the variance of ``row @ beta`` and its degrees of freedom (Satterthwaite)."""
        shares = {name: float(row @ part @ row) for name, part in self.parts.items()}
        variance = sum(shares.values())
        lost = sum(v**2 / self.degrees[name] for name, v in shares.items())
        return variance, max(1.0, variance**2 / lost) if lost > 0 else np.inf

    def contrast(self, row: np.ndarray) -> tuple[float, float, float]:
        """Return value, standard error and Student's 97.5 % quantile of ``row @ beta``.

        ``row`` (P,) weighs the P coefficients; value and error have the units of the values that
        were joined, times that of the row.
        """
        from scipy.special import stdtrit

        variance, degrees = self.freedom(row)
        quantile = Z95 if degrees > 1e4 else float(stdtrit(degrees, 0.975))
        return float(row @ self.beta), variance**0.5, quantile

    def interval(self, row: np.ndarray) -> tuple[float, float, float]:
        """Return ``row @ beta`` and the ends of its 95 % interval; ``row`` as in `contrast`."""
        value, error, quantile = self.contrast(row)
        return value, value - quantile * error, value + quantile * error

    def p_value(self, row: np.ndarray) -> float:
        """Return how likely so large a ``row @ beta`` is by chance: 0.05 where an end is zero."""
        from scipy.special import ndtr

        value, error, quantile = self.contrast(row)
        return float(2 * ndtr(-abs(value) / (error * quantile / Z95)))


def join(
    values: np.ndarray, errors: np.ndarray, regressors: np.ndarray,
    groups: Mapping[str, np.ndarray], slope: np.ndarray | None = None,
) -> Joined:
    """Regress runs on ``regressors``; what runs of a group share widens the interval.

    This is a mixed model. Each run has its own sampling error. Each group (``disorder``: replica,
    ``potential``: seed) adds a random effect that its runs share, and a second one proportional to
    ``slope``, by which each member has its own activation energy. ``extra`` is a random effect of
    single runs, as far as the residuals require it. The variances are found by restricted maximum
    likelihood. A prior keeps those of the shared effects away from zero (Chung et al., 2013), since
    a few members may agree by chance. The prior of the effects along ``slope`` is weaker (`ALONG`):
    extrapolated far beyond the data, they would dominate the error.

    Parameters
    ----------
    values, errors
        Values (R,) and their standard errors from sampling.
    regressors
        Regressors (R, P).
    groups
        Source to the label of each run (R,).
    slope
        Regressor (R,) along which members of a group may differ, as reciprocal temperature.
    """
    count, width = regressors.shape
    own = np.diag(np.maximum(errors, 1e-9) ** 2)
    parts, sources, degrees = _effects(groups, slope, regressors)
    left = count - width - sum(degrees[source] for source in sources)
    if left >= 1:
        parts.append(np.eye(count))
        sources.append("extra")
        degrees["extra"] = float(left)
    if count - width < 1:
        parts, sources, degrees = [], [], {}
    kept_off = [0.0 if source == "extra" else ALONG if source in sources[:place] else 1.0
                for place, source in enumerate(sources)]
    scale = float(1.0 / np.mean(1.0 / np.diag(own)))
    extra = np.array([source == "extra" for source in sources], bool)
    variances = _likeliest(values, regressors, own, scale, parts, kept_off, extra)
    inverse = np.linalg.inv(_covariance(own, scale, parts, variances))
    hat = np.linalg.solve(regressors.T @ inverse @ regressors, regressors.T @ inverse)
    split = {"sampling": hat @ own @ hat.T}
    for variance, source, part in zip(variances, sources, parts, strict=True):
        share = hat @ (scale * variance * part) @ hat.T
        split[source] = split[source] + share if source in split else share
    return Joined(hat @ values, split, {"sampling": np.inf, **degrees})


def _covariance(
    own: np.ndarray, scale: float, parts: Sequence[np.ndarray], variances: np.ndarray
) -> np.ndarray:
    """Return the covariance of runs (R, R): ``own``, and ``parts`` times ``scale variances``."""
    return own + scale * sum((v * part for v, part in zip(variances, parts, strict=True)),
                             np.zeros_like(own))


def _likeliest(
    values: np.ndarray, regressors: np.ndarray, own: np.ndarray, scale: float,
    parts: Sequence[np.ndarray], kept_off: Sequence[float], extra: np.ndarray,
) -> np.ndarray:
    """Return the effects' variances (K,) in units of ``scale``, by restricted maximum likelihood.

    The gradient is analytic: twice the derivative of the restricted likelihood by a variance is
    ``y' P G P y - tr(P G)`` (Patterson and Thompson, Biometrika 58, 545, 1971).

    Parameters
    ----------
    values, regressors
        Values (R,) and regressors (R, P) of runs.
    own
        Covariance of sampling errors (R, R).
    scale
        Typical variance of sampling.
    parts
        Covariance (R, R) of each effect for a variance of 1.
    kept_off
        Weight of the prior that keeps each variance away from zero; 0 without.
    extra
        Whether each effect is one of single runs (K,); it is zero where the data do not need it.
    """
    from scipy.optimize import minimize

    weights = np.asarray(kept_off, float)

    def deviance(variances: np.ndarray) -> tuple[float, np.ndarray]:
        """Return minus twice the logarithm of the likelihood, and its gradient (K,)."""
        inverse = np.linalg.inv(_covariance(own, scale, parts, variances))
        weighed = inverse @ regressors
        normal = regressors.T @ weighed
        left = inverse - weighed @ np.linalg.solve(normal, weighed.T)
        rest = left @ values
        kept = np.maximum(variances, 1e-18)
        value = (-np.linalg.slogdet(inverse)[1] + np.linalg.slogdet(normal)[1] + values @ rest
                 - 0.5 * weights @ np.log(kept))
        slopes = [scale * (np.vdot(left, part) - rest @ part @ rest) for part in parts]
        return float(value), np.array(slopes) - 0.5 * weights / kept

    def searched(place: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the deviance at ``place``: log(1 + variance) where it may be zero, else log."""
        grown = np.exp(place)
        value, gradient = deviance(grown - extra)
        return value, gradient * grown

    if not parts:
        return np.zeros(0)
    start = np.log(0.5 + extra)
    largest = np.log(10.0 + 100.0 * np.ptp(values) ** 2 / scale)
    bounds = [(0.0 if one else SMALLEST, largest) for one in extra]
    found = minimize(searched, start, jac=True, method="L-BFGS-B", bounds=bounds,
                     options={"ftol": 1e-12, "gtol": 1e-6, "maxiter": 1000}).x
    variances = np.exp(found) - extra
    without = np.where(extra, 0.0, variances)
    return without if deviance(without)[0] <= deviance(variances)[0] + 1e-6 else variances


def _effects(
    groups: Mapping[str, np.ndarray], slope: np.ndarray | None, regressors: np.ndarray,
) -> tuple[list[np.ndarray], list[str], dict[str, float]]:
    """Return covariances (R, R) of the effects groups may have, whose they are, and freedoms.

    An effect along ``slope`` is there where two members or more have runs at different values. An
    effect that ``regressors`` (R, P) explain whole, such as that of two potentials each of which
    drove cells of one size alone, has a variance that nothing tells, and is absent.
    """
    basis = np.linalg.qr(regressors)[0]

    def told(part: np.ndarray) -> bool:
        return bool(np.abs(part - basis @ (basis.T @ part)).max() > CONFOUNDED)

    parts, sources, degrees = [], [], {}
    for source, labels in groups.items():
        members = np.unique(labels)
        if len(members) < 2:
            continue
        same = (labels[:, None] == labels[None, :]).astype(float)
        if not told(same):
            continue
        parts.append(same)
        sources.append(source)
        degrees[source] = float(len(members) - 1)
        if slope is not None and sum(np.ptp(slope[labels == m]) > 0 for m in members) > 1:
            along = (slope - slope.mean()) / slope.std()
            if told(same * np.outer(along, along)):
                parts.append(same * np.outer(along, along))
                sources.append(source)
    return parts, sources, degrees
