# SPDX-License-Identifier: GPL-3.0-or-later
"""The masked autoencoder against a direct, slow definition, and against the paper's figures."""

import pytest
import torch

from wfm_core.base.errors import WfmError
from wfm_core.model import (
    EncoderConfig,
    ImageTokens,
    IqTokens,
    MaskedAutoencoder,
    WirelessModel,
    random_masks,
    sinusoids_1d,
    sinusoids_2d,
)
from wfm_core.model.masked import shared_name

WIDTH, DECODER_WIDTH, ANTENNAS = 16, 8, 3
SEED = 3


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(1)


def build(affine: str = "before", **settings) -> MaskedAutoencoder:
    """A small one with both modalities in float64, its affines away from the identity."""
    image = ImageTokens(WIDTH, channels=2, size=(48, 32), affine=affine)
    iq = IqTokens(WIDTH, max_antennas=4, affine=affine)
    model = WirelessModel(EncoderConfig(WIDTH, 2, 2, 32), image, iq)
    with torch.no_grad():
        for tokens in (image, iq):
            tokens.scale.add_(torch.randn(WIDTH) * 0.3)
            tokens.shift.add_(torch.randn(WIDTH) * 0.3)
    return MaskedAutoencoder(model, EncoderConfig(DECODER_WIDTH, 2, 2, 16), **settings).double()


