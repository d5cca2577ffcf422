# SPDX-License-Identifier: GPL-3.0-or-later
"""One reader per public data set, as its owner ships it: `READERS[name](folder, out, **options)` writes a data set.

All raise `WfmError`. The values are kept raw; the published statistics go into the data set's `signal`.
"""

from wfm_core.data.readers.public import (
    commrad,
    deepmimo,
    icarus,
    nr_positioning,
    ntu_fi,
    powder,
    radcom,
    radioml_2016,
    radioml_2018,
    rml22,
    uwb_indoor,
)

READERS = {
    "powder": powder.read,
    "icarus": icarus.read,
    "ntu-fi": ntu_fi.read,
    "commrad": commrad.read,
    "nr-pos": nr_positioning.read,
    "radioml-2016": radioml_2016.read,
    "radioml-2018": radioml_2018.read,
    "rml22": rml22.read,
    "radcom": radcom.read,
    "deepmimo": deepmimo.read,
    "uwb-indoor": uwb_indoor.read,
}
