# SPDX-License-Identifier: GPL-3.0-or-later
"""Print, relative to the prefix given, the directory where this interpreter finds packages installed there."""

import os
import site
import sys
import sysconfig


def package_dir(prefix: str) -> str:
    """A site directory of this interpreter that lies below the prefix, else the usual one for such a prefix."""
    prefix = os.path.abspath(prefix)
    # Not sysconfig's own path: on Debian that is below /usr/local also for the prefix /usr.
    for path in site.getsitepackages():
        if path.startswith((os.path.join(prefix, "lib", ""), os.path.join(prefix, "lib64", ""))):
            return os.path.relpath(path, prefix)
    places = {"base": prefix, "platbase": prefix}
    return os.path.relpath(sysconfig.get_path("platlib", scheme="posix_prefix", vars=places), prefix)


print(package_dir(sys.argv[1]))
