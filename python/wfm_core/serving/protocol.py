# SPDX-License-Identifier: GPL-3.0-or-later
"""`wfm.proto` as message classes, and the limits that both sides hold.

The file itself is read when this is imported: there is no generated code, which each version of protobuf would need its
own of, and neither building nor running takes protoc. It is read by the few rules that it keeps, one
field a line and no message within another; a test compares the result with protoc's.
"""

import re
from importlib import resources

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

MAX_BYTES = 16 << 20
"""Of a message, on both sides."""
MAX_WINDOWS = 1024
"""Of a request."""
MOST_DATA = MAX_BYTES - (1 << 18)
"""Bytes of samples or pixels in a request: the rest is for what is said beside them."""

_FIELD = re.compile(r"^(?:(optional|repeated) )?([\w.]+) (\w+) = (\d+);$")
_RPC = re.compile(r"^rpc (\w+)\((\w+)\) returns \((\w+)\);$")
_OPENS = re.compile(r"^(message|service) (\w+) \{$")
_PACKAGE = re.compile(r"^package ([\w.]+);$")


def _described(text: str) -> descriptor_pb2.FileDescriptorProto:
    """The descriptor of a .proto file that keeps the rules above."""
    found = descriptor_pb2.FileDescriptorProto(name="wfm.proto", syntax="proto3")
    part = None
    for line in (line.partition("//")[0].strip() for line in text.splitlines()):
        if match := _PACKAGE.match(line):
            found.package = match[1]
        elif match := _OPENS.match(line):
            part = (found.message_type if match[1] == "message" else found.service).add(name=match[2])
        elif match := _RPC.match(line):
            types = (f".{found.package}.{name}" for name in match.groups()[1:])
            part.method.add(name=match[1], **dict(zip(("input_type", "output_type"), types, strict=True)))
        elif match := _FIELD.match(line):
            _add_field(found.package, part, *match.groups())
        elif line not in ("", "}", 'syntax = "proto3";'):
            raise ValueError(f"wfm.proto: {line!r} is not read")
    return found


def _add_field(package: str, message, rule: str | None, kind: str, name: str, number: str) -> None:
    field = descriptor_pb2.FieldDescriptorProto
    label = field.LABEL_REPEATED if rule == "repeated" else field.LABEL_OPTIONAL
    added = message.field.add(name=name, number=int(number), label=label, json_name=_json_name(name))
    if kind[0].islower():
        added.type = field.Type.Value(f"TYPE_{kind.upper()}")
    else:
        added.type, added.type_name = field.TYPE_MESSAGE, f".{package}.{kind}"
    if rule == "optional":
        added.proto3_optional, added.oneof_index = True, len(message.oneof_decl)
        message.oneof_decl.add(name=f"_{name}")


def _json_name(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


FILE = _described(resources.files(__package__).joinpath("wfm.proto").read_text(encoding="utf-8"))
_pool = descriptor_pool.DescriptorPool()
_pool.Add(FILE)


def _message(name: str) -> type:
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"{FILE.package}.{name}"))


DescribeRequest, Description = _message("DescribeRequest"), _message("Description")
JudgeRequest, Judgement = _message("JudgeRequest"), _message("Judgement")
IqWindows, Images = _message("IqWindows"), _message("Images")
Output, Place, Time = _message("Output"), _message("Place"), _message("Time")

SERVICE = f"{FILE.package}.Inference"
DESCRIBE, JUDGE = f"/{SERVICE}/Describe", f"/{SERVICE}/Judge"
