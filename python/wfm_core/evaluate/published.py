# SPDX-License-Identifier: GPL-3.0-or-later
"""Published results to stand beside ours: accuracy in %, position error in metres.

Paper: "Multimodal Wireless Foundation Models" (arXiv 2511.15162), Tables II and III; its baselines are IQFM for RFP and
INT and WavesFM for the rest. WavesFM v1: the authors' model page; its INTC is the accuracy over all three classes.
"""

COLUMNS = ("RFP", "INTD", "INTC", "HAS", "RFS", "POS")
"""Radio fingerprinting, interference detection and classification, human activity sensing, RF signals, positioning."""

PAPER, BASELINES, WAVESFM = "paper", "baselines in the paper", "WavesFM v1 model page"

ROWS: dict[tuple[str, str], tuple[float | None, ...]] = {
    (PAPER, "LP"): (98.65, 96.40, 58.25, 95.58, 63.59, 2.11),
    (PAPER, "FT2"): (99.69, 98.74, 64.15, 98.73, 84.14, 1.27),
    (PAPER, "LoRA"): (99.77, 99.60, 66.93, 98.10, 89.41, 1.06),
    (BASELINES, "LP"): (91.41, 95.00, 61.72, 97.7, 68.10, 3.90),
    (BASELINES, "FT2"): (96.47, 96.40, 62.24, 98.86, 86.05, 0.41),
    (WAVESFM, "LP"): (98.97, None, 71.5, 94.4, 42.9, 3.17),
    (WAVESFM, "FT2"): (99.70, None, 78.9, 99.3, 83.4, 1.24),
    (WAVESFM, "LoRA"): (99.82, None, 78.9, 98.5, 84.5, 1.45),
}
"""(source, regime) -> a value per column; None where nothing was published."""

NOTES = (
    "INTC of WavesFM v1 counts three classes (none, BPSK, QPSK); the others count the two modulations.",
    "Published rows: RFP on POWDER, INT on ICARUS, HAS on NTU-Fi HAR, RFS on CommRad RF, POS on 5G NR SRS.",
)
