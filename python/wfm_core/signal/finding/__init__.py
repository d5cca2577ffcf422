# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the signals of a band in time and frequency, without a model.

The algorithm. A stream is worked on in frames of FRAME_ROWS times fft_size samples, counted from its first sample (or
the last break); the last frame is shorter. A frame is looked at as a whole once the samples behind it that its
longest rows need are there, so results do not depend on how the stream is cut into pushes, and memory is bounded.

1. `layers`: rows with samples that are not finite are left out, the frame's mean (the receiver's DC) is taken away,
   and three layers of power spectra are made, Hann windows at half a row's hop: fft_size / 8, fft_size and 16
   fft_size bins. Row r of a layer stands for the slot of hop samples in its middle, so that the layers tile time
   alike.
2. `floor`: each bin's level while it is quiet, by censoring; of these, a morphological opening over a quarter of the
   band gives the local floor, which passes lines and narrower signals by and follows filter edges. One floor for the
   layers: the middle one's, or another's where that is lower by 1 dB or more. Ratios of power to floor are all that
   steps 3 to 7 use.
3. `candidates`: four views (the layers, and the longest rows with 8 bins averaged) are smoothed over some rows and
   bins. What exceeds the lower threshold and hangs together (8 neighbours, gaps of two cells) and has a cell above
   the upper one is a box, trimmed to 99 % of its energy each way. The upper threshold is that of a gamma
   distribution, for the stated number of false boxes.
4. `choose`: boxes of all views in the order of the likelihood that they win. A box is left out for boxes of another
   view inside of it that win more together, or if it is explained by chosen ones. A chosen box is cut (5), and what
   lies in its pieces, is their skirt or is strewn by them is left out.
5. `cutting`: by turns in frequency, at valleys of the mean spectrum, and in time, at gaps longer than `gap_for` their
   width, each in the layer that fits, until nothing is cut.
6. `refine`: edges that hold 99 % of the power over the floor, of the mean spectrum within the box's time, and times
   from the mean power within its band; a step outwards belongs to it if its sum is significant.
7. `join`: lines of longer rows that are there only during shorter boxes are echoes; sidebands about a carrier, tones
   that take turns or come and go together, twins, bursts that begin and end together, and `copies` (carriers of one
   sound) are joined; what is faint beside a strong signal during it is its skirt, as are lines that a burst strews in
   long rows. Then 6 again.
8. `wide`: a plateau of the local floor that stands out of the rest of the band, or a floor that rose over a fifth of
   the band or more since the frames before (for up to two seconds), is a wide signal.
9. `tracks`: what a frame gives continues a signal of before if their bands and powers agree and the gap is within
   `gap_for`; signals end after that gap, or are reported and begin again when max_duration is reached.
"""

from wfm_core.signal.finding.finder import SignalFinder
from wfm_core.signal.finding.settings import FinderSettings, FoundSignal

__all__ = ["FinderSettings", "FoundSignal", "SignalFinder"]
