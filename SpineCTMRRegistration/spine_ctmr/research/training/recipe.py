"""Training recipes: everything that decides what a training run computes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import InputError
from ...network.kinds import network_options, network_table
from ...network.motion import NetworkOptions
from ...network.unet import VelocityUNetOptions
from ...phantoms.patient import MECHANICS, MOTIONS
from ...phantoms.tissue import ANY, SEQUENCES
from ...recipe_tables import read_table, require
from .loss_terms import LossTerm, loss_table, loss_terms
from .own_options import OwnDataOptions
from .schedule import Optimisation
from .starts import GIVEN, STARTS
from .vertebra_options import VertebraOptions

PRECISIONS = ("float32", "bfloat16")
_POSITIVE = ("spacing_mm", "batch", "steps", "gradient_clip", "validation_interval", "checkpoint_interval")
START_ERRORS_MM = (2.0, 5.0, 9.0)
_DEFAULT_LOSS = {"displacement": 1.0, "bone_displacement": 1.0, "smoothness": 0.05}


@dataclass(frozen=True)
class DataOptions:
    """The synthetic patients that a run learns from.

    Attributes:
        pairs: training pairs.
        held_out: validation pairs, of other patients.
        motion: how their tissue moves, "mechanics", "blend" or "elastic"; see `make_pair`.
        anatomy_share: of the patients that get one of the given spines, where spines are given.
        margin: voxels by which a pair is larger than the recipe's crop, so that crops differ.
        sequence: of the MR, "T1", "T2", "STIR", "GRE" or "random"; "any" gives each sample another one.
        scanner_effects: noise, bias fields, thick slices, cut fields of view; without them images are ideal.
        start_errors_mm: half of the training samples start with a rigid error of one of these sizes, besides
            those of the pairs themselves; none gives no further errors.
        start: how the CT of a pair lies first, "given" with the pair's own error, "centres" or "vertebra";
            see `start_motion`.
        affine: register every pair affinely by mutual information after that (`affine_start`).
        folds: 1 holds out other patients than those of the training's seed; more divide all of them at
            random, with others held out in every fold, and take no label maps.
        fold: number of the division, from 0.
    """

    pairs: int = 500
    held_out: int = 25
    motion: str = MECHANICS
    anatomy_share: float = 1.0
    margin: int = 8
    sequence: str = ANY
    scanner_effects: bool = True
    start_errors_mm: tuple[float, ...] = START_ERRORS_MM
    start: str = GIVEN
    affine: bool = False
    folds: int = 1
    fold: int = 0

    def __post_init__(self) -> None:
        require(self.pairs > 0, "data.pairs", "above 0")
        require(self.folds > 0, "data.folds", "above 0")
        require(0 <= self.fold < self.folds, "data.fold", "at least 0 and below data.folds")
        enough = (self.folds - 1) * self.held_out <= self.pairs
        require(enough, "data.folds", "so few that every fold has other held-out patients")
        require(self.held_out > 0, "data.held_out", "above 0")
        require(0 < self.anatomy_share <= 1, "data.anatomy_share", "above 0 and at most 1")
        require(self.motion in MOTIONS, "data.motion", " or ".join(MOTIONS))
        require(self.margin >= 0, "data.margin", "0 or more")
        require(self.sequence in (ANY, *SEQUENCES), "data.sequence", f"one of {', '.join((ANY, *SEQUENCES))}")
        require(self.start in STARTS, "data.start", f"one of {', '.join(STARTS)}")
        require(min(self.start_errors_mm, default=0.0) >= 0, "data.start_errors_mm", "sizes of 0 or more")


@dataclass(frozen=True)
class Recipe:
    """What to train and how; in a TOML file the last seven attributes are tables.

    Attributes:
        name: of the network.
        spacing_mm: isotropic spacing of the network's grid.
        crop: voxels (x, y, z) of a training sample.
        batch: samples per step and process.
        steps: in the whole run.
        ema_decay: of the exponential moving average of the weights, which is what is validated and kept.
        gradient_clip: largest gradient norm.
        seed: of the initial weights and of the data.
        precision: "float32", or "bfloat16" autocast where the machine computes it rightly.
        validation_interval: steps between validations.
        checkpoint_interval: steps between checkpoints.
        rigidity_from: share of the steps after which `rigidity` joins `loss`.
        network: kind of the network and its options.
        optimisation: the optimiser and its learning rate.
        loss: the loss terms by name.
        rigidity: further loss terms for the last part of the training, as in Jian et al. 2022.
        data: which synthetic patients.
        vertebrae: pairs of single vertebrae instead; None for patients.
        own_data: how the user's own patients are prepared and divided; without influence on synthetic ones.
    """

    name: str
    spacing_mm: float = 2.0
    crop: tuple[int, int, int] = (64, 64, 128)
    batch: int = 1
    steps: int = 8000
    ema_decay: float = 0.999
    gradient_clip: float = 1.0
    seed: int = 0
    precision: str = "float32"
    validation_interval: int = 250
    checkpoint_interval: int = 100
    rigidity_from: float = 0.8
    network: NetworkOptions = field(default_factory=VelocityUNetOptions)
    optimisation: Optimisation = field(default_factory=Optimisation)
    loss: Mapping[str, LossTerm] = field(default_factory=lambda: loss_terms(_DEFAULT_LOSS, "loss."))
    rigidity: Mapping[str, LossTerm] = field(default_factory=dict)
    data: DataOptions = field(default_factory=DataOptions)
    vertebrae: VertebraOptions | None = None
    own_data: OwnDataOptions = field(default_factory=OwnDataOptions)

    def __post_init__(self) -> None:
        good_name = bool(self.name) and not set(self.name) & set("/\\:")
        require(good_name, "name", "a name without / \\ :")
        for key in _POSITIVE:
            require(getattr(self, key) > 0, key, "above 0")
        takes = all(type(n) is int and self.network.takes(n) for n in self.crop)
        require(len(self.crop) == 3 and takes, "crop", f"three {self.network.sides} in (x, y, z) order")
        require(self.precision in PRECISIONS, "precision", " or ".join(PRECISIONS))
        require(0 <= self.ema_decay < 1, "ema_decay", "at least 0 and below 1")
        require(self.seed >= 0, "seed", "0 or more")
        require(0 <= self.rigidity_from <= 1, "rigidity_from", "from 0 to 1")
        never = bool(self.rigidity) and self.rigidity_from == 1
        require(not never, "rigidity_from", "below 1, so that the losses of [rigidity] ever count")
        require(bool(self.loss), "loss", "a table with at least one weight above 0")
        for table, terms in (("loss", self.loss), ("rigidity", self.rigidity)):
            for name, term in terms.items():
                side = max(term.options.get("window", 0), 2 * term.options.get("radius", 0) + 1)
                require(side <= min(self.crop), f"{table}.{name}", "a loss whose windows fit into the crop")

    @property
    def first_rigidity_step(self) -> int:
        """The step, counted from 0, from which the rigidity terms count."""
        return round(self.rigidity_from * self.steps)

    def terms_at(self, step: int) -> Mapping[str, LossTerm]:
        """The loss terms of a training step."""
        return {**self.loss, **self.rigidity} if step >= self.first_rigidity_step else self.loss

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as in a TOML file."""
        plain = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        parts = {"vertebrae": self.vertebrae, "own_data": self.own_data}
        chosen = {key: part for key, part in parts.items() if part is not None and part != OwnDataOptions()}
        return {
            **{key: value for key, value in plain.items() if key not in parts},
            **{key: dataclasses.asdict(part) for key, part in chosen.items()},
            "crop": list(self.crop),
            "network": network_table(self.network),
            "optimisation": dataclasses.asdict(self.optimisation),
            "loss": loss_table(self.loss),
            "rigidity": loss_table(self.rigidity),
            "data": dataclasses.asdict(self.data),
        }


