# SPDX-License-Identifier: GPL-3.0-or-later
"""Positions between surveyed points, in generated sites that the encoder has never seen; and how it is trained.

    .venv/bin/python benchmarks/accuracy/positions.py --json out/positions.json
    .venv/bin/python benchmarks/accuracy/positions.py --train runs/position

In each site a square grid of points is surveyed with WINDOWS windows each, and single windows at other places, drawn
anywhere in it, are located: by `wfm_core.model.survey` on the encoder's embeddings, by k nearest points on the same
embeddings, and by both on the delay profiles themselves, which no encoder has seen. k, and whether the points are
weighted by one over their distance, are those with the least error at points left out one by one. Errors are in the
plane. A set of sites is a seed; the spread is that of the sets' means. `--first 3000` are the sites that choices were
made by, the others none.

--real locates windows of `csi_position` (in $WFM_REALDATA) among its 15 places instead: 5 or 10 windows a place of
runs 1 to 5 are surveyed, those of runs 6 and 7 are located, and the place is the nearest one.

--train makes the model folder from the foundation: steps of generated episodes (`wfm_core.train.positions`).
"""

import argparse
import itertools
import json
import platform
import sys
import time
from pathlib import Path

import numpy as np
import torch

from wfm_core.bundle.foundation import Foundation, load_foundation
from wfm_core.data.readers.own.measure import csi_signal
from wfm_core.model.survey import Survey
from wfm_core.signal import build_preprocessor
from wfm_core.signal.channels.csi_profile import CsiProfile, csi_parts
from wfm_core.synth.csi.places import KINDS, any_places, draw_site, grid_places, moved
from wfm_core.train.positions import NAME, POOLING, SIZE, profiles, save_positions, train_positions
from wfm_core.train.probe.real import data_file

SPACINGS = {"wifi": (1.0, 2.0), "srs": (4.0, 8.0)}
"""Metres between surveyed points, about: grids fill their sites."""
WINDOWS = 5
NEIGHBOURS = (1, 2, 3, 4, 5, 8)
DRAWS = 20
_BATCH = 64
TITLES = {
    "survey": "survey",
    "survey_five": "mean of 5",
    "knn": "k-NN",
    "profile_survey": "profiles: survey",
    "profile_knn": "profiles: k-NN",
    "other_day": "survey, other day",
    "middle": "middle of the points",
}
METHODS = tuple(TITLES)


def embed(foundation: Foundation, images: torch.Tensor, pooling: str = POOLING) -> np.ndarray:
    with torch.inference_mode():
        parts = [foundation.model.embed_image(part, pooling) for part in images.split(_BATCH)]
    return torch.cat(parts).float().numpy()


def survey_of(points: np.ndarray, windows: np.ndarray) -> Survey:
    """Points [n, 3] with their windows [n, WINDOWS, D]."""
    survey = Survey()
    for point, own in zip(points, windows, strict=True):
        survey.enrol(point.tolist(), own)
    return survey


