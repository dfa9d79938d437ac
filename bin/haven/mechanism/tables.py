"""Tables of how ions move and what the structure about them is."""

from __future__ import annotations

from haven.core.columns import (
    HIGH,
    LOW,
    MATERIAL,
    REPLICA,
    RUN,
    SEED,
    TEMPERATURE,
    U_EV,
    Schema,
    real,
    text,
    truth,
    whole,
)

RDF = Schema("rdf", (
    MATERIAL, U_EV, TEMPERATURE, REPLICA,
    whole("seed", "random seed of the potential that drives; empty for aimd", nullable=True),
    text("source", "dlmd | aimd | dlmd_cell (the potential in the cell of aimd)"),
    text("pair", "pair of elements, such as Cl-Li"),
    real("r_angstrom", "centre of the bin", "Angstrom"),
    real("g", "radial distribution function"),
    real("g_low_95", LOW + " (blocks of time)", nullable=True),
    real("g_high_95", HIGH + " (blocks of time)", nullable=True),
    real("coordination", "neighbours of the second element within the bin's outer edge"),
    real("coordination_reverse", "neighbours of the first element about the second",
       nullable=True),
))

HOPS = Schema("hops", (
    *RUN,
    text("species", "mobile element"),
    text("kind", "intra_layer | inter_layer"),
    text("from_site", "Wyckoff site left"),
    text("to_site", "Wyckoff site reached"),
    text("direction", "signs of the hop's parts along a, b, c (below 0.1: 0), such as [110]"),
    whole("count", "hops seen"),
    real("rate_per_ion_per_ns", "hops per mobile ion and time", "1/ns"),
    real("rate_low_95", LOW + " (Poisson)", "1/ns"),
    real("rate_high_95", HIGH + " (Poisson)", "1/ns"),
    whole("returns", "there-and-back moves within the residence time, not in count",
       nullable=True),
    whole("ions", "mobile ions watched", nullable=True),
    real("duration_ps", "time watched", "ps"),
))

INTERSTITIAL = Schema("interstitial", (
    *RUN,
    text("species", "mobile element"),
    text("kind", "all | intra_layer | inter_layer: which jumps"),
    whole("jumps", "jumps between the material's sites"),
    whole("jumps_via", "of these, by way of an interstitial site: a tetrahedron of anions that is "
          "none of the material's sites"),
    real("share_via", "jumps_via / jumps", nullable=True),
    real("share_via_low_95", LOW + " (exact binomial)", nullable=True),
    real("share_via_high_95", HIGH + " (exact binomial)", nullable=True),
    real("sites_per_cell", "interstitial sites of a conventional cell"),
    real("time_share", "share of the mobile ions' time in interstitial sites, all jumps"),
    real("time_low_95", LOW + " (number of visits times mean stay, or bootstrap over the ions)"),
    real("time_high_95", HIGH + ", for stays like those seen; empty where no visit was seen",
         nullable=True),
    whole("visits", "visits to interstitial sites"),
    whole("rests", "visits of at least the residence time"),
    real("stay_mean_ps", "mean duration of a visit", "ps", nullable=True),
    real("frame_ps", "time between frames: shorter passages are not seen", "ps"),
))

TRACKS = Schema("tracks", (
    *RUN,
    whole("ion", "number of the mobile ion"),
    real("time_ps", "time", "ps"),
    real("x_angstrom", "unwrapped position in the host's frame", "Angstrom"),
    real("y_angstrom", "unwrapped position in the host's frame", "Angstrom"),
    real("z_angstrom", "unwrapped position in the host's frame", "Angstrom"),
    real("displacement_angstrom", "distance from the start", "Angstrom"),
    whole("layer", "number of the cation layer the ion is in, unwrapped"),
    text("site", "Wyckoff site the ion is on"),
))

VAN_HOVE = Schema("van_hove", (
    *RUN,
    text("part", "self | distinct"),
    real("lag_ps", "time lag", "ps"),
    real("r_angstrom", "centre of the bin", "Angstrom"),
    real("density", "self: 4 pi r^2 G_s(r, t), per Angstrom; distinct: G_d(r, t) / density"),
))

