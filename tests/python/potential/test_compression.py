"""Compressed potentials, trained and given, of TensorFlow and PyTorch, against the originals."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from trained import MATERIAL, ROOT, call, train_arguments, trained

from haven.core.errors import HavenError
from haven.dynamics.lammps import program as lammps
from haven.material import structures
from haven.material.file import load_material
from haven.potential.families.deepmd import archive, compression, given, model_file
from haven.potential.families.deepmd.input import make_input
from haven.potential.families.deepmd.settings import DeepmdSettings
from haven.potential.families.deepmd.start import choose_start
from haven.potential.families.deepmd.summary import summarise

INSTALLED = importlib.util.find_spec("torch") is not None
pytorch = pytest.mark.skipif(not INSTALLED, reason="PyTorch is not installed: HAVEN_PYTORCH=yes "
                             "./haven test installs it")


def brief(out: Path, *more: object) -> list[object]:
    """Return the arguments of a training of a few steps, its results and checkpoints in ``out``."""
    asked = train_arguments(trained())
    place = asked.index("--checkpoint_dir")
    asked[place:] = ["--backend", "pytorch", "--out", out, "--checkpoint_dir", out / "checkpoints"]
    asked[asked.index("--training_steps") + 1] = 10
    return [*asked, *more]


@pytest.fixture(scope="module")
def networks(tmp_path_factory) -> Path:
    """Return a folder with a compressed potential of PyTorch, and the original beside it."""
    out = tmp_path_factory.mktemp("pytorch")
    done = call("train_potential.py", *brief(out))
    assert done.returncode == 0, done.stderr
    return out


def cells() -> list[compression.Frames]:
    return given.compared_frames(load_material(MATERIAL), ["Li", "Ti", "Cl"])


def make_given(source: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "bin" / "compile_potential.py"), "--potential", str(source),
         "--material", str(MATERIAL), "--name", "u4_s1", "--out", str(out), *more],
        capture_output=True, text=True, check=False)


@pytorch
def test_a_training_of_pytorch_is_compressed_and_holds_its_bounds(networks):
    about = json.loads((networks / "u4_s1.potential.json").read_text())
    assert about["potential"] == "u4_s1.pth" and about["compression"]["holds"]
    assert about["compression"]["force_error_ev_per_angstrom"] <= 1e-4
    small, original = networks / "u4_s1.pth", networks / "uncompressed_u4_s1.pth"
    assert summarise(small).compressed is True and summarise(original).compressed is False
    one, two = (compression.open_potential(path) for path in (small, original))
    energy, force = compression.differences(one, two, cells())
    assert 0 < force <= compression.FORCE_BOUND and energy <= compression.ENERGY_BOUND
    (coords, box, types), *_ = cells()
    assert np.abs(compression.predict(two, coords, box, types).force).max() > 0.01


@pytorch
def test_lammps_computes_the_same_with_both(networks, tmp_path):
    material = load_material(MATERIAL)
    frames, _ = given.starting_frames(material, 1, 1, 0.1, 0.0, 1, 0, 40)
    structures.write_data(tmp_path / "in.data", frames[0][0], material.species)
    found = []
    for name in ("u4_s1.pth", "uncompressed_u4_s1.pth"):
        shutil.copy(networks / name, tmp_path)
        lines = lammps.setting_lines("read_data in.data", [name], material.species)
        (tmp_path / "in.lmp").write_text("\n".join(
            [*lines, "thermo_style custom step temp pe press", "fix 1 all nve", "run 5"]) + "\n")
        assert lammps.start_lammps(tmp_path, "in.lmp", f"{name}.log", 1).wait() == 0, (
            lammps.error_line(tmp_path, f"{name}.log"))
        found.append(lammps.read_thermo(tmp_path / f"{name}.log", 4))
    assert found[0][-1, 0] == 5
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)


@pytorch
def test_a_given_potential_of_pytorch_is_compressed_once(networks, tmp_path):
    done = make_given(networks / "uncompressed_u4_s1.pth", tmp_path)
    assert done.returncode == 0, done.stderr
    small = tmp_path / "u4_s1.pth"
    assert summarise(small).compressed is True
    original = tmp_path / "uncompressed_u4_s1.pth"
    assert original.read_bytes() == (networks / "uncompressed_u4_s1.pth").read_bytes()
    one, two = (compression.open_potential(path) for path in (small, original))
    assert 0 < compression.differences(one, two, cells())[1] <= compression.FORCE_BOUND
    done = make_given(small, tmp_path / "again")
    assert done.returncode == 0 and "is compressed already" in done.stderr, done.stderr
    assert (tmp_path / "again" / "u4_s1.pth").read_bytes() == small.read_bytes()
    assert not list((tmp_path / "again").glob("uncompressed*"))


def test_a_given_potential_of_tensorflow_is_compressed(tmp_path):
    done = make_given(trained() / "uncompressed_u4_s1.pb", tmp_path)
    assert done.returncode == 0, done.stderr
    small, original = tmp_path / "u4_s1.pb", tmp_path / "uncompressed_u4_s1.pb"
    assert summarise(small).compressed is True and summarise(original).compressed is False
    one, two = (compression.open_potential(path) for path in (small, original))
    assert 0 < compression.differences(one, two, cells())[1] <= compression.FORCE_BOUND


def test_a_potential_that_is_not_to_be_compressed_stays_as_it_is(tmp_path):
    source = trained() / "uncompressed_u4_s1.pb"
    done = make_given(source, tmp_path, "--compress", "false")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "u4_s1.pb").read_bytes() == source.read_bytes()
    assert not list(tmp_path.glob("uncompressed*"))


@pytest.mark.parametrize(("name", "content", "says"), [
    ("u4_s1.pb", b"x", "is empty or cut off"), ("u4_s1.pth", b"x" * 2000, "can't load it"),
    ("u4_s1.txt", b"x" * 2000, "is no frozen potential"),
])
def test_a_given_file_that_is_no_potential_is_one_line(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    done = make_given(tmp_path / name, tmp_path)
    lines = [line for line in done.stderr.splitlines() if line.startswith("haven: error:")]
    assert done.returncode == 2 and len(lines) == 1 and says in lines[0], done.stderr


def test_bounds_that_no_table_holds_leave_the_potential_uncompressed(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(compression, "FORCE_BOUND", 1e-30)
    source, target = trained() / "uncompressed_u4_s1.pb", tmp_path / "small.pb"
    assert given.compress_given(source, target, load_material(MATERIAL)) is False
    assert not target.exists()
    assert "the uncompressed potential is used" in caplog.text


@pytorch
def test_a_network_that_deepmd_refuses_to_compress_is_used_as_it_is(networks, tmp_path, caplog):
    shutil.copy(networks / "u4_s1.pth", tmp_path / "frozen.pth")  # tabulated already
    found = compression.compress(tmp_path, "frozen.pth", "small.pth", cells())
    assert found["holds"] is False and found["refused"]
    lines = [record.message for record in caplog.records if "cannot compress" in record.message]
    assert len(lines) == 1 and "the uncompressed potential is used" in lines[0]


@pytorch
def test_a_compressed_potential_of_pytorch_cannot_be_trained_further(networks, tmp_path):
    shutil.copy(networks / "u4_s1.pth", tmp_path)
    with pytest.raises(HavenError, match="is compressed, and its network cannot be trained"):
        choose_start(tmp_path, 4.0, 1, ["Li", "Ti", "Cl"])


@pytorch
def test_a_potential_of_pytorch_says_its_network_without_pytorch(networks):
    path = networks / "uncompressed_u4_s1.pth"
    found = model_file.read_description(path)
    assert found is not None and found.type_map == ("Li", "Ti", "Cl") and found.cutoff_angstrom == 5
    assert summarise(path).model == "4-8 / 16-16, cutoff 5 Å, float64"
    other = make_input(DeepmdSettings(embedding=(4, 9)), list(found.type_map), [4] * 3, [], [],
                       True)
    with pytest.raises(HavenError, match=r"another network.*embedding \[4, 8\], not \[4, 9\]"):
        model_file.check_network(path, other["model"])


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" + b"\0" * 50, b"x" * 3000])
def test_what_is_no_archive_has_no_attributes(tmp_path, content):
    (tmp_path / "a.pth").write_bytes(content)
    assert archive.attributes(tmp_path / "a.pth") == {}
    assert archive.is_compressed(tmp_path / "a.pth") is None


@pytorch
def test_an_archive_with_flipped_bits_raises_nothing(networks, tmp_path):
    content = (networks / "uncompressed_u4_s1.pth").read_bytes()
    rng = np.random.default_rng(1)
    for _ in range(40):
        broken = bytearray(content)
        for place in rng.integers(0, len(content), 5):
            broken[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "broken.pth").write_bytes(broken)
        archive.attributes(tmp_path / "broken.pth")
