"""Training batches of synthetic patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.ndimage import affine_transform

from ...errors import InputError
from ...geometry.pose import Pose
from ...imaging.hounsfield import OUTSIDE_HU
from ...network.affine_start import Affine, affine_by_information
from ...phantoms.augmentation import mixed_sequence, scanned_ct, scanned_mr
from ...phantoms.bank import fill_bank, read_pair
from ...phantoms.pair_motion import first_pair
from ...phantoms.patient import EDITION, Pair
from ...phantoms.patient_sources import Anatomies, MixedAnatomies, parametric_anatomy
from ...phantoms.segmented_spines import LabelledSpine, SegmentedSpines, signature
from ...phantoms.tissue import ANY, SEQUENCES
from ...process.whole_file import whole_file
from ...progress import Progress, silent, span
from .batch import Batch, concatenated, fingerprint
from .cropping import make_sample, random_window
from .recipe import START_ERRORS_MM, DataOptions, Recipe
from .starts import GIVEN, start_motion
from .workers import process_number

CACHE_BYTES = 2 << 30
"""Most memory for pairs that have been read."""
PAIR_BYTES_PER_VOXEL = 28
"""Of a pair whose CT has been moved to its start, in single precision; others take 20."""
HELD_OUT_SHARE = 0.15
"""Of the label maps whose spines patients get."""
VALIDATION_SEED = 101
TRAINING_SEED = 100
_SEEDS = (TRAINING_SEED, VALIDATION_SEED)


def synthetic_patients(
    recipe: Recipe, bank: Path, progress: Progress = silent, maps: Sequence[LabelledSpine] = ()
) -> SyntheticPatients:
    """The patients of a recipe; those that the bank lacks are made first.

    Processes of one training make different ones.

    Args:
        recipe: with the size, spacing and number of the pairs.
        bank: folder of banks; pairs of every edition, size, spacing and set of spines have a subfolder.
        progress: of the patients that are made.
        maps: vertebra label maps whose spines `data.anatomy_share` of the patients get, those of some for
            validation alone; the other spines are parametric.

    Raises:
        InputError: there are maps, and `data.folds` divides the patients.
    """
    if maps and recipe.data.folds > 1:
        raise InputError(
            f"The recipe '{recipe.name}' has data.folds = {recipe.data.folds}, which would hold out patients "
            "with the spines that are learned from; leave out --anatomy or set data.folds = 1."
        )
    x, y, z = (n + recipe.data.margin for n in recipe.crop)
    kind = f"edition{EDITION}-{recipe.data.motion}-{recipe.spacing_mm:g}mm-{x}x{y}x{z}"
    given = signature(maps) if maps else ""
    folder = bank / (f"{kind}-{recipe.data.anatomy_share:g}-{given}" if maps else kind)
    rank, processes = process_number()
    division = divided_pairs(recipe.data)
    needed: dict[int, list[int]] = {}
    for seed, number in sorted((*division.training, *division.held_out)):
        needed.setdefault(seed, []).append(number)
    spines = split_maps(maps, recipe.data.anatomy_share) if maps else ((), ())
    sources = {seed: _source(recipe, maps) for seed, maps in zip(_SEEDS, spines, strict=True)}
    done, pairs = 0, sum(len(numbers) for numbers in needed.values())
    for seed, numbers in needed.items():
        part = span(progress, done / pairs, (done + len(numbers)) / pairs)
        for mine in (numbers[rank::processes], numbers):
            fill_bank(
                folder, seed, mine, (x, y, z), recipe.spacing_mm, part, sources[seed], recipe.data.motion
            )
        done += len(numbers)
    data = SyntheticPatients(folder, division, recipe.crop, recipe.data, recipe.batch, recipe.seed)
    data.anatomies = given
    if maps:
        learned, held_out = (len(files) for files in spines)
        data.spines = f"; spines of {learned} label maps, of {held_out} others for validation"
    return data


class Division(NamedTuple):
    """Seeds and numbers of pairs."""

    training: list[tuple[int, int]]
    held_out: list[tuple[int, int]]


def divided_pairs(options: DataOptions) -> Division:
    """Which pairs are learned from and which are held out, the same way every time; see `DataOptions`.

    Divided patients have one pair each, so that none is on both sides.
    """
    if options.folds == 1:
        training = [(TRAINING_SEED, k) for k in range(options.pairs)]
        return Division(training, [(VALIDATION_SEED, k) for k in range(options.held_out)])
    everyone = np.random.default_rng(0).permutation(options.pairs + options.held_out)
    first = options.fold * options.held_out
    chosen = {int(k) for k in everyone[first : first + options.held_out]}
    places = [(k in chosen, (TRAINING_SEED, first_pair(k))) for k in range(len(everyone))]
    return Division(
        [place for held_out, place in places if not held_out],
        [place for held_out, place in places if held_out],
    )


def _source(recipe: Recipe, maps: Sequence[LabelledSpine]) -> Anatomies:
    """Where patients come from: these label maps for the recipe's share, the others are parametric."""
    if not maps:
        return parametric_anatomy
    spines, share = SegmentedSpines(tuple(maps)), recipe.data.anatomy_share
    return spines if share == 1 else MixedAnatomies(spines, share)


