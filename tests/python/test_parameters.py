"""Options are declared once, and all that is written from the declarations follows them."""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
from pathlib import Path

import jsonschema
import pytest

from haven import parameters
from haven.core import options
from haven.core.errors import HavenError

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads(parameters.schema())
RULES = {name: rule for group in SCHEMA["$defs"].values()
         for name, rule in group["properties"].items()}
TOLD = {told.name: told for listed in parameters.parameters().values() for told in listed}


def of_profile(path: Path) -> set[str]:
    """Return the parameters that a configuration beside the main one sets."""
    block = path.read_text().partition("params {")[2].partition("\n}")[0]
    return set(re.findall(r"^    (\w+)\s*=", block, re.M))


@pytest.mark.parametrize("name", parameters.files())
def test_what_is_written_follows_the_declarations(name: str) -> None:
    assert (ROOT / name).read_text() == parameters.files()[name], (
        "write it anew: PYTHONPATH=bin python -m haven.parameters")


def test_the_declarations_are_sound() -> None:
    assert len(TOLD) > 100 and not parameters.problems()


def test_the_schema_is_named_as_nf_core_s_tools_want_it() -> None:
    """``nf-core pipelines schema lint`` compares it with the manifest, and warns of ``false``."""
    manifest = (ROOT / "nextflow.config").read_text().split("manifest {")[1]
    name, description = (re.search(rf"^ *{key} *= '([^']*)'", manifest, re.M)[1]
                         for key in ("name", "description"))
    assert SCHEMA["title"] == f"{name} pipeline parameters"
    assert SCHEMA["description"] == description
    assert SCHEMA["$id"].endswith(f"/{name}/main/nextflow_schema.json")
    assert not [key for key, rule in RULES.items() if rule.get("default") is False]
    assert not [key for key, rule in RULES.items() if rule.get("default") == ""]


def test_the_schema_is_one_and_its_defaults_fit_it() -> None:
    validator = jsonschema.Draft202012Validator
    validator.check_schema(SCHEMA)
    defaults = {name: rule["default"] for name, rule in RULES.items() if "default" in rule}
    assert len(defaults) > 80 and not list(validator(SCHEMA).iter_errors(defaults))
    for name, rule in RULES.items():
        assert rule["description"], name
        texts = [rule, rule.get("items", {})]
        for text in texts:
            if "string" in str(text.get("type")) and "enum" not in text:
                assert text["pattern"].startswith("^") and text["pattern"].endswith("$"), name


@pytest.mark.parametrize(("name", "value"), [
    ("temperatures_k", "298,373"), ("temperatures_k", 298), ("temperatures_k", [298, 373.5]),
    ("supercell", "1, 1, 2"), ("supercell", [1, 1, 2]), ("directions", "[110],[0,-1,0]"),
    ("cost_networks", "32-64/8/7/float64"), ("batch_size", 2), ("batch_size", "auto:32"),
    ("u_ev", "0"), ("u_ev", "1e-1,4"), ("frames", "my data/u0,more"), ("frames", None),
    ("checkpoint_dir", "/x/it's here"),
])
def test_a_standard_validator_takes_what_the_command_line_gives(name: str, value: object) -> None:
    jsonschema.validate({"material": "m", "outdir": "o", "reference": "r", name: value}, SCHEMA)


@pytest.mark.parametrize(("name", "value"), [
    ("slurm_gres", "gpu:1; rm -rf ~"), ("slurm_gres", "gpu:1\nx"), ("batch_size", "foo1bar"),
    ("checkpoint_dir", "s3://x"), ("checkpoint_dir", "/x\ny"), ("occupancies", "default; touch x"),
    ("occupancies", "--sweeps"), ("slurm_account", "a b"), ("outdir", "a\nb"), ("material", ""),
    ("temperatures_k", "298;373"), ("temperatures_k", []), ("supercell", "1,1"),
    ("supercell", [1, 1, 2, 2]), ("supercell", "1e3,1,1"), ("publish_dir_mode", "move"),
    ("timestep_fs", -1), ("nonsense", 1), ("cost_networks", "1/1/1.1.1/float32"),
    ("dump_ps", None), ("k8s_mount", "haven"), ("aws_cpu_queue", "$(x)"), ("registry", "-x"),
])
def test_a_standard_validator_refuses_what_does_not_fit(name: str, value: object) -> None:
    given = {"material": "m", "outdir": "o", "reference": "r", name: value}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(given, SCHEMA)