def located(survey: Survey, embeddings: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Places [m, 2], uncertainties and distances [m]."""
    found = survey.locate(embeddings)
    rows = [(*one["position"][:2], one["uncertainty"], one["distance"]) for one in found]
    x, y, off, away = np.array(rows).T
    return np.stack([x, y], 1), off, away


def nearest(points: np.ndarray, windows: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Places [m, 2] by k nearest points of the means [n, WINDOWS, D]; k and the weights by points left out."""
    means, points = windows.mean(1), points[:, :2]
    own = np.repeat(np.arange(len(points)), windows.shape[1])
    among = np.linalg.norm(windows.reshape(-1, windows.shape[2])[:, None] - means, axis=2)
    among[np.arange(len(own)), own] = np.inf
    tried = {}
    for k in NEIGHBOURS:
        for weighted in (False, True):
            if k < len(points):
                left_out = _mean_of_nearest(among, points, k, weighted)
                tried[k, weighted] = np.linalg.norm(left_out - points[own], axis=1).mean()
    best = min(tried, key=tried.get)
    return _mean_of_nearest(np.linalg.norm(asked[:, None] - means, axis=2), points, *best)


def _mean_of_nearest(away: np.ndarray, points: np.ndarray, k: int, weighted: bool) -> np.ndarray:
    order = np.argsort(away, 1)[:, :k]
    weights = 1 / (np.take_along_axis(away, order, 1) + 1e-9) if weighted else np.ones(order.shape)
    return (weights[..., None] * points[order]).sum(1) / weights.sum(1, keepdims=True)


def trial(foundation: Foundation, kind: str, spacing: float, places: int, seed: int) -> dict:
    """Mean errors in one site by METHODS, m; its spacing, m; how the uncertainty and the distance did."""
    generator = torch.Generator().manual_seed(seed)
    site = draw_site(kind, generator)
    points, asked = grid_places(site, spacing), any_places(site, places, generator)
    surveyed = profiles(site, points.repeat_interleave(WINDOWS, 0), generator)
    several = profiles(site, asked.repeat_interleave(WINDOWS, 0), generator)
    images = several[::WINDOWS]
    later = profiles(moved(site, generator), asked, generator)
    elsewhere = draw_site(kind, generator)
    strange = profiles(elsewhere, any_places(elsewhere, places, generator), generator)
    points, truth = points.numpy().astype(np.float64), asked[:, :2].numpy()

    def wrong(found: np.ndarray) -> float:
        return float(np.linalg.norm(found - truth, axis=1).mean())

    errors = {"middle": wrong(points[:, :2].mean(0))}
    plain = surveyed.mean(3).flatten(1).numpy().reshape(len(points), WINDOWS, -1)
    shown = images.mean(3).flatten(1).numpy()
    errors["profile_survey"] = wrong(located(survey_of(points, plain), shown)[0])
    errors["profile_knn"] = wrong(nearest(points, plain, shown))
    windows = embed(foundation, surveyed).reshape(len(points), WINDOWS, -1)
    survey, every = survey_of(points, windows), embed(foundation, several)
    found = every[::WINDOWS]
    where, off, away = located(survey, found)
    errors["survey"] = wrong(where)
    errors["survey_five"] = wrong(located(survey, every)[0].reshape(-1, WINDOWS, 2).mean(1))
    errors["knn"] = wrong(nearest(points, windows, found))
    errors["other_day"] = wrong(located(survey, embed(foundation, later))[0])
    squared = np.square(np.linalg.norm(where - truth, axis=1))
    axes = [np.unique(points[:, axis].round(3)) for axis in (0, 1)]
    return {
        **errors,
        "spacing": float(np.mean([np.diff(line).mean() for line in axes])),
        "points": len(points),
        "squared": float(squared.mean()),
        "expected": float(np.square(off).mean()),
        "own_elsewhere": float((away > 1).mean()),
        "strange_elsewhere": float((located(survey, embed(foundation, strange))[2] > 1).mean()),
    }


def row(kind: str, sets: list[list[dict]]) -> dict:
    """Print and return what the trials of each set of sites come to."""

    def per_set(value) -> np.ndarray:
        return np.array([np.mean([value(one) for one in trials]) for trials in sets])

    spacing = per_set(lambda one: one["spacing"]).mean()
    metres = {name: per_set(lambda one, name=name: one[name]) for name in METHODS}
    shares = {name: per_set(lambda one, name=name: one[name] / one["spacing"]) for name in METHODS}
    count = per_set(lambda one: one["points"]).mean()
    cells = [f"{metres[name].mean():.2f} ± {metres[name].std():.2f} ({shares[name].mean():.2f})" for name in METHODS]
    print(f"| {kind} | {spacing:.1f} | {count:.0f} | {' | '.join(cells)} |", flush=True)
    return {
        "kind": kind,
        "spacing_m": float(spacing),
        "points": float(count),
        "mean_m": {name: [float(values.mean()), float(values.std())] for name, values in metres.items()},
        "in_spacings": {name: [float(values.mean()), float(values.std())] for name, values in shares.items()},
        "rms_over_expected": float(
            np.sqrt(per_set(lambda one: one["squared"]).mean() / per_set(lambda one: one["expected"]).mean())
        ),
        "own_elsewhere": float(per_set(lambda one: one["own_elsewhere"]).mean()),
        "other_site_elsewhere": float(per_set(lambda one: one["strange_elsewhere"]).mean()),
    }


def real(foundation: Foundation) -> None:
    """Shares of windows at the right place, of the survey and of the nearest window, in DRAWS draws of the windows; by
    profiles, and by amplitudes that are standardised by all windows that may be surveyed."""
    with np.load(data_file("csi_position/lgtm.npz")) as archive:
        values, run = archive["csi"].astype(np.float32), archive["test"]
        at = np.stack([archive["x_m"], archive["y_m"]], 1)
    csi, asked = torch.from_numpy(values[..., 0] + 1j * values[..., 1]).permute(0, 3, 2, 1), run > 5
    known = csi[~asked].abs().numpy()
    settings = csi_signal(lambda rows: known[rows], len(known), list(SIZE), "linear", "window", "subcarrier")
    profiled = CsiProfile(list(SIZE), 2 * csi.shape[2])(csi_parts(csi))
    views = {
        "profiles": embed(foundation, profiled),
        "amplitudes": embed(foundation, build_preprocessor(settings)(csi.abs()), "rows"),
    }
    places, place = np.unique(at.round(4), axis=0, return_inverse=True)
    place = place.ravel()
    print("| images | windows a place | survey: right place | nearest window: right place | survey: mean error m |")
    print("|---|---|---|---|---|")
    for (name, embeddings), count in itertools.product(views.items(), (5, 10)):
        results = []
        for seed in range(DRAWS):
            order = np.random.default_rng(seed).permutation(np.flatnonzero(~asked))
            windows = np.stack([embeddings[order[place[order] == one][:count]] for one in range(len(places))])
            where = located(survey_of(np.pad(places, ((0, 0), (0, 1))), windows), embeddings[asked])[0]
            named = np.linalg.norm(where[:, None] - places, axis=2).argmin(1)
            away = np.linalg.norm(embeddings[asked][:, None, None] - windows, axis=3).min(2)
            wrong = np.linalg.norm(where - at[asked], axis=1).mean()
            results.append([(named == place[asked]).mean(), (away.argmin(1) == place[asked]).mean(), wrong])
        mean, spread = np.mean(results, 0), np.std(results, 0)
        cells = [f"{100 * m:.1f} ± {100 * s:.1f} %" for m, s in zip(mean[:2], spread[:2], strict=True)]
        print(f"| {name} | {count} | {' | '.join(cells)} | {mean[2]:.2f} ± {spread[2]:.2f} |")


def train(options: argparse.Namespace) -> None:
    foundation, started, losses = load_foundation(options.foundation), time.process_time(), []

    def said(step: int, kind: str, loss: float) -> None:
        losses.append((kind, loss))
        if (step + 1) % 50 == 0 or step + 1 == options.steps:
            means = {name: np.mean([loss for of, loss in losses[-50:] if of == name]) for name in KINDS}
            shown = ", ".join(f"{name} {mean:.3f}" for name, mean in means.items())
            print(f"{step + 1} steps: {shown} spacings; {(time.process_time() - started) / 60:.1f} min", flush=True)

    first = {"name": foundation.name, "weights_sha256": foundation.weights_sha256}
    model = train_positions(foundation, options.steps, options.seed, said)
    origin = {
        "command": " ".join(["benchmarks/accuracy/positions.py", *sys.argv[1:]]),
        "data": "synthetic",
        "foundation": first,
        "steps": options.steps,
        "minutes": round((time.process_time() - started) / 60, 1),
        "torch": str(torch.__version__),
        "python": platform.python_version(),
    }
    save_positions(options.train, model, foundation, origin)
    print(options.train)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=NAME, help=f"the encoder, as a foundation ({NAME})")
    parser.add_argument("--sets", type=int, default=3, help="sets of sites (3)")
    parser.add_argument("--sites", type=int, default=6, help="of a set, for each kind and spacing (6)")
    parser.add_argument("--places", type=int, default=100, help="to be located in a site (100)")
    parser.add_argument("--first", type=int, default=9000, help="seed of the first site (9000)")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--real", action="store_true", help="locate real windows instead")
    parser.add_argument("--train", type=Path, metavar="DIR", help="train the model, and end")
    parser.add_argument("--foundation", default="wfm-base", help="that training begins with (wfm-base)")
    parser.add_argument("--steps", type=int, default=800, help="of training (800)")
    parser.add_argument("--seed", type=int, default=1, help="of training (1)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.train:
        train(options)
        return
    foundation = load_foundation(options.model)
    if options.real:
        real(foundation)
        return
    print("mean error in m ± spread over sets of sites (in spacings); on embeddings, or on profiles where it says so\n")
    head = ("site", "spacing m", "points", *(TITLES[name] for name in METHODS))
    print(f"| {' | '.join(head)} |\n{'|---' * len(head)}|")
    rows = []
    for kind, spacings in SPACINGS.items():
        for spacing in spacings:
            seeds = np.arange(options.sets * options.sites).reshape(options.sets, -1) + options.first
            sets = [[trial(foundation, kind, spacing, options.places, int(seed)) for seed in own] for own in seeds]
            rows.append(row(kind, sets))
    print("\n| site | spacing m | RMS error over the expected one | own windows, called elsewhere | another site's |")
    print("|---" * 5 + "|")
    for one in rows:
        shares = f"{one['own_elsewhere']:.1%} | {one['other_site_elsewhere']:.1%}"
        print(f"| {one['kind']} | {one['spacing_m']:.1f} | {one['rms_over_expected']:.2f} | {shares} |")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
