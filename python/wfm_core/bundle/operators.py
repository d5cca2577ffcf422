# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bundle may do: the screen that a TorchScript file passes before any of its code runs.

A TorchScript file is a program. `torch.jit.load` compiles it and restores its objects; the one thing of the file
that it *runs* is `__setstate__` of classes in the file, or of classes registered with the library. So the file is
screened twice, and neither screen runs anything of it:

1. `screen_source`, before `torch.jit.load`: the sources may not so much as name `__setstate__`, `__getstate__` or
   a registered class, and the pickles may build nothing but this file's own modules and tensors.
2. `screen_graphs`, after it: every graph of every method of every submodule, with all calls inlined, may use only
   the operators below: tensor arithmetic and the language's own plumbing; no file, network or process access.

Neither bounds the time or the memory that a program takes: a bundle from elsewhere may still be useless or slow.
"""

import pickletools
import zipfile

import torch

from wfm_core.errors import WfmError

_ATEN = """
    abs add add_ addmm alias all amax amin any arange avg_pool1d avg_pool2d baddbmm bmm cat chunk
    clamp clamp_max clamp_min clone complex constant_pad_nd contiguous conv1d conv2d copy_ cos
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
_PICKLE_GLOBALS = (
    "__torch__.",
    "torch._utils _rebuild_tensor",
    "torch._utils _rebuild_parameter",
    "torch.jit._pickle ",
)
_SOURCE_WORDS = (b"__setstate__", b"__getstate__", b"torch.classes")


def screen_source(archive: zipfile.ZipFile, where: str) -> None:
    """Refuse a TorchScript archive of which something would run while it is loaded. Raises `WfmError`."""
    names = archive.namelist()
    if len(set(names)) != len(names) or len({name.partition("/")[0] for name in names}) != 1:
        # two readers of such a file may see two different programs
        raise _forbidden(where, "two files of one name, or files beside its folder")
    for name in names:
        if name.endswith(".py"):
            _screen_python(archive.read(name), where)
        elif name.endswith("pkl"):
            _screen_pickle(archive.read(name), where)


def _screen_python(source: bytes, where: str) -> None:
    for word in _SOURCE_WORDS:
        if word in source:
            raise _forbidden(where, f"code with {word.decode()}, which runs on loading")


def _screen_pickle(data: bytes, where: str) -> None:
    strings: list[str] = []
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name == "STACK_GLOBAL":
                raise _forbidden(where, f"a pickled {' '.join(strings[-2:])}")
            if opcode.name in ("GLOBAL", "INST"):
                _check_global(str(argument), where)
            if isinstance(argument, str):
                strings.append(argument)
    except ValueError as error:
        raise WfmError(f"{where} holds a damaged pickle ({error}); get the file again") from error


def _check_global(name: str, where: str) -> None:
    storage = name.startswith("torch ") and name.endswith("Storage")
    known = storage or name == "collections OrderedDict" or name.startswith(_PICKLE_GLOBALS)
    if not known or name.startswith("__torch__.torch.classes"):
        raise _forbidden(where, f"a pickled {name}")


def screen_graphs(module: torch.jit.ScriptModule, where: str) -> None:
    """Refuse a loaded module that uses an operator which is not on the list. Runs nothing. Raises `WfmError`."""
    for part in module.modules():
        if part._c._get_forward_hooks() or part._c._get_forward_pre_hooks():
            raise _forbidden(where, "a hook")
        for name in part._c._method_names():
            _screen_block(part._c._get_method(name).inlined_graph, where)


def _screen_block(block, where: str) -> None:
    for node in block.nodes():
        kind = node.kind()
        namespace, _, name = kind.partition("::")
        if not (namespace == "aten" and name in ATEN or namespace == "prim" and name in PRIM):
            raise _forbidden(where, f"the operator {kind}")
        for inner in node.blocks():
            _screen_block(inner, where)


def _forbidden(where: str, what: str) -> WfmError:
    return WfmError(
        f"{where} holds {what}, which no bundle may; it is not loaded: make the bundle yourself with wfm-export"
    )
