#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds the C++ library and its bindings with sanitizers, below build/, and runs the tests of what is in them.
#
#   scripts/sanitize.sh [asan] [tsan] [TEST ...]      default: both, over the tests below
#
# Ends with 1 if a test fails or a sanitizer reports anything: the reports are build/asan/reports/* and
# build/tsan/reports/*, one for each process. The virtual environment's own module stays as it is.
# May be set in the environment: VENV, JOBS (of the compiler).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

VENV=${VENV:-.venv}
[[ $VENV == /* ]] || VENV=$PWD/$VENV

# What runs our C++ in the process of pytest. Left out: what needs a radio's driver, or runs it in other programs alone.
TESTS=(
    test_arrival_watch test_radio_tagger test_radio_control
    test_window_tap test_window_tap_breaks test_window_tap_results
    test_window_source test_window_tap_restarted test_window_tap_reconfigured test_reconfigured
    test_signal_finder_block test_signal_finder_extract test_signal_finder_results test_signal_classifier
    test_recorder test_recorder_disk test_recorder_killed test_hanging_disks
    test_sample_player test_cut_recording test_recording_kinds
    test_recording_archives test_sigmf_annotator
    test_spectrogram_block test_sinks test_sample_link test_sample_link_refused test_vrt_packets test_control
    test_inference_flowgraph test_image_inference test_hot_swap test_cyclic_images
    test_simulated_radio test_sdr_source
)

names=() chosen=()
for argument in "$@"; do
    case $argument in
        asan | tsan) names+=("$argument") ;;
        *) chosen+=("$argument") ;;
    esac
done
((${#names[@]})) || names=(asan tsan)
if ((!${#chosen[@]})); then
    for test in "${TESTS[@]}"; do
        mapfile -t -O "${#chosen[@]}" chosen < <(find tests -name "$test.py")
    done
fi

# The compiler's runtime library, which must be in the process before Python is.
runtime() {
    local file
    file=$("${CXX:-g++}" -print-file-name="$1")
    [[ $file == /* ]] || { echo "sanitize: $1 is missing: install the compiler's sanitizer libraries" >&2; exit 1; }
    echo "$file"
}

build() {
    local name=$1 log=build/$1/build.log
    mkdir -p "build/$name"
    echo "sanitize: building with -fsanitize=$2"
    { cmake -S . -B "build/$name" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DWFM_SANITIZE="$2" -DWFM_INSTALL_CORE=OFF \
        -DCMAKE_INSTALL_PREFIX="$PWD/build/$name/install" -DPYTHON_EXECUTABLE="$VENV/bin/python" \
        && cmake --build "build/$name" -j "${JOBS:-$(nproc)}" && cmake --install "build/$name"; } >"$log" 2>&1 \
        || { tail -n 40 "$log" >&2; echo "sanitize: the build failed; the whole log is $log" >&2; exit 1; }
}

# Below the prefix, with gnuradio/wfm in it: gnuradio's own path is extended by PYTHONPATH before the virtual
# environment's packages.
packages() { "$VENV/bin/python" gr-wfm/cmake/python_dir.py "$PWD/build/$1/install"; }

tests() {
    local name=$1 reports=$PWD/build/$1/reports preload
    rm -rf "$reports"
    mkdir -p "$reports"
    # A process that a test has killed, or that is to crash, leaves no report of its own; one file for each process.
    local common="halt_on_error=1:log_path=$reports/report"
    # - detect_leaks: Python, torch and GNU Radio's singletons free nothing when they end.
    # - handle_segv: a crash of ours is to be a report, not a test that "ended with -11".
    # - allocator_may_return_null: tests ask for arrays that do not fit, and expect MemoryError.
    export ASAN_OPTIONS="detect_leaks=0:handle_segv=1:allocator_may_return_null=1:$common"
    export UBSAN_OPTIONS="print_stacktrace=1:$common"
    # - ignore_noninstrumented_modules: Python, numpy, torch and GNU Radio were built without, so their own
    #   synchronisation by atomics is not seen.
    # - report_signal_unsafe: Python's own handlers.
    # - die_after_fork=0: a test forks the process of pytest, and threads begin in the child.
    # halt_on_error is off: a race is reported once, and the test goes on to the next.
    export TSAN_OPTIONS="suppressions=$PWD/scripts/tsan.supp:ignore_noninstrumented_modules=1:report_signal_unsafe=0"
    TSAN_OPTIONS+=":die_after_fork=0:allocator_may_return_null=1:halt_on_error=0:exitcode=66:log_path=$reports/report"
    if [[ $name == asan ]]; then
        # libstdc++ too: its __cxa_throw must be there when the runtime looks for it.
        preload="$(runtime libasan.so) $(runtime libubsan.so) $(runtime libstdc++.so.6)"
    else
        preload="$(runtime libtsan.so) $(runtime libstdc++.so.6)"
    fi
    local began=$SECONDS status=0 fixed=()
    # The shadow memory of older runtimes does not fit where newer kernels put libraries.
    setarch "$(uname -m)" -R true 2>/dev/null && fixed=(setarch "$(uname -m)" -R)
    PYTHONPATH="$PWD/build/$name/install/$(packages "$name")" PYTHONMALLOC=malloc QT_QPA_PLATFORM=offscreen \
        OMP_NUM_THREADS=2 "${fixed[@]}" env LD_PRELOAD="$preload" "$VENV/bin/python" - "$PWD/build/$name/install" \
        <<<'import sys; from gnuradio import wfm; sys.exit(not wfm.__file__.startswith(sys.argv[1]))' \
        || { echo "sanitize: Python does not load the module that was built below build/$name" >&2; exit 1; }
    PYTHONPATH="$PWD/build/$name/install/$(packages "$name")" PYTHONMALLOC=malloc QT_QPA_PLATFORM=offscreen \
        OMP_NUM_THREADS=2 "${fixed[@]}" env LD_PRELOAD="$preload" "$VENV/bin/python" -m pytest -q -m "not slow" \
        -p no:cacheprovider --capture=sys "${chosen[@]}" 2>&1 | tee "build/$name/tests.log" || status=$?
    # The runtime of GCC's UBSan beside ASan's writes to standard error whatever log_path says: so sys is captured, not fd.
    grep -A 12 "runtime error:" "build/$name/tests.log" >"$reports/report.ubsan" || true
    local found
    found=$(find "$reports" -type f -size +0 | wc -l)
    echo "sanitize: $name: $((SECONDS - began)) s, pytest ended with $status, $found files of reports"
    if ((found)); then
        head -n 60 "$reports"/* >&2
    fi
    ((status == 0 && found == 0))
}

failed=0
for name in "${names[@]}"; do
    case $name in
        asan) build asan address,undefined ;;
        tsan) build tsan thread ;;
    esac
    (tests "$name") || failed=1
done
exit $failed