def split_maps(
    maps: Sequence[LabelledSpine], share: float = 1.0
) -> tuple[tuple[LabelledSpine, ...], tuple[LabelledSpine, ...]]:
    """Label maps to learn from, and others for validation; none where there is only one and a share of it.

    Raises:
        InputError: there is only one, and nothing else to validate on.
    """
    if len(maps) < 2 and share < 1:
        return tuple(maps), ()
    if len(maps) < 2:
        only = maps[0].labels
        raise InputError(f"'{only}' is the only label map; training needs one more for validation.")
    held_out = max(1, round(HELD_OUT_SHARE * len(maps)))
    return tuple(maps[:-held_out]), tuple(maps[-held_out:])


class SyntheticPatients:
    """Batches from banks of synthetic pairs, each a pure function of (seed, step).

    Args:
        bank: folder filled by `fill_bank` for all pairs of the division.
        division: which pairs to learn from and which to hold out.
        crop: voxels (x, y, z) of a training sample.
        options: how the pairs are scanned and where they start.
        batch: samples per step.
        seed: of the order, crops and scanner effects.

    Attributes:
        spines: what `description` says of the label maps, if there are any.
        anatomies: their `signature`.
    """

    def __init__(
        self,
        bank: Path,
        division: Division,
        crop: tuple[int, int, int],
        options: DataOptions,
        batch: int = 1,
        seed: int = 0,
    ) -> None:
        self.bank, self.division, self.crop = bank, division, crop
        self.options, self.batch, self.seed = options, batch, seed
        self.spines = self.anatomies = ""
        self._read = lru_cache(maxsize=pairs_kept(crop, options.margin))(self._started)

    @property
    def description(self) -> str:
        """See `TrainingData`."""
        training, held_out = (_described(part) for part in self.division)
        return f"Synthetic patients alone: {training}, {held_out} held out{self.spines}"

    @property
    def patients(self) -> str:
        """See `TrainingData`."""
        return fingerprint(EDITION, self.anatomies, *self.division)

    def sample(self, step: int) -> Batch:
        """The batch of a training step."""
        rng = np.random.default_rng([self.seed, step])
        batches = []
        for _ in range(self.batch):
            pair = self._read(*self.division.training[int(rng.integers(len(self.division.training)))])
            batches.append(self._batch(rng, misaligned(rng, pair, self.options.start_errors_mm)))
        return concatenated(batches)

    def validation(self) -> Sequence[Batch]:
        """The held-out batches."""
        return [
            self._batch(np.random.default_rng([7, i]), self._started(*place))
            for i, place in enumerate(self.division.held_out)
        ]

    def _batch(self, rng: np.random.Generator, pair: Pair) -> Batch:
        return make_batch(rng, pair, self.crop, self.options.sequence, self.options.scanner_effects)

    def _started(self, seed: int, number: int) -> Pair:
        """A pair of the bank at its start, registered affinely if the options say so."""
        options = self.options
        pair = read_started(self.bank, seed, number, options.start)
        if not options.affine:
            return pair
        sequence = SEQUENCES[0] if options.sequence == ANY else options.sequence
        kind = f"{'scanned-' if options.scanner_effects else ''}{options.start}-{sequence}"
        path = self.bank / f"affine-{kind}-{seed}-{number:05d}.npy"
        if not path.exists():
            rng = np.random.default_rng([seed, number, 5])
            matrix = pair_affine(rng, pair, sequence, options.scanner_effects)
            with whole_file(path) as stream:
                np.save(stream, matrix)
        return with_moved_ct(pair, np.load(path))


