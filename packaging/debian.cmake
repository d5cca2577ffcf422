# SPDX-License-Identifier: GPL-3.0-or-later
# A Debian package by CPack (make deb). The module is tied to the distribution's GNU Radio and Python, so each
# distribution builds its own from the same sources; the release in the version names it.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME gr-wfm)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "The gr-wfm authors <gr-wfm@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "wireless foundation model on live GNU Radio streams")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION hamradio)

file(STRINGS /etc/os-release os_release)
foreach(line IN LISTS os_release)
    if(line MATCHES "^(ID|VERSION_ID)=\"?([^\"]*)\"?$")
        set(OS_${CMAKE_MATCH_1} "${CMAKE_MATCH_2}")
    endif()
endforeach()
set(CPACK_DEBIAN_PACKAGE_RELEASE "1~${OS_ID}${OS_VERSION_ID}")

# Of the C++ libraries: what they link to. Of Python: the minor version that the module was compiled for, and what a
# flowgraph imports.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
execute_process(
    COMMAND "${PYTHON_EXECUTABLE}" -c
            "import sys; a, b = sys.version_info[:2]; print(f'python3 (>= {a}.{b}), python3 (<< {a}.{b + 1})')"
    OUTPUT_VARIABLE depends OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
list(APPEND depends "gnuradio (>= 3.10)" python3-numpy python3-scipy python3-matplotlib python3-yaml
     python3-jsonschema python3-zmq python3-threadpoolctl python3-packaging
     python3-pyqt5)
set(recommends python3-h5py python3-pil python3-sklearn python3-tqdm)
set(text "The blocks of [WFM] in GNU Radio Companion, the commands wfm-*, models and examples.")
if(OS_ID STREQUAL debian AND OS_VERSION_ID VERSION_GREATER_EQUAL 13)
    list(APPEND depends "python3-torch (>= 2.6)" python3-safetensors "python3-pydantic (>= 2.10)")
else() # no PyTorch, or an old one: it comes from elsewhere
    list(APPEND recommends "python3-torch (>= 2.6)" python3-safetensors "python3-pydantic (>= 2.10)")
    string(APPEND text "\n\nThis distribution has no PyTorch 2.6, no safetensors and no pydantic 2.10. Flowgraphs take them, from pip:\n"
                       "pip install --user --break-system-packages torch safetensors pydantic")
endif()
string(REPLACE ";" ", " CPACK_DEBIAN_PACKAGE_DEPENDS "${depends}")
string(REPLACE ";" ", " CPACK_DEBIAN_PACKAGE_RECOMMENDS "${recommends}")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "uhd-host, soapysdr-tools, gr-osmosdr")
set(CPACK_PACKAGE_DESCRIPTION "${text}")

# The maintainer scripts compile the Python files, which ordinary users cannot.
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${CMAKE_CURRENT_LIST_DIR}/deb/postinst;${CMAKE_CURRENT_LIST_DIR}/deb/prerm;${CMAKE_CURRENT_LIST_DIR}/deb/triggers")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
