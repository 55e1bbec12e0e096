"""The compiled networks compute what the package's do, however their layers are laid out."""

import numpy as np
import pytest
from skimage.data import astronaut

from detection.vision import mtcnn_networks
from detection.vision.graphs import Graph
from detection.vision.mtcnn_networks import Layers, load_weights

RNG = np.random.default_rng(5)


def plain(kernel, bias, slope, pooled, shape):
    """Compile a convolution, a PReLU and a pool as they come."""
    graph = Graph()
    x = graph.node("PRelu", graph.convolution(graph.pixels(), kernel, bias), graph.constant(slope.reshape(-1, 1, 1)))
    return graph.compile(graph.pool(x, 3, same=True) if pooled else x, shape, 1)


@pytest.mark.parametrize("pooled", [False, True])
def test_a_prelu_of_convolutions_is_a_prelu_whatever_its_slopes(pooled):
    kernel, bias = RNG.normal(size=(3, 3, 3, 6)).astype(np.float32), RNG.normal(size=6).astype(np.float32)
    slope = np.array([0.25, -0.7, 1.4, 0, 1, -1.5], np.float32)
    shape = (1, 20, 24, 3)
    layers = Layers()
    if pooled:
        layers.bent_and_pooled(kernel, bias, slope, 3, same=True)
    else:
        layers.bent(kernel, bias, slope)
    # a last convolution that passes on each channel takes the signs and the filling away
    passing = np.eye(6, dtype=np.float32)[None, None]
    output = layers.bent_to(passing, np.zeros(6, np.float32), np.ones(6, np.float32), passing, np.zeros(6, np.float32))
    ours = layers.graph.compile(output, shape, 1)
    picture = RNG.integers(0, 256, shape, dtype=np.uint8)
    expected = plain(kernel, bias, slope, pooled, shape)(picture)
    assert ours(picture)[:, :6] == pytest.approx(expected, rel=1e-4, abs=2e-3)


@pytest.fixture(scope="module")
def package():
    pytest.importorskip("tensorflow")
    from mtcnn.network import onet, pnet, rnet

    return {"pnet": pnet.PNet, "rnet": rnet.RNet, "onet": onet.ONet}


@pytest.mark.parametrize(
    ("name", "build", "side"),
    [
        ("pnet", mtcnn_networks.proposal_network, 97),
        ("rnet", mtcnn_networks.refinement_network, 24),
        ("onet", mtcnn_networks.output_network, 48),
    ],
)
def test_each_network_answers_as_the_packages_does(package, name, build, side):
    count = 1 if name == "pnet" else 5
    crops = np.stack([astronaut()[40 + 9 * i : 40 + 9 * i + side, 180 : 180 + side] for i in range(count)])
    theirs = package[name]()
    theirs.build((None, side, side, 3))
    theirs.set_weights(load_weights(name))
    box, *points, face = theirs((crops.astype(np.float32) - 127.5) / 128)
    logit = np.log(face[..., 1:]) - np.log(face[..., :1])
    ours = build(1)(crops)
    if name == "pnet":
        ours = ours.transpose(0, 2, 3, 1)
    assert ours == pytest.approx(np.concatenate([box, logit, *points], axis=-1), abs=2e-3)
