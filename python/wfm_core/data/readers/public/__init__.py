# SPDX-License-Identifier: GPL-3.0-or-later
"""One reader per public data set, as its owner ships it: `READERS[name](folder, out, **options)` writes a data set.

All raise `WfmError`. The values are kept raw; the published statistics go into the data set's `signal`.
"""

from wfm_core.data.readers.public import commrad, icarus, nr_positioning, ntu_fi, powder

READERS = {
    "powder": powder.read,
    "icarus": icarus.read,
    "ntu-fi": ntu_fi.read,
    "commrad": commrad.read,
    "nr-pos": nr_positioning.read,
}