def test_a_profile_sets_no_parameter_to_null_that_a_run_needs() -> None:
    """What has a default may not be null, or the run is refused (modules/parameters.nf)."""
    for path in (ROOT / "conf").rglob("*.config"):
        for name in re.findall(r"^    (\w+) *= null", path.read_text(), re.M):
            assert "default" not in RULES[name] or "null" in RULES[name]["type"], (path, name)
    assert {name for name, rule in RULES.items() if "null" in rule["type"]} == set(
        parameters.NULLABLE)
    assert all(told.default is None or told.default is False or "default" in RULES[name]
               for name, told in TOLD.items())


def test_every_used_parameter_is_declared() -> None:
    files = [ROOT / "main.nf", ROOT / "nextflow.config", *(ROOT / "conf").rglob("*.config"),
             *(ROOT / "modules").rglob("*.nf")]
    used = {name for path in files for name in re.findall(r"\bparams\.(\w+)", path.read_text())}
    assert used <= set(TOLD)
    for path in (ROOT / "conf").rglob("*.config"):
        assert of_profile(path) <= set(TOLD), path


def test_only_the_entry_workflow_reads_parameters() -> None:
    for path in (ROOT / "modules").rglob("*.nf"):
        assert not re.search(r"\bparams\.\w", path.read_text()), path


def test_lines_of_configuration_are_short() -> None:
    for path in (ROOT / "nextflow.config", *(ROOT / "conf").rglob("*.config")):
        assert max(map(len, path.read_text().splitlines())) <= parameters.WIDTH, path


class AskedError(Exception):
    """Ends a script once its options are known."""


def parser_of(script: str, monkeypatch: pytest.MonkeyPatch) -> argparse.ArgumentParser:
    """Return the parser that a script makes."""
    found = []

    def stop(self, *_given, **_named):
        found.append(self)
        raise AskedError

    with monkeypatch.context() as patched:
        patched.setattr(argparse.ArgumentParser, "parse_args", stop)
        with pytest.raises(AskedError):
            # by its file: a test may have the script's name
            file = ROOT / "bin" / f"{script}.py"
            spec = importlib.util.spec_from_file_location(f"script_{script}", file)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            module.main([])
    return found[0]


@pytest.mark.parametrize("process", parameters.PROCESSES)
def test_a_script_takes_what_its_process_passes_with_the_same_defaults(process, monkeypatch):
    parser = parser_of(process.lower(), monkeypatch)
    known = {action.dest: action for action in parser._actions}
    for name in parameters.passed(process):
        told = TOLD[name]
        assert name in known, f"{process} passes --{name}"
        expected = None if told.default is None else options.text_of(told.default)
        assert known[name].default == expected, name
        if expected is not None:
            options.value_of(told, expected)
    # and whatever a script takes under a parameter's name is passed, or stands in the command
    module = (ROOT / "modules" / process.lower() / "main.nf").read_text()
    operation = {told.name for told in options.declared(options.Operation)}
    for name in set(known) & set(TOLD) - {"help", *parameters.passed(process), *operation}:
        assert f"--{name} " in module, f"{process} does not pass --{name}"


@pytest.mark.parametrize("script", sorted(path.stem for path in (ROOT / "bin").glob("*.py")))
def test_every_option_of_a_script_has_its_help(script, monkeypatch, capsys) -> None:
    parser = parser_of(script, monkeypatch)
    for action in parser._actions:
        assert action.help and action.help.strip(), action.dest
    parser.print_help()
    assert "(default: None)" not in capsys.readouterr().out