DENSITY = Schema("density", (
    *RUN,
    text("species", "mobile element"),
    text("view", "lattice direction looked along, such as [010]"),
    real("u_angstrom", "centre of the patch across the view", "Angstrom"),
    real("v_angstrom", "the same, along the layer normal", "Angstrom"),
    real("density_per_angstrom3", "mobile ions per volume, averaged along the view and all "
       "conventional cells", "1/Angstrom^3"),
))

BARRIERS = Schema("barriers", (
    MATERIAL, U_EV, SEED, REPLICA,
    text("path", "name of the path"),
    text("origin", "direction (as published) | hop (seen in the dynamics)"),
    text("direction", "lattice direction, such as [110]"),
    text("from_site", "Wyckoff site left"),
    text("to_site", "Wyckoff site reached"),
    real("distance_angstrom", "straight distance between the ends", "Angstrom"),
    whole("image", "number of the image along the band"),
    real("coordinate_angstrom", "length along the band", "Angstrom"),
    real("energy_ev", "energy above the first image", "eV"),
    real("barrier_ev", "highest energy above the first image", "eV"),
    real("reverse_barrier_ev", "highest energy above the last image", "eV"),
    real("force_max_ev_per_angstrom", "largest force across the band", "eV/Angstrom"),
    truth("converged", "whether the force fell below the limit"),
    text("flag", "empty, or why the path is doubtful: start_not_relaxed | "
         "end_not_relaxed | ends_merge | others_moved | off_site | through_occupied | via_vacancy "
         "| no_barrier | intermediate_minimum, joined by +",
       nullable=True),
))

DENSITY_GRID = Schema("density_grid", (
    *RUN,
    text("species", "mobile element"),
    real("a_fraction", "centre of the voxel along a of the conventional cell"),
    real("b_fraction", "the same, along b"),
    real("c_fraction", "the same, along c"),
    real("x_angstrom", "centre of the voxel", "Angstrom"),
    real("y_angstrom", "centre of the voxel", "Angstrom"),
    real("z_angstrom", "centre of the voxel", "Angstrom"),
    real("density_per_angstrom3", "mobile ions per volume, averaged over all conventional cells",
         "1/Angstrom^3"),
))

NETWORK = Schema("network", (
    *RUN,
    text("species", "mobile element"),
    text("kind", "site (both ends are the same; count: jumps that left it) | intra_layer | "
         "inter_layer: jumps seen between two sites"),
    text("from_site", "Wyckoff site left"),
    text("to_site", "Wyckoff site reached"),
    whole("count", "jumps seen, of all conventional cells"),
    real("x_angstrom", "ideal site left, in the conventional cell", "Angstrom"),
    real("y_angstrom", "ideal site left", "Angstrom"),
    real("z_angstrom", "ideal site left", "Angstrom"),
    real("to_x_angstrom", "ideal site reached, which may be in a cell beside it", "Angstrom"),
    real("to_y_angstrom", "ideal site reached", "Angstrom"),
    real("to_z_angstrom", "ideal site reached", "Angstrom"),
))

BAND_ATOMS = Schema("band_atoms", (
    MATERIAL, U_EV, SEED, REPLICA,
    text("path", "name of the path, as in table barriers"),
    whole("image", "number of the image along the band"),
    whole("atom", "row of the atom in the supercell"),
    text("species", "element"),
    truth("moves", "whether it is the ion that jumps"),
    real("x_angstrom", "position, the image nearest to the path", "Angstrom"),
    real("y_angstrom", "position", "Angstrom"),
    real("z_angstrom", "position", "Angstrom"),
))

TABLES = (RDF, HOPS, INTERSTITIAL, TRACKS, VAN_HOVE, DENSITY, DENSITY_GRID, NETWORK, BARRIERS,
          BAND_ATOMS)
