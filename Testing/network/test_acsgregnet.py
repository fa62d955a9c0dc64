"""ACSGRegNet and AVoxelMorph against affine maps, attention and fusions worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from spine_ctmr.errors import InputError
from spine_ctmr.network.acsgregnet import ACSGRegNetOptions, AttentionVelocity
from spine_ctmr.network.affine_network import AffineNetwork, affine_displacement
from spine_ctmr.network.avoxelmorph import AVoxelMorphOptions
from spine_ctmr.network.gated_fusion import GatedFusion
from spine_ctmr.network.transformer import Positions, TransformerEncoder
from spine_ctmr.network.two_stage import TwoStageNetwork
from spine_ctmr.research.losses.rigidity import jacobian

torch.set_num_threads(1)

SMALL = ACSGRegNetOptions(
    affine=(2, 2, 2, 2, 2),
    encoder=(2, 2, 4, 4, 4),
    width=8,
    layers=2,
    heads=2,
    hidden=8,
    positions=(3, 3, 3),
)
SMALL_VOXELMORPH = AVoxelMorphOptions((2, 2, 2, 2, 2), (2, 2, 2, 2, 2), (2, 2, 2), (2,))
BOTH = pytest.mark.parametrize("options", [SMALL, SMALL_VOXELMORPH], ids=lambda o: o.kind)
SHAPE = (48, 64, 48)


def images(seed: int = 0, shape: tuple[int, int, int] = SHAPE) -> torch.Tensor:
    return torch.rand(1, 2, *shape, generator=torch.Generator().manual_seed(seed))


def built(options: ACSGRegNetOptions | AVoxelMorphOptions) -> TwoStageNetwork:
    torch.manual_seed(0)
    return options.build()


def test_the_paper_s_blocks() -> None:
    """Five steps of one stride-2 and two stride-1 blocks, 12 numbers; 12 layers, thrice, of width 252."""
    network = AffineNetwork(ACSGRegNetOptions().affine)
    convolutions = [m for m in network.modules() if isinstance(m, torch.nn.Conv3d)]
    assert [c.stride[0] for c in convolutions] == 5 * [2, 1, 1]
    assert all(c.kernel_size == (3, 3, 3) for c in convolutions)
    assert network.parameters_of.out_features == 12
    thin = AffineNetwork(5 * (1,)).eval()
    assert thin.features(torch.zeros(1, 2, 64, 128, 128)).shape[2:] == (2, 4, 4)

    with torch.device("meta"):
        stage = ACSGRegNetOptions().build().deformable
    assert isinstance(stage, AttentionVelocity)
    stacks = [*stage.self_attention, stage.cross_attention]
    assert [len(stack.layers) for stack in stacks] == [12, 12, 12]
    k, hidden = 252, 3072
    layer = 4 * k * k + 4 * k + 2 * k * hidden + hidden + k + 4 * k
    for stack in stacks:
        assert sum(p.numel() for p in stack.parameters()) == 12 * layer + 2 * k
    assert all(place.vectors.shape == (1, 252, 4, 8, 8) for place in stage.places)
    shared = [m for m in stage.modules() if m is stage.encoder]
    assert len(shared) == 1


@BOTH
def test_shapes_and_identity_at_the_start(options: ACSGRegNetOptions | AVoxelMorphOptions) -> None:
    network = built(options).eval()
    with torch.inference_mode():
        velocity, parameters = network(images())
        motion = network.motion((velocity, parameters), 1.5)
    assert velocity.shape == (1, 3, 24, 32, 24)
    assert parameters.shape == (1, 12)
    assert motion.displacement.shape == (1, 3, *SHAPE)
    assert motion.affine is not None
    assert motion.affine.shape == motion.displacement.shape
    assert motion.velocity_spacing_mm == (3.0 if options is SMALL else 0.0)
    assert motion.displacement.abs().max() < 0.1
    assert velocity.abs().max() > 0


@BOTH
def test_gradient_reaches_every_weight(options: ACSGRegNetOptions | AVoxelMorphOptions) -> None:
    network = built(options)
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if "flow" in name or "parameters_of" in name or "gates" in name:
                weight.normal_(std=0.1)
    pair = torch.cat([images(0), images(1)])
    network.motion(network(pair), 1.0).displacement.square().mean().backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None, name
        assert torch.isfinite(weight.grad).all(), name
        assert weight.grad.abs().max() > 0, name


def test_affine_of_known_parameters() -> None:
    """A quarter turn about x with a stretch and a translation, at every voxel."""
    matrix = np.array([[1.2, 0, 0], [0, 0, -1], [0, 1, 0]])
    shift = np.array([0.1, -0.2, 0.05])
    parameters = torch.tensor(np.concatenate([(matrix - np.eye(3)).ravel(), shift]))[None]
    found = affine_displacement(parameters, (4, 6, 8), 2.0)[0].numpy()
    middle = np.array([3.5, 2.5, 1.5])
    for z, y, x in np.ndindex(4, 6, 8):
        place = (np.array([x, y, z]) - middle) * 2.0
        expected = matrix @ place + shift * 8.0 - place
        np.testing.assert_allclose(found[:, z, y, x], expected, atol=1e-12)


class Recorded(torch.nn.Module):
    """A second stage that gives a constant velocity and remembers what it saw."""

    def __init__(self, velocity: tuple[float, float, float]) -> None:
        super().__init__()
        self.velocity = torch.tensor(velocity)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.seen = images
        halves = [n // 2 for n in images.shape[2:]]
        return self.velocity.reshape(1, 3, 1, 1, 1).expand(len(images), 3, *halves)


def test_second_stage_sees_the_affinely_moved_image_and_the_motions_add_up() -> None:
    """Three voxels along x; then x -> A(x + u) with a constant u, for which the result is known."""
    stage = Recorded((0.5, -1.0, 2.0))
    network = TwoStageNetwork(AffineNetwork((2, 2)), stage).eval()
    with torch.no_grad():
        network.affine.parameters_of.weight.zero_()
        network.affine.parameters_of.bias[9] = 3 / 16
        pair = images(shape=(32, 32, 32))
        network(pair)
    assert torch.equal(stage.seen[:, 0], pair[:, 0])
    torch.testing.assert_close(stage.seen[..., :-3][:, 1], pair[..., 3:][:, 1], atol=1e-4, rtol=0)

    matrix = torch.tensor([[0.1, 0.2, 0.0], [0.0, -0.1, 0.05], [0.3, 0.0, 0.2]])
    with torch.no_grad():
        network.affine.parameters_of.bias[:9] = matrix.flatten()
        motion = network.motion(network(pair), 2.0)
    assert motion.affine is not None
    u = stage.velocity
    expected = motion.affine + (u + matrix @ u).reshape(1, 3, 1, 1, 1)
    torch.testing.assert_close(motion.displacement, expected)
    np.testing.assert_allclose(
        motion.affine[0, :, 0, 0, 0], matrix @ torch.full((3,), -31.0) + u.new_tensor([6, 0, 0]), atol=1e-4
    )


def test_fusion_begins_as_the_mean_and_closed_gates_leave_one_field() -> None:
    fusion = GatedFusion()
    generator = torch.Generator().manual_seed(0)
    cross, own = torch.randn(2, 1, 3, 4, 5, 6, generator=generator)
    with torch.no_grad():
        torch.testing.assert_close(fusion(cross, own), (cross + own) / 2)
        for open_gate, field in ((0, cross), (1, own)):
            bias = torch.full((2,), -200.0)
            bias[open_gate] = 200.0
            fusion.gates.bias.copy_(bias)
            torch.testing.assert_close(fusion(cross, own), field)


def test_attention_is_that_of_the_paper() -> None:
    """Equations 1 and 2, written out for two heads, divided by the root of the whole width; and the rest."""
    torch.manual_seed(1)
    stack = TransformerEncoder(6, layers=1, heads=2, hidden=10).double()
    sequence = torch.randn(2, 5, 6, dtype=torch.float64)
    layer = stack.layers[0]
    inside = torch.nn.functional.layer_norm(sequence, (6,))
    q, k, v = (
        inside @ w.T + b
        for w, b in zip(
            layer.queries_keys_values.weight.split(6), layer.queries_keys_values.bias.split(6), strict=True
        )
    )
    parts = []
    for head in (slice(0, 3), slice(3, 6)):
        shares = torch.softmax(q[..., head] @ k[..., head].transpose(1, 2) / 6**0.5, -1)
        parts.append(shares @ v[..., head])
    middle = sequence + layer.join(torch.cat(parts, -1))
    first, _, second = layer.feed_forward
    hidden = torch.nn.functional.gelu(first(torch.nn.functional.layer_norm(middle, (6,))))
    expected = torch.nn.functional.layer_norm(middle + second(hidden), (6,))
    torch.testing.assert_close(stack(sequence), expected)


def test_voxelmorph_without_integration_takes_its_field_for_the_displacement_and_can_fold() -> None:
    field = torch.zeros(1, 3, 8, 8, 8)
    field[:, 0, :, :, 4:] = -30.0
    for integrated in (False, True):
        network = replace(SMALL_VOXELMORPH, integrated=integrated).build()
        motion = network.motion((field, torch.zeros(1, 12)), 1.0)
        determinant = torch.linalg.det(jacobian(motion.displacement, 1.0))
        assert (motion.velocity is None) is not integrated
        assert bool((determinant <= 0).any()) is not integrated
        if not integrated:
            assert motion.displacement.min() == -30


def test_only_the_cross_attention_looks_at_the_other_image() -> None:
    stage = built(SMALL).deformable
    assert isinstance(stage, AttentionVelocity)
    seen: dict[str, list[torch.Tensor]] = {"fixed": [], "joint": []}
    stage.self_attention[0].register_forward_hook(lambda *a: seen["fixed"].append(a[2]))
    stage.cross_attention.register_forward_hook(lambda *a: seen["joint"].append(a[2]))
    pair = images()
    with torch.no_grad():
        stage(pair)
        stage(torch.cat([pair[:, :1], images(5)[:, 1:]], 1))
    places = seen["fixed"][0].shape[1]
    assert places == 3 * 4 * 3
    assert torch.equal(*seen["fixed"])
    first, second = (joint[:, :places] for joint in seen["joint"])
    assert not torch.allclose(first, second, atol=1e-4)


def test_positions_tell_places_apart_and_fit_other_grids() -> None:
    places = Positions(4, (2, 3, 3))
    zero = torch.zeros(1, 4, 2, 3, 3)
    assert torch.equal(places(zero), places.vectors)
    with torch.no_grad():
        places.vectors.copy_(torch.arange(4.0).reshape(1, 4, 1, 1, 1).expand_as(places.vectors))
        wider = places(torch.zeros(1, 4, 5, 3, 7))
    torch.testing.assert_close(wider, torch.arange(4.0).reshape(1, 4, 1, 1, 1).expand(1, 4, 5, 3, 7))


@pytest.mark.parametrize(
    "change", [{"width": 9}, {"layers": 0}, {"positions": (3, 0, 3)}, {"velocity_scale_mm": 0.0}]
)
def test_unusable_options_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match=f"network.{next(iter(change))}"):
        replace(SMALL, **change)  # type: ignore[arg-type]
