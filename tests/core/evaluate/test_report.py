# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures: what they say is what was measured, and it can be read."""

import numpy as np
import pytest
from matplotlib.image import imread

from wfm_core.base.errors import WfmError
from wfm_core.evaluate.figures.canvas import save
from wfm_core.evaluate.figures.cdf import cdf_figure
from wfm_core.evaluate.figures.confusion import confusion_figure
from wfm_core.evaluate.figures.embeddings import embeddings_figure, principal_components


def test_pictures_are_png_files(tmp_path):
    save(tmp_path / "confusion.png", confusion_figure(np.eye(2, dtype=int), ["a", "$b$"], "cost in $"))
    save(tmp_path / "cdf.png", cdf_figure({"LP": np.array([0.5, 1.0])}, "indoor"))
    points = np.random.default_rng(0).normal(size=(6, 4))
    save(tmp_path / "embeddings.png", embeddings_figure(points, np.arange(6) % 2, ["a", "b"], "embeddings"))
    for path in tmp_path.glob("*.png"):
        assert imread(path).std() > 0.01, f"{path.name} is blank"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cdf.png", "confusion.png", "embeddings.png"]
    with pytest.raises(WfmError, match="cannot write"):
        save(tmp_path / "none" / "cdf.png", cdf_figure({"LP": np.ones(2)}, "indoor"))


def test_confusion_says_counts_shares_and_the_mean():
    figure = confusion_figure(np.array([[3, 1, 0], [0, 5, 0], [0, 0, 0]]), ["none", "bpsk", "qpsk"], "run a")
    axes = figure.axes[0]
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "3\n75%", (1, 0): "1\n25%", (1, 1): "5\n100%"}, "x is the class predicted"
    assert [text.get_text() for text in axes.get_yticklabels()] == ["none (4)", "bpsk (5)", "qpsk (0)"]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["none", "bpsk", "qpsk"]
    assert "87.5%" in axes.get_title()


def test_thirty_classes_do_not_overlap():
    counts = np.diag(np.full(30, 8888))  # as wide as four digits and 100 % make it
    counts[:, 7] = 1888
    figure = confusion_figure(counts, [f"a rather long class name {n}" for n in range(30)], "thirty")
    figure.canvas.draw()
    axes = figure.axes[0]
    renderer = figure.canvas.get_renderer()
    cell = axes.transData.transform([(0, 0), (1, -1)])
    width, height = np.abs(cell[1] - cell[0])
    boxes = [text.get_window_extent(renderer) for text in axes.texts]
    assert max(box.width for box in boxes) < width and max(box.height for box in boxes) < height
    names = [text.get_window_extent(renderer) for text in axes.get_xticklabels()]
    assert not any(left.overlaps(right) for left, right in zip(names, names[1:], strict=False))
    assert all(figure.bbox.y0 <= box.y0 for box in names), "the names are inside the picture"


def test_the_cdf_reaches_every_error_at_its_share():
    figure = cdf_figure({"LP": np.array([2.0, 1.0, 4.0, 3.0]), "LoRA": np.array([0.1, 0.3])}, "outdoor")
    line = figure.axes[0].get_lines()[0]
    assert line.get_drawstyle() == "steps-post"
    assert line.get_xdata().tolist() == [0, 1, 2, 3, 4] and line.get_ydata().tolist() == [0, 0.25, 0.5, 0.75, 1]
    said = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert said == ["LP: mean 2.50 m, median 2.50, p90 3.70", "LoRA: mean 0.20 m, median 0.20, p90 0.28"]


def test_principal_components_of_a_known_ellipse():
    generator = np.random.default_rng(0)
    plane = generator.normal(size=(500, 2)) * [3, 1]
    axes = np.linalg.qr(generator.normal(size=(8, 8)))[0][:2]
    points, shares = principal_components(plane @ axes + 7)
    assert np.abs(np.corrcoef(points[:, 0], plane[:, 0])[0, 1]) > 0.999
    assert points.mean(0) == pytest.approx([0, 0], abs=1e-9)
    assert shares == pytest.approx([0.9, 0.1], abs=0.02)
    again, _ = principal_components(-(plane @ axes))
    turned = again - again.mean(0)
    assert np.allclose(np.abs(turned), np.abs(points)), "mirrored at most"


def test_windows_that_are_all_alike_and_faults():
    points, shares = principal_components(np.ones((5, 3), np.float32))
    assert not points.any() and not shares.any()
    with pytest.raises(WfmError, match="embeddings of 2 windows; three"):
        principal_components(np.ones((2, 3)))
    values = np.ones((5, 3))
    values[3, 1] = np.nan
    with pytest.raises(WfmError, match="window 3 has NaN"):
        principal_components(values)


def test_every_class_has_its_own_mark():
    generator = np.random.default_rng(0)
    label = np.arange(90) % 30
    figure = embeddings_figure(generator.normal(size=(90, 4)), label, [f"c{n}" for n in range(31)], "thirty")
    clouds = figure.axes[0].collections
    looks = {(tuple(cloud.get_facecolor()[0]), cloud.get_paths()[0].vertices.tobytes()) for cloud in clouds}
    assert len(looks) == len(clouds) == 30, "the class without windows is left out"
    assert [cloud.get_offsets().shape[0] for cloud in clouds] == [3] * 30
