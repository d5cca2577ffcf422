# SPDX-License-Identifier: GPL-3.0-or-later
# Which python3 GNU Radio belongs to. Sourced by scripts/setup.sh.

# The version of Python that pyproject.toml asks for, and PyTorch's.
least_python() { sed -n 's/^requires-python = ">=\([0-9.]*\)"/\1/p' pyproject.toml; }
least_torch() { sed -n 's/.*"torch>=\([0-9.]*\)".*/\1/p' pyproject.toml; }

# ask PYTHON CODE: what CODE prints, run away from the checkout so that no folder here is taken for a package.
ask() { (cd / && "$1" -c "$2" 2>/dev/null); }

# Candidates in order: $PYTHON alone where it is set; else every python3 on PATH (a conda environment's, if one is
# active, comes first there), then the places where a distribution and a build from source have theirs. The virtual
# environment that is being set up is none: it may be the one that is broken.
python_candidates() {
    if [[ -n ${PYTHON:-} ]]; then
        echo "$PYTHON"
        return
    fi
    { type -aP python3 || true; printf '%s\n' /usr/bin/python3 /usr/local/bin/python3; } \
        | grep -vxF "${VENV:-.venv}/bin/python3" | awk '!seen[$0]++'
}

# The first candidate that imports GNU Radio; fails where none does.
gnuradio_python() {
    local candidate
    while read -r candidate; do
        ask "$candidate" 'from gnuradio import gr' && echo "$candidate" && return
    done < <(python_candidates)
    return 1
}

# of_distribution PYTHON: whether its GNU Radio is the distribution's own package.
of_distribution() {
    [[ $(ask "$1" 'import gnuradio; print(gnuradio.__file__)') == /usr/lib/python3/dist-packages/* ]]
}

# A numpy module works with the numpy it was built against or an older interface of it: where GNU Radio came with
# numpy 1, a numpy 2 in the virtual environment would end `import gnuradio`.
constraint_files() {
    echo constraints.txt
    if [[ $(ask "$1" 'import numpy; print(numpy.__version__)') == 1.* ]]; then
        echo constraints-numpy1.txt
    fi
}
