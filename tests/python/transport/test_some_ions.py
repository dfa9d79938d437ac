"""Option --ions with some of the mobile ions: their D_self alone, which no line takes for sigma."""

from __future__ import annotations

import analyse_transport
import pandas as pd
import pytest
from test_command import CELL, dump, run

from haven.core import tables
from haven.core.errors import HavenError
from haven.transport.analysis import CHARGES
from haven.transport.tables import ARRHENIUS, CONDUCTIVITY, DIFFUSION, JOINED, MSD, ONSAGER


def analysed(folder, ions, *options, species=("Li",), temperatures=(600,)):
    """Analyse runs of 32 walkers of each species; return the tables written."""
    paths = [dump(folder / f"walk_{kelvin}K.lammpstrj",
                  *run(kelvin, rate=kelvin / 3000, species=species), time=1.0)
             for kelvin in temperatures]
    analyse_transport.main([*map(str, paths), "--species", ",".join(species), "--ions", ions,
                            "--no-pictures", "--out", str(folder / "out"), *options])
    schemas = (ARRHENIUS, CONDUCTIVITY, DIFFUSION, JOINED, MSD, ONSAGER)
    found = {schema.name: [tables.read(schema, path) for path in sorted(
        (folder / "out").glob(f"*{schema.name}.parquet"))] for schema in schemas}
    return {name: pd.concat(held) for name, held in found.items() if held}


@pytest.mark.parametrize("options", [(), ("--frame_of_reference", "fixed"),
                                     ("--frame_of_reference", "barycentre"),
                                     ("--estimator", "blocks"), ("--thickness_angstrom", "6")])
def test_some_of_the_ions_give_their_own_d_self_alone(tmp_path, options, caplog):
    found = analysed(tmp_path, "1-20", *options)
    rows = found["diffusion"]
    alone = rows["quantity"] == "self"
    assert rows[alone & (rows["axis"] == "xyz")]["value"].notna().all()
    for none in (rows[~alone], found["conductivity"].rename(columns={"value_ms_per_cm": "value"})):
        assert none[["value", "low_95", "high_95"]].isna().all(axis=None)
        assert len(none) and set(none["verdict"]) == {"no_host"}
    assert found["conductivity"]["carrier_density_per_cm3"].to_numpy() == pytest.approx(
        32 / CELL[0, 0]**3 * 1e24)
    assert set(found["msd"]["quantity"]) == {"self"} and found["onsager"].empty
    assert "20 of 32 Li ions are followed" in caplog.text


def test_a_line_of_some_of_the_ions_is_one_of_their_d_self(tmp_path):
    kelvins = (600, 700, 800)
    found = analysed(tmp_path, "1-20", temperatures=kelvins)
    lines = found["arrhenius"].set_index("quantity")
    assert lines["activation_ev"].notna().to_dict() == {
        "d_self": True, "d_total": False, "sigma_self": False, "sigma_total": False}
    rows = found["joined"].set_index("quantity")["value"]
    assert rows["d_self"].notna().sum() == 3 and rows.drop("d_self").isna().all()


def test_all_ions_named_one_by_one_are_those_of_the_crystal(tmp_path):
    found = analysed(tmp_path, "1-32")
    sigma = found["conductivity"].set_index("quantity")
    assert sigma["value_ms_per_cm"]["sigma_self"] > 0 and "no_host" not in set(sigma["verdict"])
    assert len(found["onsager"]) and set(found["msd"]["quantity"]) == {"self", "total", "distinct"}


def test_species_of_which_one_is_followed_in_part_have_no_conductivity_together(tmp_path):
    found = analysed(tmp_path, "1-16,33-64", species=("Li", "Na"))["onsager"]
    known = found[found["value"].notna()]
    assert set(found["species"]) == {"Li", "Na", "Li+Na"}
    assert set(known["species"]) == {"Na"} and "Li" not in set(known["other_species"])


def test_a_charge_of_zero_is_not_taken_for_the_usual_one(tmp_path, repository):
    raw = (repository / "assets/materials/li3ticl6.yml").read_text()
    path = tmp_path / "material.yml"
    path.write_text(raw.replace("Li: 1", "Li: 0").replace("Ti: 3", "Ti: 6"))
    assert "Li: 0" in path.read_text() and CHARGES["Li"] == 1
    with pytest.raises(HavenError, match="mobile element Li has the charge 0"):
        analyse_transport.main([str(dump(tmp_path / "a_600K.lammpstrj", *run(1), time=1.0)),
                                "--material", str(path), "--out", str(tmp_path)])
