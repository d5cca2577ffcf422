# SPDX-License-Identifier: GPL-3.0-or-later
"""wfm.proto as it is read here, against protoc, which is what everybody else reads it with."""

from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2

from wfm_core.serving import protocol

PROTO = Path(protocol.__file__).with_name("wfm.proto")


def test_it_is_read_as_protoc_reads_it(tmp_path):
    protoc = pytest.importorskip("grpc_tools.protoc")
    out = tmp_path / "set"
    assert protoc.main(["protoc", f"-I{PROTO.parent}", f"--descriptor_set_out={out}", PROTO.name]) == 0
    theirs = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file[0]
    assert theirs == protocol.FILE


def test_a_line_that_is_not_read_is_an_error():
    with pytest.raises(ValueError, match="'oneof input {' is not read"):
        protocol._described("message Odd {\n  oneof input {\n")


def test_optional_says_whether_it_was_given():
    assert not protocol.JudgeRequest().HasField("threshold")
    assert protocol.JudgeRequest.FromString(protocol.JudgeRequest(threshold=0.0).SerializeToString()).HasField(
        "threshold"
    )