@pytest.mark.parametrize(("name", "text", "value"), [
    ("supercell", "1, 1,2", (1, 1, 2)), ("supercell", "[1, 1, 2]", (1, 1, 2)),
    ("prefactors", "1,2,3,4,5,6", ((1, 2), (3, 4), (5, 6))), ("compress", "false", False),
    ("batch_size", "4", 4), ("batch_size", "auto:8", "auto:8"),
    ("directions", "[110], [1,-1,0]", ("[110]", "[1,-1,0]")),
    ("directions", "[1, -1, 0]", ("[1,-1,0]",)), ("cost_atoms", "40", (40,)),
    ("timestep_fs", "5e-1", 0.5),
])
def test_an_option_reads_what_it_is_given(name: str, text: str, value: object) -> None:
    assert options.value_of(TOLD[name], text) == value


@pytest.mark.parametrize(("name", "text", "said"), [
    ("timestep_fs", "nan", "--timestep_fs is nan: it must be a number (in fs)"),
    ("timestep_fs", "1e-400", "--timestep_fs is 1e-400: it must be above 0, at most 5 (in fs)"),
    ("timestep_fs", "6", "--timestep_fs is 6: it must be above 0, at most 5 (in fs)"),
    ("production_ps", "inf", "--production_ps is inf: it must be a number (in ps)"),
    ("rdf_bins", "2.5", "--rdf_bins is 2.5: it must be a whole number"),
    ("rdf_bins", "1_000", "--rdf_bins is 1_000: it must be a whole number"),
    ("supercell", "1,1", "--supercell is 1,1: give 3 values with commas between"),
    ("supercell", "", "--supercell is empty: give 3 values with commas between"),
    ("embedding", "10,,20", "--embedding is 10,,20: it must be a whole number"),
    ("disorder", "", "--disorder is empty: it must be one of electrostatic, random, quasirandom"),
    ("occupancies", "a; b", "--occupancies is a; b: it must look like default"),
    ("checkpoint_dir", "s3://x", "it must look like /shared/checkpoints"),
    ("directions", "[11]", "--directions is [11]: it must look like [110]"),
    ("compress", "yes", "--compress is yes: it must be true or false"),
    ("prefactors", "1,2,3", "--prefactors is 1,2,3: give 6 values"),
    ("seed", "-1", "--seed is -1: it must be at least 0"),
])
def test_an_option_refuses_by_name_what_does_not_fit(name: str, text: str, said: str) -> None:
    with pytest.raises(HavenError) as refused:
        options.value_of(TOLD[name], text)
    assert said in str(refused.value)


def test_a_task_that_was_handed_nothing_is_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HAVEN_THREADS", raising=False)
    options.add_declared(options.parser(""), options.Operation, "threads")  # by hand: no task
    (tmp_path / ".command.sh").touch()
    with pytest.raises(HavenError, match=r"without HAVEN_THREADS.*ext\.before"):
        options.add_declared(options.parser(""), options.Operation, "threads")


def test_how_a_task_runs_comes_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAVEN_THREADS", "3")
    monkeypatch.setenv("HAVEN_CHECKPOINT_DIR", "/some where")
    parser = options.parser("")
    options.add_declared(parser, options.Operation)
    given = options.read_options(options.Operation, parser.parse_args([]))
    assert given == options.Operation(threads=3, checkpoint_dir="/some where")
    given = options.read_options(options.Operation, parser.parse_args(["--threads", "2", "--gpu"]))
    assert given == options.Operation(threads=2, gpu=True, checkpoint_dir="/some where")


def test_a_table_does_not_say_how_its_task_ran() -> None:
    """Such as where checkpoints lie, which is a place of the machine."""
    parser = argparse.ArgumentParser()
    options.add_declared(parser, options.Seed)
    options.add_declared(parser, options.Operation)
    given = parser.parse_args(["--seed", "3", "--checkpoint_dir", "/elsewhere", "--threads", "2"])
    assert options.asked(given) == {"seed": 3}
