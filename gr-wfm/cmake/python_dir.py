# SPDX-License-Identifier: GPL-3.0-or-later
"""Print, relative to the prefix given, the directory where this interpreter finds packages installed there."""
import os
import site
import sys
import sysconfig


def package_dir(prefix: str) -> str:
    """A site directory of this interpreter that lies below the prefix, else the usual one for such a prefix."""
    prefix = os.path.abspath(prefix)
    if os.path.realpath(prefix) == os.path.realpath(sys.prefix):
        return os.path.relpath(sysconfig.get_path("platlib"), sys.prefix)
    for path in site.getsitepackages():
        if path.startswith(os.path.join(prefix, "lib", "")):
            return os.path.relpath(path, prefix)
    places = {"base": prefix, "platbase": prefix}
    return os.path.relpath(sysconfig.get_path("platlib", scheme="posix_prefix", vars=places), prefix)


print(package_dir(sys.argv[1]))
