# SPDX-License-Identifier: GPL-3.0-or-later
# `ctest` in the build folder runs the tests of the blocks with what was built there: a test is a file of pytest's.
# Left out are those of windows, and the slow ones. They run with PYTHON_EXECUTABLE, which must have pytest and what
# every flowgraph takes.
execute_process(
    COMMAND "${PYTHON_EXECUTABLE}" -c
            "from importlib.util import find_spec as find; import sys; sys.exit(not all(map(find, sys.argv[1:])))"
            pytest torch safetensors sigmf
    RESULT_VARIABLE lacking OUTPUT_QUIET ERROR_QUIET)
if(lacking)
    message(STATUS "Tests: none, ${PYTHON_EXECUTABLE} lacks pytest, torch, safetensors or sigmf")
    return()
endif()
enable_testing()

# The package as it will be installed, beside the compiled module (python/wfm/bindings).
file(MAKE_DIRECTORY "${WFM_TEST_MODULES}/gnuradio/wfm")
file(GLOB parts CONFIGURE_DEPENDS gr-wfm/python/wfm/*/__init__.py)
foreach(part IN LISTS parts)
    get_filename_component(folder "${part}" DIRECTORY)
    get_filename_component(name "${folder}" NAME)
    file(CREATE_LINK "${folder}" "${WFM_TEST_MODULES}/gnuradio/wfm/${name}" SYMBOLIC)
endforeach()
file(CREATE_LINK "${CMAKE_SOURCE_DIR}/gr-wfm/python/wfm/__init__.py"
     "${WFM_TEST_MODULES}/gnuradio/wfm/__init__.py" SYMBOLIC)

# A module of another version, beside GNU Radio itself, would be found first.
add_test(NAME module COMMAND "${PYTHON_EXECUTABLE}" -c
    "import sys; from gnuradio import wfm; print(wfm.__file__); sys.exit(not wfm.__file__.startswith(sys.argv[1]))"
    "${WFM_TEST_MODULES}")
set_tests_properties(module PROPERTIES FIXTURES_SETUP module)
set(names module)
file(GLOB files CONFIGURE_DEPENDS tests/blocks/*/test_*.py)
list(FILTER files EXCLUDE REGEX "/test_.*display")
foreach(file IN LISTS files)
    get_filename_component(name "${file}" NAME_WE)
    add_test(NAME ${name} COMMAND "${PYTHON_EXECUTABLE}" -m pytest -q -p no:cacheprovider -m "not slow" "${file}"
             WORKING_DIRECTORY "${CMAKE_SOURCE_DIR}")
    # 5: no test of the file is a quick one
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 5 TIMEOUT 600 FIXTURES_REQUIRED module)
    list(APPEND names ${name})
endforeach()
set_tests_properties(
    ${names} PROPERTIES
    ENVIRONMENT
    "PYTHONPATH=${WFM_TEST_MODULES}:${CMAKE_SOURCE_DIR}/python:$ENV{PYTHONPATH};QT_QPA_PLATFORM=offscreen;OMP_NUM_THREADS=2")
