"""Label engines: the registry is what options, schema and documents offer."""

import json

import pytest
from trained import MATERIAL, ROOT

from haven.core.errors import HavenError
from haven.labels.engines import ENGINES
from haven.labels.engines.base import LabelSettings
from haven.labels.labelling import make_engine
from haven.material.file import load_material


def test_the_schema_offers_the_engines_of_the_registry():
    text = json.dumps(json.loads((ROOT / "nextflow_schema.json").read_text()))
    start = text.index('"engine": {')
    assert json.dumps(list(ENGINES)) in text[start:start + 600]


@pytest.mark.parametrize("name", ["cp2k", "", "GPAW", "gpaw "])
def test_an_engine_that_is_none_is_refused_with_what_there_is(tmp_path, name):
    with pytest.raises(HavenError, match=f"choose from {', '.join(ENGINES)}"):
        make_engine(name, load_material(MATERIAL), LabelSettings(), tmp_path)


def test_an_engine_s_library_is_not_imported_before_it_is_asked_for():
    import subprocess
    import sys

    code = "import sys; import haven.labels.labelling; print('gpaw' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "bin", capture_output=True,
                          text=True, check=True)
    assert done.stdout.strip() == "False"
