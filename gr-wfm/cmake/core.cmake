# SPDX-License-Identifier: GPL-3.0-or-later
# The pure Python package wfm_core beside gnuradio: package, dist-info, commands, models, and the bundles made of them.

set(wfm_core_build "${CMAKE_BINARY_DIR}/core")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS pyproject.toml gr-wfm/cmake/core_package.py)
file(REMOVE_RECURSE "${wfm_core_build}") # no dist-info of another version
execute_process(
    COMMAND "${PYTHON_EXECUTABLE}" "${CMAKE_SOURCE_DIR}/gr-wfm/cmake/core_package.py" "${wfm_core_build}"
            "${WFM_PYTHON_DIR}"
    COMMAND_ERROR_IS_FATAL ANY)

install(DIRECTORY python/wfm_core DESTINATION ${WFM_PYTHON_DIR} PATTERN "__pycache__" EXCLUDE)
install(DIRECTORY "${wfm_core_build}/" DESTINATION ${WFM_PYTHON_DIR} PATTERN "bin" EXCLUDE)
install(DIRECTORY "${wfm_core_build}/bin/" DESTINATION ${CMAKE_INSTALL_BINDIR} USE_SOURCE_PERMISSIONS)
install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/wfm/models
        FILES_MATCHING PATTERN "*.safetensors" PATTERN "*.yaml" PATTERN "README.md" PATTERN "card.yaml" EXCLUDE)

# A model folder does for a bundle: it is scripted when it is loaded, which takes some seconds each time.
if(NOT DEFINED WFM_INSTALL_BUNDLES)
    execute_process(COMMAND "${PYTHON_EXECUTABLE}" -c "import torch, safetensors, yaml, pydantic.aliases" RESULT_VARIABLE no_torch
                    OUTPUT_QUIET ERROR_QUIET)
    if(no_torch)
        set(default OFF)
        message(STATUS "Bundles: left out, ${PYTHON_EXECUTABLE} has no PyTorch; the models are installed")
    else()
        set(default ON)
    endif()
    option(WFM_INSTALL_BUNDLES "Export models/ into bundles, which takes PyTorch, and install those" ${default})
endif()
if(WFM_INSTALL_BUNDLES)
    file(GLOB contracts CONFIGURE_DEPENDS models/*/contract.yaml)
    file(GLOB_RECURSE scripted CONFIGURE_DEPENDS python/wfm_core/bundle/*.py python/wfm_core/model/*.py
         python/wfm_core/signal/*.py)
    foreach(contract IN LISTS contracts)
        get_filename_component(model "${contract}" DIRECTORY)
        get_filename_component(name "${model}" NAME)
        set(bundle "${CMAKE_BINARY_DIR}/bundles/${name}.wfm.pt")
        add_custom_command(
            OUTPUT "${bundle}"
            COMMAND ${CMAKE_COMMAND} -E env "PYTHONPATH=${CMAKE_SOURCE_DIR}/python" PYTHONDONTWRITEBYTECODE=1
                    "${PYTHON_EXECUTABLE}" -m wfm_core.cli.export "${model}" -o "${bundle}"
            DEPENDS "${contract}" "${model}/weights.safetensors" ${scripted}
            VERBATIM)
        list(APPEND bundles "${bundle}")
    endforeach()
    add_custom_target(wfm_bundles ALL DEPENDS ${bundles})
    install(FILES ${bundles} DESTINATION ${CMAKE_INSTALL_DATADIR}/wfm/bundles)
endif()
