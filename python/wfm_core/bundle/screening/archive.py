# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle's zip archive: which files it may hold, read once, and written again for torch from exactly these.

Python's zipfile and the zip reader inside torch may find different files in one archive: names that differ in case
alone, a second folder, a second file of one name. So torch never sees the archive that came from outside.
"""

import hashlib
import io
import re
import stat
import struct
import zipfile
import zlib

from wfm_core.base.errors import WfmError

CONTRACT = "contract.yaml"
EXTRA_CONTRACT = f"extra/{CONTRACT}"
SELF_TEST = "extra/self_test.safetensors"
BUNDLE_KIND = b"content_sha256"
"""Changes when bundles of before are not read any more: what was made of a model is then made again."""
MIB = 1 << 20
FILE_LIMIT = 1024 * MIB
"""Most bytes of a bundle file, and of all files in it together once they are inflated."""
MEMBERS_LIMIT = 20_000
ZIP_START, ZIP_END, ZIP_ENTRY = b"PK\x03\x04", b"PK\x05\x06", b"PK\x01\x02"
_END_BYTES = 22

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
KINDS = (  # name without the folder, most bytes of each, whether torch gets it
    (re.compile(r"data\.pkl"), 32 * MIB, True),
    (re.compile(r"constants\.pkl"), 32 * MIB, True),
    (re.compile(rf"code/__torch__(/{_NAME})*\.py"), 4 * MIB, True),
    (re.compile(rf"code/__torch__(/{_NAME})*\.py\.debug_pkl"), 32 * MIB, False),
    (re.compile(r"(data|constants)/[0-9]{1,7}"), FILE_LIMIT, True),
    (re.compile(r"(\.data/)?version"), 16, True),
    (re.compile(r"byteorder"), 16, True),
    (re.compile(r"\.data/serialization_id"), 256, False),
    (re.compile(r"\.format_version|\.storage_alignment"), 16, False),
    (re.compile(re.escape(EXTRA_CONTRACT)), 256 << 10, True),
    (re.compile(re.escape(SELF_TEST)), 4 * MIB, True),
)
"""All that a bundle may hold."""


def read_archive(data: bytes, where: str) -> dict[str, bytes]:
    """The files of a bundle by their names inside its folder. Raises `WfmError` for anything that is not a bundle."""
    if not data.startswith(ZIP_START):
        raise WfmError(
            f"{where} is not a bundle (it begins with {data[:4]!r}, expected a zip file); make one with wfm-export"
        )
    if data[-_END_BYTES : -_END_BYTES + 4] != ZIP_END:
        raise WfmError(f"{where} is truncated or damaged (no end of a zip file, {len(data)} bytes); get the file again")
    entries = data.count(ZIP_ENTRY)
    if entries > MEMBERS_LIMIT:
        raise WfmError(f"{where} holds {entries} files, at most {MEMBERS_LIMIT} are read; get the bundle again")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: archive.read(member) for name, member in _members(archive, where).items()}
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, ValueError) as error:
        said = " ".join(str(error).split())[:160]
        raise WfmError(f"{where} is truncated or damaged ({said}, {len(data)} bytes); get the file again") from error


def _members(archive: zipfile.ZipFile, where: str) -> dict[str, zipfile.ZipInfo]:
    """What is to be read, by the name inside the folder, with all of it in order."""
    members = archive.infolist()
    names = [member.filename.partition("/")[2] for member in members]
    if not {"data.pkl", "constants.pkl"} <= set(names) or not any(name.startswith("code/") for name in names):
        raise WfmError(f"{where} is a zip file but not TorchScript; expected a bundle made by wfm-export")
    if EXTRA_CONTRACT not in names:
        raise WfmError(f"{where} is TorchScript without a {CONTRACT} inside; expected a bundle made by wfm-export")
    if len({name.casefold() for name in names}) != len(names):
        raise forbidden(where, "two files of one name (or of names that differ in case alone)")
    if len({member.filename.partition("/")[0] for member in members}) != 1:
        raise forbidden(where, "files beside its folder")
    total = 0
    for name, member in zip(names, members, strict=True):
        limit = next((limit for pattern, limit, _ in KINDS if pattern.fullmatch(name)), None)
        if limit is None or stat.S_ISLNK(member.external_attr >> 16):
            raise forbidden(where, f"the file {name[:80]!r}")
        total += member.file_size
        if member.file_size > limit or total > FILE_LIMIT:
            raise WfmError(
                f"{where} holds {name!r} of {member.file_size} bytes, {total} with the files before it; at most "
                f"{limit} and {FILE_LIMIT} are read: get the bundle again"
            )
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or member.flag_bits & 0x1:
            raise forbidden(where, f"the file {name!r}, encrypted or packed in another way than deflate,")
    return dict(zip(names, members, strict=True))


def content_sha256(members: dict[str, bytes]) -> str:
    """sha256 over all that a bundle's program is made of, buffers and constants included, and over its self-test; all
    but the contract."""
    digest = hashlib.sha256()
    for name in sorted(members):
        if name != EXTRA_CONTRACT and _goes_to_torch(name):
            digest.update(f"{name} {len(members[name])}\n".encode())
            digest.update(members[name])
    return digest.hexdigest()


def pack(members: dict[str, bytes]) -> io.BytesIO:
    """The archive for torch: the files of `members` that it needs, in one folder. Empties `members`."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name in list(members):
            content = members.pop(name)
            if _goes_to_torch(name):
                # a date of its own, not the day's: a bundle of the same model is the same file
                archive.writestr(zipfile.ZipInfo(f"bundle/{name}"), content)
    packed.seek(0)
    return packed


def _goes_to_torch(name: str) -> bool:
    return any(wanted and pattern.fullmatch(name) for pattern, _, wanted in KINDS)


def forbidden(where: str, what: str) -> WfmError:
    """What no bundle may hold."""
    return WfmError(
        f"{where} holds {what}, which no bundle may; it is not loaded: make the bundle yourself with wfm-export"
    )
