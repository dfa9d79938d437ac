"""The tests of nf-test's files, run by one call of Nextflow: pytest needs no nf-test.

``modules/*/tests/main.nf.test`` give each process its inputs, ``main.nf.test.snap`` what must come
out. Here the same inputs go into one workflow, whose tasks run the processes' real script blocks.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 1800
TEST = re.compile(r'\n    test\("(?P<name>[^"]*)"\) \{\n(?P<body>.*?)\n    \}\n', re.S)
INPUTS = re.compile(r'process \{\s*"""(?P<inputs>.*?)"""', re.S)
ASSERTS = re.compile(r"assertAll\(\n(?P<asserts>.*?)\n {12}\)", re.S)
SCRIPT = re.compile(r'script:\n(?P<head>.*?)"""\n(?P<command>.*?)"""\n', re.S)
OPTION = re.compile(r" --[a-z_]+ (?:\$\{(?:[^{}]|\{[^{}]*\})*\}|[a-z]+)")

FLOW = """
def tell(id, out) {
    out.getNames().each { name ->
        out.getProperty(name).subscribe { value ->
            [value].flatten().findAll { one -> one instanceof java.nio.file.Path }.each { path ->
                new File("${launchDir}/told/${id}.${name}") << "${name}=${path}\\n" } } }
}

