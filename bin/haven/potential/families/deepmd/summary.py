"""A network in words, as tables and the report print it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from haven.potential.families.base import Summary
from haven.potential.families.deepmd.archive import is_compressed
from haven.potential.families.deepmd.model_file import network_in


def trained_network(settings: Mapping[str, Any]) -> str:
    """Return the network of a training's settings, as ``potential.json`` has them, in words."""
    s = settings
    if s.get("descriptor") == "dpa4":
        return (f"DPA4 of degree {s['degree']}, {s['channels']} channels, {s['blocks']} blocks, "
                f"cutoff {s['cutoff_angstrom']:g} Å, {s['precision']}")
    return network_words(s["embedding"], s["fitting"], s["cutoff_angstrom"], s["precision"])


def network_words(
    embedding: Sequence[int], fitting: Sequence[int], cutoff: float, precision: str
) -> str:
    """Return layers' widths, cutoff (Angstrom) and precision of a network in words."""
    widths = ["-".join(str(n) for n in part) for part in (embedding, fitting)]
    return f"{widths[0]} / {widths[1]}, cutoff {cutoff:g} Å, {precision}"


def summarise(potential: Path) -> Summary:
    """Read network, precision and compression out of a frozen potential, without its library.

    Parameters
    ----------
    potential
        Frozen by DeePMD-kit's TensorFlow or PyTorch backend; others give their name only.
    """
    try:
        model = network_in(potential)
        if model is None:
            return Summary(potential.name, None)
        descriptor, fitting = model["descriptor"], model["fitting_net"]
        words = network_words(descriptor["neuron"], fitting["neuron"], descriptor["rcut"],
                              descriptor.get("precision", "default"))
    except (ValueError, KeyError, TypeError):
        words = potential.name
    if potential.suffix == ".pth":
        return Summary(words, is_compressed(potential))
    return Summary(words, b"compressed_model" in potential.read_bytes())
