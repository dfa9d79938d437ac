"""Labels and kinds name their element by one rule; what has two readings is refused."""

from __future__ import annotations

import numpy as np
import pytest

from haven.core.errors import HavenError
from haven.core.reading.elements import element_labelled, element_of_kind
from haven.trajectory.readers.base import elements_labelled


@pytest.mark.parametrize(("label", "element"), [
    ("Li", "Li"), ("li", "Li"), ("LI", "Li"), ("Li+", "Li"), ("Fe1", "Fe"), ("FE2", "Fe"),
    ("O_core", "O"), ("Cl-", "Cl"), ("H2O", "H"), ("CO", "Co"), ("Ti4+", "Ti"), ("o", "O"),
])
def test_labels_and_kinds_that_end_in_no_letter_are_read_alike(label, element):
    assert element_labelled(label) == element == element_of_kind(label)
    assert elements_labelled(np.array([label]))[0] == element


@pytest.mark.parametrize(("kind", "element"), [
    ("FeA", "Fe"), ("NiUp", "Ni"), ("OW", "O"), ("Hw", "H"), ("Tiup", "Ti"), ("LIx", "Li"),
    ("Cbulk1", "C"),
])
def test_kinds_alone_may_go_on_with_letters(kind, element):
    """CP2K and DeePMD-kit leave the names to the user; LAMMPS's type labels stay as they are."""
    assert element_of_kind(kind) == element
    assert element_labelled(kind) is None
    assert elements_labelled(np.array([kind]))[0] == kind


@pytest.mark.parametrize("kind", ["Osurf", "FEA", "feup", "Nbulk"])
def test_kinds_with_two_readings_are_refused(kind):
    with pytest.raises(HavenError, match=f"kind {kind} may be"):
        element_of_kind(kind)


@pytest.mark.parametrize("kind", ["", "X", "Xx", "1Fe", "_O", "Qq" * 40, "\n"])
def test_kinds_of_no_element_end_in_one_line(kind):
    with pytest.raises(HavenError, match="are no element") as caught:
        element_of_kind(kind)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 120