def pairs_kept(crop: tuple[int, int, int], margin: int) -> int:
    """How many pairs, larger than the crop by the margin, are kept in `CACHE_BYTES`; at least one."""
    voxels = int(np.prod([n + margin for n in crop]))
    return max(CACHE_BYTES // (PAIR_BYTES_PER_VOXEL * voxels), 1)


def read_started(bank: Path, seed: int, number: int, start: str) -> Pair:
    """A pair of the bank with its CT at one of `STARTS`, the same every time."""
    pair = read_pair(bank, seed, number)
    if start == GIVEN:
        return pair
    motion = start_motion(pair, start, np.random.default_rng([seed, number, 2]))
    return with_moved_ct(pair, motion.inverse.matrix)


def pair_affine(rng: np.random.Generator, pair: Pair, sequence: str, scanner_effects: bool) -> Affine:
    """The affine registration of a pair as scanners would show it, or of ideal images."""
    if not scanner_effects:
        return affine_by_information(pair.mr[SEQUENCES.index(sequence)], pair.ct, pair.spacing_mm)
    mr, seen = scanned_mr(rng, pair.mr, pair.spacing_mm, sequence)
    ct = scanned_ct(rng, pair.ct.astype(np.float32), pair.spacing_mm)
    return affine_by_information(mr, ct, pair.spacing_mm, seen)


def _described(places: Sequence[tuple[int, int]]) -> str:
    seeds = sorted({seed for seed, _ in places})
    return f"{len(places)} pairs of seed {' and '.join(map(str, seeds))}"


def misaligned(rng: np.random.Generator, pair: Pair, sizes_mm: tuple[float, ...] = START_ERRORS_MM) -> Pair:
    """The pair with its CT moved by another rigid start error of one of these sizes, half of the time."""
    if not sizes_mm or rng.uniform() < 0.5:
        return pair
    size = rng.choice(sizes_mm)
    center = (np.array(pair.ct.shape[::-1]) - 1) / 2 * pair.spacing_mm
    turn = np.radians(np.clip(rng.normal(0, 0.5 * size, 3), -10, 10))
    error = Pose.from_rotation(turn, np.clip(rng.normal(0, size / 1.7, 3), -15, 15), center)
    return with_moved_ct(pair, error.inverse.matrix)


def with_moved_ct(pair: Pair, back: Affine) -> Pair:
    """The pair with another CT, which shows at x what it showed at `back` x, mm along the grid's axes."""
    flipped = back[:3][::-1, [2, 1, 0]]
    offset = back[:3][::-1, 3] / pair.spacing_mm
    forth = np.linalg.inv(back)
    nz, ny, nx = pair.ct.shape
    z, y, x = np.meshgrid(np.arange(nz), np.arange(ny), np.arange(nx), indexing="ij")
    points = np.stack([x, y, z], -1) * pair.spacing_mm
    moved = (points + pair.displacement.astype(float)) @ forth[:3, :3].T + forth[:3, 3]
    return replace(
        pair,
        ct=affine_transform(pair.ct.astype(np.float32), flipped, offset, order=1, cval=OUTSIDE_HU),
        ct_labels=affine_transform(pair.ct_labels, flipped, offset, order=0),
        displacement=(moved - points).astype(np.float32),
    )


def make_batch(
    rng: np.random.Generator,
    pair: Pair,
    crop: tuple[int, int, int],
    sequence: str = ANY,
    scanner_effects: bool = True,
) -> Batch:
    """One crop of a pair as scanners would show it, or ideal ones; sometimes mirrored left to right."""
    window = random_window(rng, pair.ct.shape, crop)
    ct, signals = pair.ct[window].astype(np.float32), pair.mr[:, window[0], window[1], window[2]]
    if scanner_effects:
        mr, seen = scanned_mr(rng, signals, pair.spacing_mm, sequence)
        ct = scanned_ct(rng, ct, pair.spacing_mm)
    else:
        mr, seen = mixed_sequence(rng, signals, sequence), np.ones(ct.shape, np.float32)
    mirrored = rng.uniform() < 0.5
    return make_sample(
        mr, ct, pair.ct_labels[window], seen, pair.displacement[window], pair.bone[window], mirrored
    )
