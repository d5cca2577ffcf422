# SPDX-License-Identifier: GPL-3.0-or-later
"""LTE, 5G NR and noise, pixel by pixel in synthetic bands: fine-tuned, and by energy and width, on other bands.

    .venv/bin/python benchmarks/accuracy/dense/segmentation.py --out runs/segmentation

Bands of 30.72 MHz for 10 ms are drawn (`wfm_core.synth.carriers`), images of 128 x 128 pixels made of them, those to
learn from at 0 to 25 dB. A data set is written, `wfm-finetune` run once for each regime, and its bundle asked about
bands whose carriers all have one SNR; runs and the data set that are in --out already are used again. Then a table of
the mean IoU is printed (intersection over union, the mean over the three classes, pixels of all bands together), and of
the IoU between something and nothing at the SNR in the middle.

energy and width: smoothed energy over a threshold, in boxes, named by the class that boxes of that width had most often
in the training (`wfm_core.evaluate.classical.carrier_boxes`).
"""

import argparse

import numpy as np
from tuned import add_options, show, tuned

from wfm_core.data.dataset import open_dataset
from wfm_core.data.generated_carriers import COLUMNS, ROWS, drawn_images, write_segmentation
from wfm_core.evaluate.classical.carrier_boxes import CarrierBoxes
from wfm_core.evaluate.dense import intersections, mean_iou, unions

SMALL = {"width": 96, "depth": 3, "heads": 4, "mlp_hidden": 384}
_RECIPE = ("test_share=0.1", "validation_share=0.1", "batch=32", "warmup_epochs=0.5", "threads=1")
RECIPES = {
    "foundation": (*_RECIPE, "base_learning_rate=8e-3", "epochs=4"),
    "small": (*_RECIPE, "base_learning_rate=1.6e-2", "epochs=32"),
}
IMAGE = {"channels": 1, "size": [ROWS, COLUMNS], "per_channel": False}
_SNR_DB = (0, 5, 10, 15, 20)
_ASKED = 20  # images at once
_LEARNT = 300  # images that thresholds and widths are learnt of
_TEST = 500_000  # added to the seed


def _figures(classes: np.ndarray, label: np.ndarray) -> tuple[float, float]:
    """Mean IoU, and IoU of something against nothing, of pixels uint8 [N, rows, columns]."""
    whole = mean_iou(intersections(classes, label, 3).sum(0))
    return whole, float(unions(intersections(classes > 0, label > 0, 2).sum(0))[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser, ["small", "lora", "lp"])
    parser.add_argument("--train", type=int, default=1600, help="bands to learn from (1600)")
    parser.add_argument("--test", type=int, default=100, help="bands of the test at each SNR (100)")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    data = options.out / "train.h5"
    if not data.exists():
        write_segmentation(data, options.train, options.seed)
    tests = {}
    for snr in _SNR_DB:
        drawn = drawn_images(options.test, _TEST + options.seed, (snr, snr))
        tests[snr] = tuple(np.stack(part) for part in zip(*drawn, strict=True))
    dataset = open_dataset(data)
    some = np.arange(min(_LEARNT, dataset.count))
    boxes = CarrierBoxes(dataset.read(some)[:, 0], dataset.label[some])
    by_boxes = {snr: np.stack([boxes(one) for one in images]) for snr, (images, _) in tests.items()}
    answers = {"energy and width": by_boxes}
    for regime in options.regimes:
        name, bundle = tuned(options, regime, data, RECIPES, SMALL, IMAGE)
        answers[name] = {
            snr: np.concatenate(
                [
                    bundle.infer_image(images[first : first + _ASKED, None])["segmentation"].argmax(1)
                    for first in range(0, len(images), _ASKED)
                ]
            )
            for snr, (images, _) in tests.items()
        }
    middle = _SNR_DB[len(_SNR_DB) // 2]
    columns = (*(f"{snr} dB" for snr in _SNR_DB), f"something or nothing, {middle} dB")
    rows = {}
    for name, said in answers.items():
        figures = {snr: _figures(said[snr], label) for snr, (_, label) in tests.items()}
        rows[name] = [*(figures[snr][0] for snr in _SNR_DB), figures[middle][1]]
    title = f"mean IoU, synthetic: {dataset.count} bands to learn from, {options.test} of the test at each SNR"
    show(title, columns, rows, 3, options.json)


if __name__ == "__main__":
    main()
