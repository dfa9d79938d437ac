"""Wrong input ends a run with a clear line, before compute is spent where it can be known."""

from __future__ import annotations

from pathlib import Path

from runs import ROOT, nextflow

FRAMES = ROOT / "assets" / "frames" / "li3ticl6"


def test_wrong_parameters_are_listed_all_at_once(tmp_path: Path) -> None:
    run = nextflow(
        tmp_path, "trace.tsv", "-profile", "test", "--trainning_steps", "5", "--replicas", "2.0",
        "--temperatures_k", "298,-5", "--frames", str(tmp_path / "nowhere"),
    )  # fmt: skip
    assert run.status != 0
    assert not run.tasks
    assert "--replicas is 2.0, must be a whole number, in digits alone" in run.said
    for name in ("trainning_steps", "temperatures_k", "frames"):
        assert f"--{name} is" in run.said, run.said


def test_words_without_an_option_and_options_without_a_value_are_refused(tmp_path: Path) -> None:
    """Nextflow leaves the words out and takes `true` for the value; a list would be its first."""
    run = nextflow(
        tmp_path, "stray.tsv", "-stub", "--temperatures_k", "300", "350", "400\n", "-preview",
        "foo", "--checkpoint_dir", "--slurm_queue", "", "--slurm_account", "", "--registry", "",
        "--replicas", "--u_ev", "")  # fmt: skip
    assert run.status != 0 and not run.tasks
    said = run.said.splitlines()
    start = said.index("haven: error: 7 parameters are wrong:")
    assert [line.split(":")[0] for line in said[start + 1: start + 8]] == [
        *(f"  --{name} needs a value" for name in (
            "u_ev", "replicas", "checkpoint_dir", "slurm_account", "slurm_queue", "registry")),
        "  350 400 foo belong to no option"]


def test_one_mistake_is_one_line_before_any_process(tmp_path: Path) -> None:
    (tmp_path / "results").touch()
    for more, words in (((), f"haven: error: --outdir {tmp_path / 'results'} is a file: give a"),
                        (("foo",), "haven: error: foo belongs to no option: lists take commas")):
        run = nextflow(tmp_path, "one.tsv", "-profile", "test", "-stub", *more)
        assert run.status != 0 and not run.tasks
        assert run.said.splitlines()[-1].startswith(words), run.said


def test_null_is_refused_by_name_where_a_run_needs_a_value(tmp_path: Path) -> None:
    """Switches and what has no default may be null; a direction keeps its brackets and commas."""
    (tmp_path / "mine.yml").write_text(
        "dump_ps: null\nproduction_ps:\ncompress: null\npretrained: null\nmodels: null\n"
        "min_distance_angstrom: null\ntrain: 1\n")
    run = nextflow(tmp_path, "null.tsv", "-profile", "test,paper", "-params-file",
                   str(tmp_path / "mine.yml"), "--directions", "[1,-1,0], [010]")
    assert run.status != 0 and not run.tasks
    said = run.said.splitlines()
    start = said.index("haven: error: 4 parameters are wrong:")
    assert sorted(line.split()[0] for line in said[start + 1: start + 5]) == [
        "--compress", "--dump_ps", "--production_ps", "--train"]
    assert "  --dump_ps is null, but a run needs a value: give one (in ps), or leave it out" in said


def test_a_direction_alone_is_one_value(tmp_path: Path) -> None:
    run = nextflow(tmp_path, "one.tsv", "-profile", "test", "-preview", "--directions",
                   "[1,-1,0]", "--u_ev", "[0, 4]")
    assert run.status == 0, run.said


def test_what_is_given_twice_is_refused_on_the_command_line_and_in_files(tmp_path: Path) -> None:
    for name, text, known in (
        ("mine.yml", "seed: 1\nu_ev: 0\n'seed': 2\n", "seed"),
        ("my file.json", '{"replicas": 1,\n\t"replicas": 2, "name": "x\\"seed\\":"}', "replicas"),
    ):
        (tmp_path / name).write_text(text)
        run = nextflow(tmp_path, f"{name}.tsv", "-profile", "test", "-params-file",
                       str(tmp_path / name), "--ensemble", "1", "--ensemble=2",
                       "--outdir", "a --seed 1 --seed 2")
        assert run.status != 0 and not run.tasks
        assert "--ensemble is given twice on the command line: give it once" in run.said
        assert f"{known} is given twice in {tmp_path / name}: give it once" in run.said
        assert "--seed is given twice" not in run.said, "that stands in the name of a folder"


def test_more_driving_potentials_than_an_ensemble_has_are_refused(tmp_path: Path) -> None:
    run = nextflow(tmp_path, "few.tsv", "-profile", "test", "--driving_potentials", "2")
    assert run.status != 0 and not run.tasks
    assert "--driving_potentials is 2, but U = 0 eV has 1 potential: raise --ensemble" in run.said


def test_a_folder_of_published_values_without_their_works_is_refused(tmp_path: Path) -> None:
    values = (ROOT / "assets" / "reference" / "transport.csv").read_text()
    for name, files, words in (("none", {"citations.csv": ""}, "has no table of values"),
                               ("mine", {"mine.csv": values}, "has no citations.csv")):
        (folder := tmp_path / name).mkdir()
        for file, text in files.items():
            (folder / file).write_text(text)
        run = nextflow(tmp_path, f"{name}.tsv", "-profile", "test", "--reference", str(folder))
        assert run.status != 0 and not run.tasks
        assert f"--reference {folder} {words}" in run.said, run.said


def test_occupancies_that_do_not_sum_are_refused(tmp_path: Path) -> None:
    text = (ROOT / "assets" / "materials" / "li3ticl6.yml").read_text()
    material = tmp_path / "wrong.yml"
    material.write_text(text.replace("{2a: 0.754, 4g: 0.123}", "{2a: 0.754, 4g: 0.623}"))
    assert material.read_text() != text
    run = nextflow(tmp_path, "trace.tsv", "-profile", "test", "--material", str(material),
                   "--frames", str(FRAMES))
    assert run.status != 0
    lines = [line for line in run.said.splitlines() if "haven: error:" in line]
    assert any("occupanc" in line for line in lines), run.said
    assert not [name for name in run.names("COMPLETED") if "TRAIN" in name or "DYNAMICS" in name]


def test_a_frame_file_cut_in_half_is_refused_before_training(tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    for path in sorted(FRAMES.glob("*.extxyz")):
        (frames / path.name).write_bytes(path.read_bytes())
    cut = sorted(frames.iterdir())[0]
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    run = nextflow(tmp_path, "trace.tsv", "-profile", "test", "--frames", str(frames))
    assert run.status != 0
    lines = [line for line in run.said.splitlines() if "haven: error:" in line]
    assert any(cut.name in line for line in lines), run.said
    assert not [name for name in run.tasks if "TRAIN" in name or "DYNAMICS" in name]


def test_an_image_that_is_not_there_is_named_with_what_makes_it(tmp_path: Path) -> None:
    run = nextflow(tmp_path, "image.tsv", "-profile", "test,apptainer,gpu", "--image_folder",
                   str(tmp_path))
    assert run.status != 0 and not run.tasks
    assert f"haven: error: {tmp_path} has no haven-cpu.sif, haven-gpu.sif" in run.said
    assert "containers/build.sh cpu gpu" in run.said