def batch(modality: str, count: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs, and masks of 70 %."""
    if modality == "image":
        return torch.randn(count, 2, 48, 32).double(), random_masks(torch.arange(count), 6, 0.7, SEED)
    x = torch.randn(count, ANTENNAS, 64, dtype=torch.complex128)
    return x, random_masks(torch.arange(count), 4 * ANTENNAS, 0.7, SEED)


def direct_values(modality: str, x: torch.Tensor) -> list[torch.Tensor]:
    """The values of one sample's tokens, cut out one by one in the documented order."""
    if modality == "image":
        corners = [(row, column) for row in range(3) for column in range(2)]
        return [x[:, r * 16 : r * 16 + 16, c * 16 : c * 16 + 16].flatten() for r, c in corners]
    values = []
    for step in range(x.size(1) // 16):
        for antenna in range(x.size(0)):
            samples = x[antenna, step * 16 : step * 16 + 16]
            values.append(torch.tensor([part for sample in samples for part in (sample.real, sample.imag)]))
    return values


def direct_place(modality: str, token: int, width: int, antenna_vectors: torch.Tensor | None) -> torch.Tensor:
    if modality == "image":
        return sinusoids_2d(3, 2, width)[token].double()
    place = sinusoids_1d(4, width)[token // ANTENNAS].double()
    return place if antenna_vectors is None else place + antenna_vectors[token % ANTENNAS]


def direct(auto: MaskedAutoencoder, modality: str, x: torch.Tensor, mask: torch.Tensor) -> tuple:
    """Loss and predictions [B][N], a sample and a token at a time; all sequences in the order of the tokens."""
    model = auto.model
    tokens = getattr(model, modality)
    antenna = model.iq.antenna if modality == "iq" else None

    def affine(token):
        return token * tokens.scale + tokens.shift

    errors, predictions = [], []
    for sample, masked in zip(x, mask.tolist(), strict=True):
        values = direct_values(modality, sample)
        sequence = [affine(model.cls_token[0, 0]) if tokens.affine == "after" else model.cls_token[0, 0]]
        for n, value in enumerate(values):
            if masked[n]:
                continue
            place = direct_place(modality, n, WIDTH, antenna)
            token = tokens.projection(value)
            sequence.append(affine(token + place) if tokens.affine == "after" else affine(token) + place)
        encoded = list(auto.to_decoder(model.encoder(torch.stack(sequence)[None]))[0])
        sequence = [encoded.pop(0)]
        for n in range(len(values)):
            token = auto.mask_token[0, 0] if masked[n] else encoded.pop(0)
            sequence.append(token + direct_place(modality, n, DECODER_WIDTH, auto.decoder_antenna))
        decoded = auto.decoder(torch.stack(sequence)[None])[0, 1:]
        predictions.append([auto.reconstruction[modality](token) for token in decoded])
        for n, value in enumerate(values):
            if modality in auto.normalise_targets:
                value = (value - value.mean()) / (value.var() + 1e-6).sqrt()
            if masked[n]:
                errors.extend(((predictions[-1][n] - value) ** 2).tolist())
    return sum(errors) / len(errors), predictions


@pytest.mark.parametrize("modality", ["image", "iq"])
@pytest.mark.parametrize(
    "settings",
    [{}, {"affine": "after"}, {"antenna_vectors": False}, {"normalise_targets": ["iq", "image"]}],
    ids=["default", "affine after", "no antenna vectors", "normalised"],
)
def test_loss_and_reconstruction_are_their_definition(modality, settings):
    auto = build(**settings)
    x, mask = batch(modality)
    loss, predictions = direct(auto, modality, x, mask)
    assert auto(modality, x, mask).item() == pytest.approx(loss, rel=1e-5)
    seen, target = auto.reconstruct(modality, x, mask)
    for b in range(len(x)):
        for n in range(mask.size(1)):
            wanted = predictions[b][n].float() if mask[b, n] else target[b, n]
            torch.testing.assert_close(seen[b, n], wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("modality", ["image", "iq"])
def test_targets_are_the_tokens_values(modality):
    x, _ = batch(modality)
    wanted = torch.stack([torch.stack(direct_values(modality, sample)) for sample in x]).float()
    torch.testing.assert_close(build().targets(modality, x), wanted)
    normalised = build(normalise_targets=[modality]).targets(modality, x)
    torch.testing.assert_close(normalised.mean(2), torch.zeros(wanted.shape[:2]), rtol=0, atol=1e-5)
    torch.testing.assert_close(normalised.var(2), torch.ones(wanted.shape[:2]), rtol=0, atol=1e-4)


def test_one_modality_may_be_normalised_alone():
    auto = build(normalise_targets=["image"])
    x, _ = batch("iq")
    torch.testing.assert_close(auto.targets("iq", x), build().targets("iq", x))


@pytest.mark.parametrize("modality", ["image", "iq"])
def test_nothing_of_a_masked_token_reaches_the_encoder(modality):
    auto = build()
    x, mask = batch(modality)
    first, target = auto.reconstruct(modality, x, mask)
    hidden = torch.where(mask.unsqueeze(2), 100.0, target.double())
    if modality == "iq":
        hidden = torch.view_as_complex(hidden.view(3, 4, ANTENNAS, 16, 2)).transpose(1, 2).reshape(x.shape)
    else:
        hidden = hidden.view(3, 3, 2, 2, 16, 16).permute(0, 3, 1, 4, 2, 5).reshape(x.shape)
    second, changed = auto.reconstruct(modality, hidden, mask)
    assert (changed[mask] == 100).all()
    torch.testing.assert_close(second[mask], first[mask])


def test_the_papers_parameter_counts():
    model = WirelessModel(EncoderConfig(), ImageTokens(256, 1), IqTokens(256))
    auto = MaskedAutoencoder(model)

    def count(module):
        return sum(parameter.numel() for parameter in module.parameters())

    assert count(model.encoder.blocks) == 6_318_080
    assert count(auto.decoder.blocks) == 793_088
    assert count(auto.to_decoder) == 256 * 128 + 128
    assert count(auto.reconstruction["image"]) == 128 * 256 + 256
    assert count(auto.reconstruction["iq"]) == 128 * 32 + 32
    assert auto.mask_token.numel() == 128 and auto.decoder_antenna.shape == (16, 128)
    whole = count(model) + count(auto.decoder) + count(auto.to_decoder) + count(auto.reconstruction) + 128 + 16 * 128
    assert count(auto) == whole
    assert not [name for name in auto.state_dict() if "position" in name]


@pytest.mark.parametrize(("modality", "other"), [("image", "iq"), ("iq", "image")])
def test_each_modality_trains_its_own_sides_and_the_shared_parts(modality, other):
    auto = build()
    auto(modality, *batch(modality)).backward()
    reached = {name for name, parameter in auto.named_parameters() if parameter.grad is not None}
    foreign = (f"model.{other}.", f"reconstruction.{other}.")
    if modality == "image":
        foreign += ("decoder_antenna",)
    assert reached == {name for name, _ in auto.named_parameters() if not name.startswith(foreign)}
    assert {"mask_token", "to_decoder.weight", "model.cls_token", f"model.{modality}.scale"} <= reached
    assert not [name for name in reached if not auto.get_parameter(name).grad.abs().sum()]


def test_both_modalities_use_the_same_decoder_and_encoder():
    auto = build()
    seen = []
    auto.decoder.register_forward_hook(lambda module, *_: seen.append(id(module)))
    auto.model.encoder.register_forward_hook(lambda module, *_: seen.append(id(module)))
    for modality in ("image", "iq"):
        auto(modality, *batch(modality))
    assert seen == [id(auto.model.encoder), id(auto.decoder)] * 2


@pytest.mark.parametrize(("modality", "visible"), [("image", 2), ("iq", 4)])
def test_the_encoder_sees_visible_tokens_only(modality, visible):
    auto = build()
    lengths = []
    auto.model.encoder.register_forward_hook(lambda _, inputs, __: lengths.append(inputs[0].size(1)))
    auto(modality, *batch(modality))
    assert lengths == [1 + visible]


@pytest.mark.parametrize("modality", ["image", "iq"])
def test_samples_do_not_mind_their_batch(modality):
    auto = build()
    x, mask = batch(modality, 5)
    order = torch.tensor([3, 0, 4, 1, 2])
    whole, _ = auto.reconstruct(modality, x, mask)
    permuted, _ = auto.reconstruct(modality, x[order], mask[order])
    torch.testing.assert_close(permuted, whole[order])
    alone, _ = auto.reconstruct(modality, x[2:3], mask[2:3])
    torch.testing.assert_close(alone[0], whole[2])


def test_antenna_vectors_tell_masked_antennas_apart_in_the_decoder():
    x, _ = batch("iq", 1)
    mask = torch.ones(1, 12, dtype=torch.bool)
    mask[:, :ANTENNAS] = False  # the first time step is visible
    plain, _ = build(antenna_vectors=False).reconstruct("iq", x, mask)
    torch.testing.assert_close(plain[0, 3], plain[0, 4])
    assert build(antenna_vectors=False).decoder_antenna is None
    told, _ = build().reconstruct("iq", x, mask)
    assert (told[0, 3] - told[0, 4]).abs().max() > 1e-3


def test_windows_longer_than_the_position_table():
    auto = build()
    long = 16 * (IqTokens.TABLE_STEPS + 2)
    x = torch.randn(1, 1, long, dtype=torch.complex128)
    assert auto.tokens("iq", x) == IqTokens.TABLE_STEPS + 2
    assert auto("iq", x, random_masks(torch.arange(1), IqTokens.TABLE_STEPS + 2, 0.99, SEED)).isfinite()


@pytest.mark.parametrize("modality", ["image", "iq"])
def test_one_modality_alone(modality):
    whole = build()
    model = whole.model
    model = WirelessModel(
        EncoderConfig(WIDTH, 1, 2, 32),
        image=model.image if modality == "image" else None,
        iq=model.iq if modality == "iq" else None,
    )
    auto = MaskedAutoencoder(model, EncoderConfig(DECODER_WIDTH, 1, 2, 16)).double()
    auto(modality, *batch(modality)).backward()
    assert auto.modalities == (modality,) and list(auto.reconstruction) == [modality]
    assert not [name for name, parameter in auto.named_parameters() if parameter.grad is None]
    with pytest.raises(WfmError, match="give one of those"):
        auto({"image": "iq", "iq": "image"}[modality], *batch(modality))


def test_a_batch_is_learnt_by_heart():
    auto = build().float()
    x, mask = torch.randn(2, 2, 48, 32), random_masks(torch.arange(2), 6, 0.5, SEED)
    optimizer = torch.optim.Adam(auto.parameters(), 1e-2)
    losses = []
    for _ in range(150):
        optimizer.zero_grad()
        loss = auto("image", x, mask)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_the_loss_is_float32_under_bfloat16_autocast():
    auto = build().float()
    x, mask = batch("iq")
    x = x.to(torch.complex64)
    with torch.autocast("cpu", torch.bfloat16):
        loss = auto("iq", x, mask)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(auto("iq", x, mask).item(), rel=0.02)


def uneven_mask() -> torch.Tensor:
    mask = torch.zeros(3, 6, dtype=torch.bool)
    mask[:, :4] = True
    mask[1, 4] = True
    return mask


@pytest.mark.parametrize(
    "mask",
    [torch.zeros(3, 5, dtype=torch.bool), torch.zeros(3, 6), torch.zeros(3, 6, dtype=torch.bool), uneven_mask()],
    ids=["other shape", "not bool", "nothing masked", "uneven"],
)
def test_wrong_masks_are_refused(mask):
    with pytest.raises(WfmError, match="random_masks"):
        build()("image", batch("image")[0], mask)


@pytest.mark.parametrize("modality", ["image", "iq"])
def test_separate_decoders_are_a_decoder_each(modality):
    shared, apart = build(), build(separate_decoders=True)
    state = shared.state_dict()
    own = {name: tensor for name, tensor in apart.state_dict().items() if f".{modality}" in name.replace("model.", "")}
    assert {shared_name(name) for name in own} >= {"mask_token", "to_decoder.bias", "decoder.norm.weight"}
    apart.load_state_dict({name: state.get(shared_name(name), tensor) for name, tensor in apart.state_dict().items()})
    x, mask = batch(modality)
    torch.testing.assert_close(apart(modality, x, mask), shared(modality, x, mask))
    other = {"image": "iq", "iq": "image"}[modality]
    with torch.no_grad():
        apart.part("mask_token", other).add_(torch.randn(DECODER_WIDTH))
        torch.testing.assert_close(apart(modality, x, mask), shared(modality, x, mask))
        apart.part("mask_token", modality).add_(torch.randn(DECODER_WIDTH))
    assert abs(float(apart(modality, x, mask) - shared(modality, x, mask))) > 1e-3


def test_the_predictions_are_those_of_every_token():
    auto = build()
    x, mask = batch("iq")
    reconstructed, truth = auto.reconstruct("iq", x, mask)
    predicted = auto.predictions("iq", x, mask).float()
    torch.testing.assert_close(predicted[mask], reconstructed[mask])
    assert (predicted - truth)[~mask].abs().min() > 0
    everything = torch.ones_like(mask)
    assert auto.predictions("iq", x, everything).isfinite().all()
    assert auto.predictions("iq", x, ~everything).isfinite().all()


def test_normalised_targets_of_an_absent_modality_are_refused():
    with pytest.raises(WfmError, match="csi"):
        build(normalise_targets=["csi"])