workflow {
    def input = []
"""


STUB_FLOW = """
def keep(kept, id, out) {
    kept[id] = [:]
    out.getNames().each { name ->
        kept[id][name] = java.util.Collections.synchronizedList([])
        out.getProperty(name).subscribe { value -> kept[id][name] << value } }
}

def judge(id, out, asserts) {
    def lost = ''
    asserts.call([success: true, out: out], { value -> value }).each { one ->
        try { one.call() } catch( AssertionError wrong ) { lost += wrong.message + '\\n' } }
    new File("${launchDir}/held/${id}").text = lost
}

workflow {
    def input = []
    def kept = [:]
"""


@dataclass(frozen=True)
class Case:
    """One test of a script block: its process, its name in nf-test's file, Groovy of its inputs.

    ``names_only`` is true where the snapshot holds no more than the outputs' names.
    """

    process: str
    name: str
    inputs: str
    names_only: bool = False

    @property
    def module(self) -> Path:
        """Folder of the process, from the root."""
        return Path("modules") / self.process.lower()

    @property
    def snapshot(self) -> list[str] | None:
        """Lines that must come out; None where nf-test has written none yet."""
        path = ROOT / self.module / "tests" / "main.nf.test.snap"
        held = json.loads(path.read_text()) if path.exists() else {}
        return held[self.name]["content"][0] if self.name in held else None


    def write_snapshot(self, lines: list[str]) -> None:
        """Write the lines as nf-test does."""
        path = ROOT / self.module / "tests" / "main.nf.test.snap"
        held = {self.name: {"content": [lines], "timestamp": "", "meta": {}}}
        path.write_text(json.dumps(held, indent=4, ensure_ascii=False))


@dataclass(frozen=True)
class Stub:
    """One test of a stub block: its process, name, Groovy of its inputs and of what must hold."""

    process: str
    name: str
    inputs: str
    asserts: str


@dataclass(frozen=True)
class Ended:
    """How the tasks ended, by id: status of the last try, and what the outputs hold."""

    status: dict[str, str]
    lines: dict[str, list[str]]
    said: str


def cases() -> list[Case]:
    """Return every test that runs a script block."""
    found = []
    for path in sorted((ROOT / "modules").glob("*/tests/main.nf.test")):
        process = path.parents[1].name.upper()
        for test in TEST.finditer(path.read_text()):
            inputs = INPUTS.search(test["body"])
            if inputs and "-stub" not in test["body"]:
                found.append(Case(process, test["name"], inputs["inputs"],
                                  "Told.names(" in test["body"]))
    return found


def stubs() -> list[Stub]:
    """Return every test of a stub block."""
    found = []
    for path in sorted((ROOT / "modules").glob("*/tests/main.nf.test")):
        for test in TEST.finditer(path.read_text()):
            inputs, asserts = INPUTS.search(test["body"]), ASSERTS.search(test["body"])
            if inputs and asserts and "-stub" in test["body"]:
                found.append(Stub(path.parents[1].name.upper(), test["name"], inputs["inputs"],
                                  asserts["asserts"]))
    return found


def mutants(module: str) -> dict[str, str]:
    """Return what a module's text becomes when its command loses one option, by that option."""
    block = SCRIPT.search(module)
    assert block, module
    command = block["command"]
    return {option[0].split()[0]: module.replace(
        command, command[:option.start()] + command[option.end():])
        for option in OPTION.finditer(command)}


def run(folder: Path, wanted: dict[str, tuple[Case, str]]) -> Ended:
    """Run cases in a folder that is made, each with the text its module is to have.

    ``wanted`` maps an id, a word, to a case and the module's text.
    """
    folder.mkdir(parents=True)
    for name in ("assets", "bin", "conf", "tests", "nextflow.config", "nextflow_schema.json"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "told").mkdir()
    lines = []
    calls = []
    for key, (case, text) in wanted.items():
        place = folder / "modules" / key
        place.mkdir(parents=True)
        (place / "main.nf").write_text(text)
        lines.append(f"include {{ {case.process} as {key} }} from './modules/{key}'")
        calls.append(f"    input = []\n{case.inputs}\n    {key}.run(input.toArray())\n"
                     f"    tell('{key}', {key}.out)\n")
    (folder / "main.nf").write_text("\n".join(lines) + "\n" + FLOW + "\n".join(calls) + "}\n")
    (folder / "ignore.config").write_text(
        "workflow.failOnIgnore = false\nprocess { withName: '.*' { errorStrategy = 'ignore' } }\n")
    done = subprocess.run(
        ["nextflow", "run", "main.nf", "-ansi-log", "false", "-c",
         str(ROOT / "tests" / "nextflow.config"), "-c", "ignore.config", "-with-trace",
         "trace.tsv"], cwd=folder, text=True, check=False, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT_S)
    assert (folder / "trace.tsv").exists(), done.stdout
    with (folder / "trace.tsv").open(newline="") as stream:
        status = {row["name"].split(" ")[0]: row["status"]
                  for row in csv.DictReader(stream, delimiter="\t")}
    lines = {key: told(folder, key) for key in wanted}
    for key, (case, _text) in wanted.items():
        if case.names_only:
            lines[key] = [line for line in lines[key] if re.match(r"\w+: ", line)]
    return Ended(status, lines, done.stdout)


def run_stubs(folder: Path, wanted: dict[str, Stub]) -> dict[str, str]:
    """Run stub tests in one call of Nextflow; return by id what did not hold, empty where all did.

    Their assertions are Groovy, evaluated there on the outputs as nf-test does: a list of what each
    channel emitted.
    """
    folder.mkdir(parents=True)
    for name in ("assets", "bin", "conf", "modules", "tests", "nextflow.config",
                 "nextflow_schema.json", "LICENSE"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "held").mkdir()
    includes, calls, judges = [], [], []
    for key, stub in wanted.items():
        includes.append(f"include {{ {stub.process} as {key} }} from "
                        f"'./modules/{stub.process.lower()}'")
        calls.append(f"    input = []\n{stub.inputs}\n    {key}.run(input.toArray())\n"
                     f"    keep(kept, '{key}', {key}.out)\n")
        judges.append(f"        judge('{key}', kept['{key}'], {{ process, path -> [\n"
                      f"{stub.asserts}\n        ] }})\n")
    (folder / "main.nf").write_text("\n".join(includes) + "\n" + STUB_FLOW + "\n".join(calls)
                                    + "    workflow.onComplete = {\n" + "".join(judges)
                                    + "    }\n}\n")
    done = subprocess.run(["nextflow", "run", "main.nf", "-stub", "-ansi-log", "false", "-c",
                           str(ROOT / "tests" / "nextflow.config")], cwd=folder, text=True,
                          check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=LIMIT_S)
    held = {path.name: path.read_text() for path in (folder / "held").iterdir()}
    return {key: held.get(key, f"not judged:\n{done.stdout}") for key in wanted}


def told(folder: Path, key: str) -> list[str]:
    """Return the lines that say what a case's outputs hold."""
    from tell import tell

    given = [line for path in (folder / "told").glob(f"{key}.*")
             for line in path.read_text().splitlines()]
    return tell(given) if given else []


def differences(expected: list[str], found: list[str]) -> list[str]:
    """Return expected lines that nothing found is like, numbers to a twentieth.

    Another processor rounds differently. Columns that were added to a table are no difference: its
    declaration is tested elsewhere.
    """
    rest, lost = list(found), []
    for line in expected:
        near = next((other for other in rest if alike(line, other)), None)
        if near is None:
            lost.append(line)
        else:
            rest.remove(near)
    return lost


def alike(one: str, other: str) -> bool:
    """Tell whether two lines differ by no more than a twentieth of their largest number."""
    if one == other:
        return True
    firsts, seconds = one.replace(",", " ").split(), other.replace(",", " ").split()
    if len(firsts) != len(seconds):
        return False
    sizes = [abs(float(word)) for word in firsts + seconds if NUMBER.fullmatch(word)]
    near = 0.05 * max(sizes, default=0.0)
    return all(a == b or bool(NUMBER.fullmatch(a) and NUMBER.fullmatch(b)
                              and abs(float(a) - float(b)) <= near)
               for a, b in zip(firsts, seconds, strict=True))


NUMBER = re.compile(r"-?[0-9.]+(e[-+]?[0-9]+)?")
