"""DeePMD-kit's ``input.json`` of a training, for each descriptor."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from haven.potential.families.deepmd.settings import DeepmdSettings

EQUIVARIANT = ("degree", "channels", "blocks")
INVARIANT = ("smooth_angstrom", "embedding", "axis_neurons", "type_one_side", "fitting",
             "fitting_activation", "decay_steps")
OTHERS = {"se_e2_a": EQUIVARIANT, "dpa4": INVARIANT}
DESCRIPTORS = tuple(OTHERS)
WARM_UP = 200  # steps in which the rate rises from a fifth


def described(settings: DeepmdSettings) -> dict[str, Any]:
    """Return the settings that the training's descriptor has, by name."""
    unused = OTHERS[settings.descriptor]
    return {name: value for name, value in asdict(settings).items() if name not in unused}


def make_input(
    settings: DeepmdSettings, type_map: list[str], sel: list[int], train: list[str],
    test: list[str], virial: bool,
) -> dict[str, Any]:
    """Return the content of DeePMD-kit's ``input.json``.

    Parameters
    ----------
    settings
        Of the training.
    type_map
        Elements by type.
    sel
        Places for neighbours of each type; ``dpa4`` takes all that there are.
    train, test
        Folders of the systems to train on, and of those held out.
    virial
        Whether every system has virials.
    """
    s = settings
    energy, force, strain = s.prefactors
    every = max(1, min(100, s.training_steps // 20))
    own = _equivariant(s) if s.descriptor == "dpa4" else _invariant(s, sel)
    return {
        **own,
        "model": {"type_map": type_map, **own["model"]},
        "loss": {
            "type": "ener", **own.get("loss", {}),
            "start_pref_e": energy[0], "limit_pref_e": energy[1],
            "start_pref_f": force[0], "limit_pref_f": force[1],
            "start_pref_v": strain[0] if virial else 0.0,
            "limit_pref_v": strain[1] if virial else 0.0,
        },
        "training": {
            "training_data": {"systems": train, "batch_size": s.batch_size,
                              "auto_prob": "prob_sys_size"},
            "validation_data": {"systems": test, "batch_size": s.batch_size, "numb_btch": 2},
            "numb_steps": s.training_steps, "seed": s.seed + 2, "disp_file": "lcurve.out",
            "disp_freq": every, "save_freq": every * 5, "save_ckpt": "model.ckpt",
            "max_ckpt_keep": 3, **own.get("training", {}),
        },
    }


def _invariant(s: DeepmdSettings, sel: list[int]) -> dict[str, Any]:
    return {
        "model": {
            "descriptor": {
                "type": "se_e2_a", "sel": sel, "rcut": s.cutoff_angstrom,
                "rcut_smth": s.smooth_angstrom, "neuron": list(s.embedding), "resnet_dt": False,
                "axis_neuron": s.axis_neurons, "seed": s.seed, "precision": s.precision,
                "activation_function": "tanh", "type_one_side": s.type_one_side,
            },
            "fitting_net": {
                "neuron": list(s.fitting), "resnet_dt": True, "seed": s.seed + 1,
                "precision": s.precision, "activation_function": s.fitting_activation,
            },
        },
        "learning_rate": {
            "type": "exp", "start_lr": s.learning_rate_start, "stop_lr": s.learning_rate_stop,
            "decay_steps": s.decay_steps,
        },
    }


def _equivariant(s: DeepmdSettings) -> dict[str, Any]:
    # A small network of this kind, for some hundred frames of small cells, on top of the universal
    # repulsion of nuclei (Ziegler, Biersack, Littmark): pairs closer than in any frame repel.
    return {
        "model": {
            "type": "dpa4", "bridging_method": "zbl",
            "descriptor": {
                "rcut": s.cutoff_angstrom, "channels": s.channels, "lmax": s.degree, "mmax": 1,
                "n_blocks": s.blocks, "n_radial": 12, "mixing_layers": 2, "ffn_blocks": 1,
                "n_focus": 1, "n_atten_head": 1, "edge_norm": False, "message_node_so3": True,
                "ffn_so3_grid": True, "so3_readout": "mlp", "use_amp": False,
                "precision": s.precision, "seed": s.seed,
            },
            "enable_tf32": False,  # forces stay smooth
            "fitting_net": {"neuron": [0], "precision": s.precision, "seed": s.seed + 1},
        },
        "learning_rate": {
            "type": "wsd", "start_lr": s.learning_rate_start, "stop_lr": s.learning_rate_stop,
            "warmup_steps": min(WARM_UP, s.training_steps // 10), "warmup_start_factor": 0.2,
            "decay_phase_ratio": 0.65, "decay_type": "cosine",
        },
        # the mean length of the error vectors, which frames with another orbital order don't rule
        "loss": {"loss_func": "mae", "f_use_norm": True},
        "optimizer": {"type": "HybridMuon", "weight_decay": 0.001},
        "training": {"gradient_max_norm": 5.0, "disp_avg": True},
    }
