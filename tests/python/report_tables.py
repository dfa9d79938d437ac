"""Tables of a made-up study, written where a test wants them: the numbers follow known laws."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from haven.core import tables
from haven.report.registry import TABLES

KB = 8.617333262e-5
ROOM = 298.0
US = (0.0, 4.0)
TEMPERATURES = (298.0, 313.0, 328.0, 333.0, 358.0, 373.0)
ACTIVATION = {0.0: 0.31, 4.0: 0.27}
MATERIAL = "li3ticl6"


def d_self(u_ev: float, temperature: float) -> float:
    """Return the diffusion coefficient put into the tables, cm2/s."""
    return 3e-8 * np.exp(-ACTIVATION[u_ev] / KB * (1 / temperature - 1 / ROOM))


def conditions(replicas: int, leave_out: tuple = ()) -> list[dict]:
    """Return the keys of every run but those of ``leave_out`` (pairs of U and temperature)."""
    return [
        {"material": MATERIAL, "u_ev": u, "temperature_k": t, "replica": r, "seed": 1}
        for u in US for t in TEMPERATURES for r in range(replicas) if (u, t) not in leave_out
    ]


def verdict(run: dict) -> str:
    """Return what the made-up run deserves: cold U = 0 runs have not become diffusive."""
    return "subdiffusive" if run["u_ev"] == 0 and run["temperature_k"] < 320 else "diffusive"


def diffusion(runs: list[dict], rng: np.random.Generator) -> tuple[list[dict], list[dict]]:
    rows, sigma = [], []
    for run in runs:
        own = d_self(run["u_ev"], run["temperature_k"])
        good = verdict(run)
        for quantity, value, spread in (("self", own, 0.08), ("total", own * 1.6, 0.35),
                                        ("distinct", own * 0.6, 0.5), ("haven", 0.62, 0.4)):
            drawn = value * (1 + 0.3 * spread * rng.standard_normal())
            rows.append(run | {
                "species": "Li", "quantity": quantity, "axis": "xyz",
                "value": drawn if good == "diffusive" else None,
                "low_95": drawn * (1 - spread) if good == "diffusive" else None,
                "high_95": drawn * (1 + spread), "unit": "1" if quantity == "haven" else "cm2/s",
                "fit_start_ps": 20.0, "fit_stop_ps": 80.0, "loglog_slope": 0.98,
                "loglog_slope_error": 0.05, "hop_events": 200.0, "estimator": "gls",
                "frame_of_reference": "host", "verdict": good,
            })
        for quantity, factor in (("sigma_total", 1.6), ("sigma_self", 1.0)):
            value = own * factor / 1.2e-8 * 1.06 * ROOM / run["temperature_k"]
            sigma.append(run | {
                "quantity": quantity, "value_ms_per_cm": value if good == "diffusive" else None,
                "low_95": value * 0.7 if good == "diffusive" else None, "high_95": value * 1.3,
                "carrier_density_per_cm3": 1.4e22, "volume_angstrom3": 3300.0, "verdict": good,
            })
    return rows, sigma


def msd(runs: list[dict]) -> list[dict]:
    rows, lags = [], np.geomspace(0.1, 100, 40)
    for run in runs:
        slope = 6 * d_self(run["u_ev"], run["temperature_k"]) * 1e4  # Angstrom^2/ps
        for quantity, factor in (("self", 1.0), ("total", 1.6), ("distinct", 0.6)):
            cage = 0.35 * (1 - np.exp(-lags / 0.3)) if quantity == "self" else 0.02
            for lag, value in zip(lags, factor * slope * lags + cage, strict=True):
                rows.append(run | {
                    "species": "Li", "quantity": quantity, "axis": "xyz", "lag_ps": lag,
                    "value_angstrom2": value, "standard_error_angstrom2": 0.1 * value,
                    "origins": 100, "frame_of_reference": "host",
                })
    return rows


def dynamics(runs: list[dict], rng: np.random.Generator) -> dict[str, list[dict]]:
    rows: dict[str, list[dict]] = {"runs": [], "thermo": [], "hops": [], "tracks": [],
                                   "van_hove": [], "rdf": [], "density": [],
                                   "interstitial": [], "density_grid": [], "network": []}
    for run in runs:
        t = run["temperature_k"]
        rows["runs"].append(run | {
            "atoms": 160, "steps": 200000, "timestep_fs": 1.0, "duration_ps": 200.0,
            "temperature_mean_k": t + 0.4, "temperature_std_k": t * 0.064,
            "temperature_std_expected_k": t * np.sqrt(2 / 477),
            "energy_drift_mev_per_atom_per_ps": 1e-3 * rng.standard_normal(),
            "min_distance_angstrom": 2.2, "host_msd_angstrom2": 0.2, "wall_s": 100.0, "cores": 1,
            "ns_per_day": 12.0, "segments": 1, "verdict": "stable",
            "share_beyond_window": 0.01, "deviation_max_p95_ev_per_angstrom": 0.06,
        })
        for time in np.arange(0, 200, 2.0):
            rows["thermo"].append(run | {
                "time_ps": time, "temperature_now_k": t * (1 + 0.064 * rng.standard_normal()),
                "potential_energy_ev": -600.0, "conserved_ev": -590.0, "pressure_gpa": 0.1,
                "deviation_max_ev_per_angstrom": 0.05 + 0.01 * np.sin(time),
            })
        rate = 40 * d_self(run["u_ev"], t) / 3e-8
        for kind, share in (("intra_layer", 0.8), ("inter_layer", 0.2)):
            count = int(rng.poisson(rate * share * 48 * 0.2))
            rows["hops"].append(run | {
                "species": "Li", "kind": kind, "from_site": "4h", "to_site": "4h",
                "direction": "[110]", "count": count, "rate_per_ion_per_ns": count / (48 * 0.2),
                "rate_low_95": 0.0, "rate_high_95": 10.0 * rate, "ions": 48, "duration_ps": 200.0,
            })
        for kind in ("all", "intra_layer", "inter_layer"):
            rows["interstitial"].append(run | {
                "species": "Li", "kind": kind, "jumps": 60, "jumps_via": 55,
                "share_via": 55 / 60, "share_via_low_95": 0.82, "share_via_high_95": 0.97,
                "sites_per_cell": 24.0, "time_share": 0.04, "time_low_95": 0.03,
                "time_high_95": 0.05, "visits": 200, "rests": 20, "stay_mean_ps": 0.3,
                "frame_ps": 0.1})
        if t == ROOM and run["replica"] == 0:
            rows["tracks"] += tracks(run, rng)
            rows["van_hove"] += van_hove(run)
            rows["density"] += density(run)
            rows["density_grid"] += density_grid(run)
            rows["network"] += network(run)
        if t == ROOM:
            rows["rdf"] += rdf(run)
    return rows


def tracks(run: dict, rng: np.random.Generator) -> list[dict]:
    rows = []
    for ion in range(6):
        jumps = np.cumsum(rng.random(200) < 0.02)
        for time, jump in zip(np.arange(200.0), jumps, strict=True):
            noise = 0.2 * rng.standard_normal(3)
            rows.append(run | {
                "ion": ion, "time_ps": time, "x_angstrom": noise[0], "y_angstrom": noise[1],
                "z_angstrom": noise[2], "site": "4h", "layer": int(jump // 3),
                "displacement_angstrom": abs(3.5 * np.sqrt(jump) + noise[0]),
            })
    return rows


def van_hove(run: dict) -> list[dict]:
    r = np.linspace(0.05, 8, 80)
    rows = []
    for lag in (1.0, 10.0, 50.0):
        width = 0.3 + 0.05 * np.log(lag + 1)
        own = r**2 * np.exp(-r**2 / 2 / width**2) + 0.001 * lag * np.exp(-(r - 3.5) ** 2 / 0.3)
        other = 1 - np.exp(-(r**2) / 4) + 0.005 * lag * np.exp(-r**2)
        for part, density in (("self", own), ("distinct", other)):
            rows += [run | {"part": part, "lag_ps": lag, "r_angstrom": x, "density": y}
                     for x, y in zip(r, density, strict=True)]
    return rows


def rdf(run: dict) -> list[dict]:
    r = np.linspace(0.05, 5.95, 120)
    keys = {k: run[k] for k in ("material", "u_ev", "temperature_k", "replica")}
    seeds = {"dlmd": run["seed"], "aimd": None}
    rows = []
    for pair, first in (("Cl-Ti", 2.47), ("Cl-Li", 2.54), ("Li-Ti", 3.6), ("Li-Li", 3.6),
                        ("Cl-Cl", 3.55)):
        g = 4 * np.exp(-((r - first) ** 2) / 0.05) + 1 / (1 + np.exp(-4 * (r - first - 1.5)))
        for source in ("dlmd", "aimd", "dlmd_cell") if run["u_ev"] == 4 else ("dlmd",):
            rows += [keys | {"source": source, "seed": seeds.get(source), "pair": pair,
                             "r_angstrom": x, "g": y,
                             "g_low_95": y * 0.97, "g_high_95": y * 1.03, "coordination": 6.0}
                     for x, y in zip(r, g, strict=True)]
    return rows


def potential(rng: np.random.Generator) -> dict[str, list[dict]]:
    rows: dict[str, list[dict]] = {"labels": [], "learning_curve": [], "accuracy": [],
                                   "parity": [], "cost": []}
    physics = {(g, f, s): 0.8 * rng.standard_normal(27)
               for g in range(4) for f in range(3) for s in ("Li", "Ti", "Cl")}
    for u in US:
        keys = {"material": MATERIAL, "u_ev": u}
        for group in range(4):
            for frame in range(3):
                energy = -3.9 + 0.04 * u + 0.01 * rng.random()
                rows["labels"].append(keys | {
                    "trajectory": f"cell{group}", "frame": frame, "origin": "rattled", "atoms": 20,
                    "energy_ev": 20 * energy, "energy_ev_per_atom": energy,
                    "force_rms_ev_per_angstrom": 0.5 + 0.2 * rng.random(),
                    "force_max_ev_per_angstrom": 1.5 + rng.random(), "pressure_gpa": 1.0,
                    "min_distance_angstrom": 2.2, "wall_s": 150.0 + 10 * u, "cores": 1,
                    "scf_steps": 40, "engine": "gpaw 26.7", "verdict": "accepted", "reason": "",
                    "source": f"cell{group}.u{u:g}.extxyz",
                })
                for species in ("Li", "Ti", "Cl"):
                    label = physics[group, frame, species] * (1 + 0.05 * u)
                    sizes = 0.03 * np.exp(rng.standard_normal(9))  # of each atom's errors
                    for axis, component in enumerate("xyz"):
                        for number, value in enumerate(label[axis::3]):
                            rows["parity"] += [keys | {
                                "seed": seed, "subset": "test", "quantity": "force",
                                "species": species, "component": component,
                                "trajectory": f"cell{group}", "frame": frame, "number": number,
                                "reference": value,
                                "predicted": value + sizes[number] * rng.standard_normal(),
                                "unit": "eV/Angstrom",
                            } for seed in (1, 2)]
                rows["parity"].append(keys | {
                    "seed": 1, "subset": "test", "quantity": "energy", "species": "all",
                    "component": "all", "trajectory": f"cell{group}", "frame": frame, "number": 0,
                    "reference": energy, "predicted": energy + 7e-4 * rng.standard_normal(),
                    "unit": "eV/atom",
                })
        for step in range(0, 20001, 200):
            error = 0.6 / (1 + step / 500) + 0.04
            rows["learning_curve"].append(keys | {
                "seed": 1, "step": step, "learning_rate": 1e-3,
                "measure": "rmse",
                "energy_error_train_ev_per_atom": 0.02 * error,
                "energy_error_test_ev_per_atom": 0.024 * error * (1 + 0.2 * rng.random()),
                "force_error_train_ev_per_angstrom": error,
                "force_error_test_ev_per_angstrom": 1.1 * error,
            })
        rows["accuracy"] += accuracy(keys, pd.DataFrame(rows["parity"]))
        rows["cost"] += cost(keys)
    return rows


def explored() -> dict[str, list[dict]]:
    """Return two learning rounds: the ensemble knows more in the second."""
    exploration = [
        {"material": MATERIAL, "u_ev": u, "temperature_k": kelvin, "seed": 1, "round": number,
         "structure": f"s1_{number}000", "atoms": 20, "frames": 100,
         "accurate": 20 * number, "candidate": 90 - 30 * number, "failed": 10 + 10 * number,
         "deviation_median_ev_per_angstrom": 0.2 / number,
         "deviation_p95_ev_per_angstrom": kelvin / 1000 / number, "verdict": "complete"}
        for number in (1, 2) for u in US for kelvin in (300.0, 900.0)]
    selection = [{"material": MATERIAL, "round": number, "trajectory": f"x{number}_u0_t300_s1",
                  "frame": frame, "deviation_ev_per_angstrom": 0.3, "distance": 0.4}
                 for number in (1, 2) for frame in range(4 - number)]
    return {"exploration": exploration, "selection": selection}


def relaxed() -> list[dict]:
    """Return relaxed cells near the published ones, three replicas each."""
    return [{"material": MATERIAL, "u_ev": u, "seed": 1, "replica": replica, "occupancies": name,
             "system": system, "engine": "potential", "atoms": 160,
             "a_angstrom": 6.42 + 0.01 * replica, "b_angstrom": 10.95 - 0.01 * u,
             "c_angstrom": 6.35, "alpha_degree": 90.0, "beta_degree": 110.6,
             "gamma_degree": 90.0, "volume_angstrom3": 418.0,
             "energy_ev_per_atom": -4.0, "force_max_ev_per_angstrom": 0.01,
             "stress_max_gpa": 0.01, "steps": 100, "converged": (u, replica) != (4.0, 2)}
            for u in US for replica in range(3)
            for name, system in (("calculated_875", "0.875/0.063"), ("default", "0.754/0.123"))]


def accuracy(keys: dict, parity: pd.DataFrame) -> list[dict]:
    parity = parity[(parity["u_ev"] == keys["u_ev"]) & (parity["seed"] == 1)]
    rows = []
    for quantity, species, base, unit in (
        ("energy", "all", 0.012, "eV/atom"), *(("force", s, 0.8, "eV/Angstrom")
                                              for s in ("Li", "Ti", "Cl", "all"))):
        mine = parity[parity["quantity"] == quantity]
        mine = mine if species == "all" else mine[mine["species"] == species]
        error = (mine["predicted"] - mine["reference"]).abs()
        rmse = float(np.sqrt((error**2).mean()))
        rows.append(keys | {
            "seed": 1, "subset": "test", "quantity": quantity, "species": species,
            "component": "all", "count": len(mine), "mae": float(error.mean()), "rmse": rmse,
            "rmse_low_95": 0.8 * rmse, "rmse_high_95": 1.25 * rmse,
            "max_error": float(error.max()), "r2": 0.99, "baseline_rmse": base, "unit": unit,
        })
    return rows


def cost(keys: dict) -> list[dict]:
    common = keys | {"cores": 1, "device": "processor", "steps": 100}
    return [common | {
        "method": method, "engine": engine, "model": model, "compressed": packed, "atoms": atoms,
        "seconds_per_step": seconds * atoms, "seconds_per_atom_step": seconds,
        "hours_10_ps_per_atom": seconds * 1e4 / 3600, "ratio_to_aimd": 7.5 / seconds,
    } for method, engine, model, packed, atoms, seconds in (
        ("aimd", "gpaw 26.7", "dynamics", None, 20, 7.5),
        ("label", "gpaw 26.7", "340 eV", None, 20, 9.5),
        ("dlmd", "LAMMPS", "10-20-40", False, 160, 6e-5),
        ("dlmd", "LAMMPS", "10-20-40", True, 160, 4e-5),
    )]


def cells(replicas: int) -> tuple[list[dict], list[dict]]:
    sites = (("2a", "Ti", 12, 16, 0.754), ("4g", "Ti", 4, 32, 0.123), ("4g", "Li", 10, 32, None),
             ("4g", "vacancy", 18, 32, None), ("2a", "Li", 4, 16, None),
             ("4h", "Li", 22, 32, None), ("4h", "vacancy", 10, 32, None),
             ("2d", "Li", 12, 16, None), ("2d", "vacancy", 4, 16, None))
    structures = [
        {"material": MATERIAL, "replica": r, "seed": r, "structure": f"r{r}", "role": "supercell",
         "site": site, "species": species, "count": count, "sites": total,
         "occupancy": count / total, "target_occupancy": target, "atoms": 160,
         "volume_angstrom3": 3300.0, "min_distance_angstrom": 2.3, "warren_cowley": 0.01}
        for r in range(replicas) for site, species, count, total, target in sites
    ]
    bands = []
    for u in US:
        for direction, barrier in (("[110]", 0.3), ("[101]", 0.33), ("[010]", 0.4), ("[100]", 1.2)):
            for path in range(2):
                for image, x in enumerate(np.linspace(0, 1, 7)):
                    top = barrier + 0.05 * path - 0.02 * u / 4
                    bands.append({
                        "material": MATERIAL, "u_ev": u, "seed": 1, "replica": 0,
                        "path": f"{direction} {path}", "origin": "direction",
                        "direction": direction, "from_site": "4h", "to_site": "4h",
                        "distance_angstrom": 3.6, "image": image, "coordinate_angstrom": 3.8 * x,
                        "energy_ev": top * np.sin(np.pi * x) ** 2, "barrier_ev": top,
                        "reverse_barrier_ev": top, "force_max_ev_per_angstrom": 0.04,
                        "converged": True,
                    })
    return structures, bands


def arrhenius() -> list[dict]:
    rows = []
    for u in US:
        for quantity, front in (("sigma_total", 2.65 * 1.6), ("sigma_self", 2.65),
                                ("d_total", 4.8e-8), ("d_self", 3e-8)):
            energy, sigma = ACTIVATION[u], quantity.startswith("sigma")
            scale = ROOM if sigma else 1.0
            rows.append({
                "material": MATERIAL, "u_ev": u, "quantity": quantity, "temperatures": 6,
                "activation_ev": energy, "activation_low_95": energy - 0.05,
                "activation_high_95": energy + 0.05,
                "activation_sigma_ev": energy - 0.03 if sigma else None,
                "activation_sigma_low_95": energy - 0.08 if sigma else None,
                "activation_sigma_high_95": energy + 0.02 if sigma else None,
                "prefactor": front * scale * np.exp(energy / KB / ROOM), "curvature_p": 0.4,
                "sigma_298_ms_per_cm": front if sigma else None,
                "sigma_298_low_95": 0.6 * front if sigma else None,
                "sigma_298_high_95": 1.6 * front if sigma else None,
                "form": "ln(sigma T) against 1/T" if sigma else "ln D against 1/T",
                "verdict": "diffusive",
            })
    return rows


def judged_rows() -> dict[str, list[dict]]:
    """Return the tables that follow from the fits: differences of U, error budget, plan."""
    paired = [{"material": MATERIAL, "contrast": "hubbard_u", "first": 0.0, "second": 4.0,
               "quantity": "sigma_total", "temperature_k": 328.0, "pairs": 4,
               "difference": -0.14, "low_95": -0.52, "high_95": 0.24, "unit": "ln ratio",
               "p_value": 0.41}]
    budget, plan = [], []
    for u in US:
        for source, error, share in (("sampling", 0.03, 0.9), ("disorder", 0.01, 0.1),
                                     ("potential", None, None), ("total", 0.032, 1.0)):
            budget.append({"material": MATERIAL, "u_ev": u, "quantity": "activation of sigma_total",
                           "source": source, "standard_error": error, "share": share,
                           "unit": "eV"})
        plan.append({"material": MATERIAL, "u_ev": u, "temperature_k": 298.0,
                     "quantity": "sigma_total", "have_ns": 0.4, "half_width_now": 0.3,
                     "half_width_wanted": 0.1, "needed_ns": 3.6, "more_ns": 3.2,
                     "device_hours": 6.4, "note": "time of all runs together"})
    return {"paired": paired, "error_budget": budget, "plan": plan}


def density(run: dict) -> list[dict]:
    rows, place = [], np.arange(0.25, 10, 0.5)
    for view in ("[010]", "[110]"):
        rows += [run | {"species": "Li", "view": view, "u_angstrom": x, "v_angstrom": y,
                        "density_per_angstrom3": 0.02 * np.cos(x) ** 2 * np.cos(y / 2) ** 2 + 1e-4}
                 for x in place for y in place]
    return rows


def density_grid(run: dict) -> list[dict]:
    """Return a density that is highest in the middle of a monoclinic cell."""
    cell, number = np.array([[6.4, 0, 0], [0, 10.9, 0], [-2.2, 0, 6.0]]), 8
    rows = []
    for place in np.ndindex(number, number, number):
        fraction = (np.array(place) + 0.5) / number
        x, y, z = fraction @ cell
        rows.append(run | {
            "species": "Li", "a_fraction": fraction[0], "b_fraction": fraction[1],
            "c_fraction": fraction[2], "x_angstrom": x, "y_angstrom": y, "z_angstrom": z,
            "density_per_angstrom3": 0.1 * np.exp(-12 * ((fraction - 0.5) ** 2).sum())})
    return rows


def network(run: dict) -> list[dict]:
    """Return two sites and a jump between them."""
    ends = {"x_angstrom": 0.0, "y_angstrom": 1.9, "z_angstrom": 3.0}
    rows = []
    for kind, site, reached, count, far in (("site", "4h", "4h", 9, 0.0),
                                            ("site", "4g", "4g", 0, 0.0),
                                            ("intra_layer", "4h", "4g", 9, 3.6)):
        rows.append(run | ends | {
            "species": "Li", "kind": kind, "from_site": site, "to_site": reached, "count": count,
            "to_x_angstrom": far, "to_y_angstrom": 1.9, "to_z_angstrom": 3.0})
    return rows


def band_atoms(bands: list[dict]) -> list[dict]:
    """Return an ion that moves along x between two others, for each image of each band."""
    rows = []
    for band in bands:
        for atom, (species, x) in enumerate((("Li", band["coordinate_angstrom"]), ("Cl", -2.4),
                                             ("Ti", 6.0))):
            rows.append({name: band[name] for name in ("material", "u_ev", "seed", "replica",
                                                       "path", "image")} | {
                "atom": atom, "species": species, "moves": atom == 0, "x_angstrom": x,
                "y_angstrom": 0.0, "z_angstrom": 0.0})
    return rows


@lru_cache(maxsize=4)
def make_study(replicas: int, leave_out: tuple) -> dict[str, pd.DataFrame]:
    """Return every table of the study, made once."""
    rng = np.random.default_rng(7)
    runs = conditions(replicas, leave_out)
    made: dict[str, list[dict]] = dynamics(runs, rng) | potential(rng)
    made["diffusion"], made["conductivity"] = diffusion(runs, rng)
    made["msd"] = msd(runs)
    made["structures"], made["barriers"] = cells(replicas)
    made["band_atoms"] = band_atoms(made["barriers"])
    made["arrhenius"] = arrhenius()
    made |= judged_rows() | explored()
    made["lattice"] = relaxed()
    made["verdicts"] = [{
        "material": MATERIAL, "stage": "TRAIN_POTENTIAL", "subject": "u4_s1",
        "check": "compression", "value": 2e-5, "limit": 1e-4, "unit": "eV/Angstrom",
        "passed": True, "message": "compression changes forces by less than the limit",
    }]
    return {name: pd.DataFrame(rows) for name, rows in made.items()}


def write_study(
    folder: Path, replicas: int = 1, leave_out: tuple = (), without: tuple = ()
) -> Path:
    """Write every table of the study but ``without`` into a flat folder and return it."""
    for name, rows in make_study(replicas, leave_out).items():
        if name not in without:
            tables.write(TABLES[name], rows, folder / f"study.{name}.parquet",
                         {"potential": "u4_s1.pb"})
    return folder
