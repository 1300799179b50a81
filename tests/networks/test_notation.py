"""Layer notation: what it means, and that errors point at the character."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hnnlib.errors import NotationError
from hnnlib.networks.notation import parse, render, resize
from hnnlib.studies.coding_comparison.cells import ARCHITECTURES


def test_the_papers_mlp_has_three_weight_layers():
    inputs, layers = parse("A784-S500-S10")
    assert inputs == 784
    assert [(layer.spiking, layer.size) for layer in layers] == [
        (False, 500),
        (True, 500),
        (True, 10),
    ]


def test_a_pool_belongs_to_the_layer_before_it():
    _, layers = parse("A32C3-P2-S64C3-P2-S10")
    assert [layer.spiking for layer in layers] == [False, False, True, True, True]


@pytest.mark.parametrize("text", [row for rows in ARCHITECTURES.values() for row in rows])
def test_rendering_undoes_parsing(text):
    inputs, layers = parse(text)
    assert render(layers, inputs) == text


@pytest.mark.parametrize(
    ("text", "character", "what"),
    [
        ("A784-X500-S10", 6, "expected a layer"),
        ("A784S500", 5, "ends here"),
        ("S784-A500-S10", 6, "artificial layers come first"),
        ("P2-S10", 1, "begin with a pool"),
        ("A784-P2-S10", 6, "a pool needs an image"),
        ("A784", 5, "no output layer"),
        ("S10-S32C3-S10", 5, "follow a dense layer"),
        ("A784--S10", 6, "expected a layer"),
        ("S0-S10", 1, "expected a layer"),
        ("", 1, "expected a layer"),
    ],
)
def test_errors_point_at_the_character(text, character, what):
    with pytest.raises(NotationError, match=f"character {character}: .*{what}") as caught:
        parse(text)
    line, caret = str(caught.value).splitlines()[-2:]
    assert line.strip() == text and caret.index("^") == 4 + character - 1


def test_width_scales_hidden_layers_only():
    assert resize("A784-S500-S10", inputs=64, width=0.2) == "A64-S100-S10"
    assert resize("S32C3-P2-S512-S10", width=0.25) == "S8C3-P2-S128-S10"


@given(
    st.floats(0.001, 4), st.sampled_from([row for rows in ARCHITECTURES.values() for row in rows])
)
def test_every_width_gives_a_readable_network(width, text):
    layers, resized = parse(text)[1], parse(resize(text, width=width))[1]
    assert [(a.kind, a.spiking) for a in layers] == [(b.kind, b.spiking) for b in resized]
    assert resized[-1].size == 10
