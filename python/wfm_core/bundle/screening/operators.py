# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bundle may do: the screen that a TorchScript file passes before any of its code runs.

A TorchScript file is a program. `torch.jit.load` compiles it and restores its objects; the one thing of the file
that it *runs* is `__setstate__` of classes in the file, or of classes registered with the library. So the file is
screened twice, and neither screen runs anything of it:

1. `screen_source`, before `torch.jit.load`: the sources may not so much as name `__setstate__`, `__getstate__` or
   a registered class, and the pickles may build nothing but this file's own modules and tensors, stored in full.
2. `screen_graphs`, after it: every graph of every method of every submodule, with all calls inlined, may use only
   the operators below: tensor arithmetic and the language's own plumbing; no file, network or process access.

Neither bounds the time or the memory that a program takes: a bundle from elsewhere may still be useless or slow.
"""

import re

import torch

from wfm_core.base.errors import WfmError
from wfm_core.bundle.screening.archive import forbidden
from wfm_core.bundle.screening.pickles import screen_pickle

_ATEN = """
    abs add add_ addmm alias all amax amin angle any arange avg_pool1d avg_pool2d baddbmm bmm cat chunk
    clamp clamp_max clamp_min clone complex conj constant_pad_nd contiguous conv1d conv2d copy_ cos
    cumsum detach device dim div div_ dropout eq exp expand expand_as expm1 fft_fft fft_fftshift
    fft_ifft fft_ifftshift fft_rfft flatten flip floor floor_divide floordiv format full full_like
    gather ge gelu gt hann_window hypot imag index index_select is_complex is_floating_point
    isfinite isnan item layer_norm le len lerp linalg_vector_norm linear linspace log log10 log1p
    log2 log_softmax lt masked_fill matmul max maximum mean median min minimum mm movedim mul mul_
    narrow ne neg new_full new_ones new_zeros norm numel ones ones_like pad permute polar pow prod
    real reciprocal relu remainder repeat repeat_interleave reshape reshape_as resolve_conj roll
    rsqrt rsub scaled_dot_product_attention select sigmoid sign sin size slice softmax sort split
    split_with_sizes sqrt square squeeze stack std stft sub sub_ sum t tanh tensor to topk transpose
    true_divide type_as unbind unflatten unfold unsqueeze upsample_bicubic2d upsample_bilinear2d var
    view view_as view_as_complex view_as_real where zeros zeros_like _set_item __and__ __contains__
    __derive_index __getitem__ __is__ __isnot__ __not__ __or__ __range_length _upsample_bicubic2d_aa
    _upsample_bilinear2d_aa Bool Complex Float Int IntImplicit FloatImplicit ScalarImplicit
"""
_PRIM = """
    Constant DictConstruct EnumName GetAttr If ListConstruct ListUnpack Loop NumToTensor
    RaiseException TupleConstruct TupleIndex TupleUnpack Uninitialized data device dtype is_cuda
    layout max min shape tolist unchecked_cast unchecked_unwrap_optional
"""
ATEN, PRIM = frozenset(_ATEN.split()), frozenset(_PRIM.split())
NESTING_LIMIT, JOINTS_LIMIT, INDENT_LIMIT = 64, 2000, 256
"""Of the sources: brackets inside each other, operators of a statement, columns. torch's compiler recurses there."""
_LITERALS = re.compile(rb'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_BRACKETS = re.compile(rb"[()\[\]{}]")
_JOINTS = re.compile(rb"[-+*/%@<>=!&|^~.]|\b(?:not|and|or|if|else|is|in)\b")
_LONG_TEXTS = (b'"""', b"'''", b"\\\n", b"\r")
"""With these a line does not say by itself what is text in it. torch writes none of them."""
_SOURCE_WORDS = (b"__setstate__", b"__getstate__", b"torch.classes")


def screen_source(members: dict[str, bytes], where: str) -> None:
    """Refuse a TorchScript archive's files if something would run while they are loaded. Raises `WfmError`."""
    for name, content in members.items():
        if name.endswith(".py"):
            _screen_python(content, name, where)
    used = set().union(*(screen_pickle(members, folder, where) for folder in ("data", "constants")))
    idle = next((name for name in members if name.startswith(("data/", "constants/")) and name not in used), None)
    if idle is not None:
        raise forbidden(where, f"{idle}, which no tensor uses,")


def _screen_python(source: bytes, name: str, where: str) -> None:
    for word in _SOURCE_WORDS:
        if word in source:
            raise forbidden(where, f"code with {word.decode()}, which runs on loading")
    if any(marks in source for marks in _LONG_TEXTS):
        raise forbidden(where, "code with a text over several lines")
    depth = length = 0
    for line in source.split(b"\n"):
        text = _LITERALS.sub(b"", line)
        length = length + len(_JOINTS.findall(text)) if depth else len(_JOINTS.findall(text))
        for bracket in _BRACKETS.findall(text):
            depth += 1 if bracket in b"([{" else -1
            if depth > NESTING_LIMIT:
                break
        indent = len(line) - len(line.lstrip(b" \t"))
        if depth > NESTING_LIMIT or indent > INDENT_LIMIT or length > JOINTS_LIMIT:
            raise WfmError(
                f"{where} holds {name} with an expression or a block of too many parts (at most {NESTING_LIMIT} "
                f"brackets, {JOINTS_LIMIT} operators, {INDENT_LIMIT} columns of indent); make the bundle again"
            )


def screen_graphs(module: torch.jit.ScriptModule, where: str) -> None:
    """Refuse a loaded module that uses an operator which is not on the list. Runs nothing. Raises `WfmError`."""
    for part in module.modules():
        if part._c._get_forward_hooks() or part._c._get_forward_pre_hooks():
            raise forbidden(where, "a hook")
        for name in part._c._method_names():
            _screen_block(part._c._get_method(name).inlined_graph, where)


def _screen_block(block, where: str) -> None:
    for node in block.nodes():
        kind = node.kind()
        namespace, _, name = kind.partition("::")
        if not (namespace == "aten" and name in ATEN or namespace == "prim" and name in PRIM):
            raise forbidden(where, f"the operator {kind}")
        for inner in node.blocks():
            _screen_block(inner, where)
