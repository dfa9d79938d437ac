"""The picture of the audit counts what was left out, reason by reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from haven.report.figures.audit import REASONS, audit, kind_of


def rows(*reasons: str) -> pd.DataFrame:
    return pd.DataFrame([{
        "u_ev": 4.0, "energy_ev_per_atom": -3.8 + 0.001 * number, "moment_metal_min": 0.8,
        "moment_metal_max": 0.9, "force_max_ev_per_angstrom": 1.0 + number, "reason": reason,
        "verdict": "rejected" if reason else "accepted"} for number, reason in enumerate(reasons)])


def test_frames_left_out_are_counted_by_reason():
    table = rows("", "", "magnetic branch: a metal moment is 1.36, usual 0.86",
                 "magnetic branch: a metal moment is 0.29, usual 0.86", "duplicate of a, frame 1")
    picture = audit({"labels": table})
    assert picture is not None
    assert "5 labelled frames" in picture.caption
    assert "Left out: 2 magnetic branch, 1 duplicate at U = 4 eV." in picture.caption
    drawn = sum(np.shape(points.get_offsets())[0] for points in picture.figure.axes[0].collections)
    assert drawn == 5
    named = {text.get_text() for text in picture.figure.legends[0].get_texts()}
    assert named == {"used, U = 4 eV", "magnetic branch", "duplicate"}


def test_frames_without_energy_are_counted_though_not_drawn():
    table = rows("", "", "not converged in 150 steps")
    table.loc[2, ["energy_ev_per_atom", "force_max_ev_per_angstrom"]] = None
    picture = audit({"labels": table})
    assert picture is not None and "1 not converged" in picture.caption
    assert audit({"labels": table.iloc[2:]}) is None


@pytest.mark.parametrize("start", REASONS)
def test_every_reason_of_the_audit_has_its_own_sign(start):
    assert kind_of(f"{start} x") == REASONS[start]
    assert len({look[1] for look in REASONS.values()}) == len(REASONS)