def recipe_of(values: dict[str, Any]) -> Recipe:
    """A recipe from plain values, as `Recipe.to_dict` gives them.

    Raises:
        InputError: a key is unknown or has an unusable value.
    """
    values = dict(values)
    if "name" not in values:
        raise InputError("the recipe has no 'name'; add one.")
    tables: dict[str, Any] = {}
    if "network" in values:
        tables["network"] = network_options(_table(values, "network"))
    if "optimisation" in values:
        tables["optimisation"] = read_table(Optimisation, _table(values, "optimisation"), "optimisation.")
    if "data" in values:
        tables["data"] = read_table(DataOptions, _table(values, "data"), "data.")
    if "vertebrae" in values:
        tables["vertebrae"] = read_table(VertebraOptions, _table(values, "vertebrae"), "vertebrae.")
    if "own_data" in values:
        tables["own_data"] = read_table(OwnDataOptions, _table(values, "own_data"), "own_data.")
    for name in ("loss", "rigidity"):
        if name in values:
            tables[name] = loss_terms(_table(values, name), f"{name}.")
    return read_table(Recipe, values, "", tables)


def _table(values: dict[str, Any], name: str) -> dict[str, Any]:
    table = values.pop(name)
    if not isinstance(table, dict):
        raise InputError(f"recipe key '{name}' must be a table; write it as [{name}].")
    return table
