"""Compiled functions that call one another by address, each compiled once.

Numba compiles what a function calls into it, and optimises all of it anew on every level above: of
the fits, whose functions lie six deep, that took five times as long as the functions themselves. A
function under `apart` is compiled alone, for one signature, and called through its address, which
costs eight nanoseconds. What is compiled is kept on disk (`_kept`), and processes that need it at
the same time wait for the one that is compiling.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from inspect import signature
from operator import attrgetter
from typing import Any

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from mppcqa.physics._kept import alone, inner, njit

NAMES = (
    "fft", "solve",
    "average", "branches", "derivatives", "avalanche",
    "whole_spectrum", "light_row", "trouble_row", "transforms", "to_bins", "probabilities",
    "add_part", "evaluate", "direction", "climb",
    "first_peak", "next_peak", "spacings", "candidates", "guess",
    "ends", "peaks", "lay_out", "join", "chi_squared", "excess", "troubles", "never_recorded",
    "inverse",
    "try_crosstalk", "where_more", "through_bursts", "two_gains",
    "add_held", "judge", "begin", "in_doubt", "other_summits", "fit_one", "fit_all",
)  # fmt: skip
"""All of them, those first that others call. Compiled code on disk holds their places here."""

FROM_PYTHON = ("evaluate", "fit_all")
"""Those that `ready` gives."""
LATER = frozenset((
    "never_recorded", "try_crosstalk", "through_bursts", "two_gains", "other_summits",
))  # fmt: skip
"""Those that many a fit does without: compiled when the first one asks for them."""

BOOL, INT, REAL = types.boolean, types.int64, types.float64
REAL1, REAL2, REAL3 = REAL[::1], REAL[:, ::1], REAL[:, :, ::1]
BOOL1, INT1, INT2 = BOOL[::1], INT[::1], INT[:, ::1]
SINGLE2 = types.float32[:, ::1]
"""Types of arguments: truth, whole and real numbers, and C-contiguous arrays of them."""
NOTHING = types.none

_found: dict[str, tuple[Any, Any]] = {}
_small: list[tuple[Any, tuple[Any, ...]]] = []


class NotCompiledYetError(Exception):
    """A compiled function called one of `LATER` whose address is not in the table."""


def several(*kinds: Any) -> Any:
    """Type of a tuple."""
    return types.BaseTuple.from_types(kinds)  # type: ignore[no-untyped-call]


def once(*arguments: Any, fastmath: bool = False) -> Callable[..., Any]:
    """Compile a small function for these arguments alone, into each that calls it.

    Numba would do so again for every whole number that stands in a call. What it calls itself of
    this kind must be defined before it.
    """

    def wrap(function: Callable[..., Any]) -> Any:
        compiled = inner(error_model="numpy", fastmath=fastmath)(function)
        _small.append((compiled, arguments))
        return compiled

    return wrap


def apart(returns: Any, *arguments: Any, fastmath: bool = False) -> Callable[..., Any]:
    """Compile a function once for that signature; others call it as ``name(code, *arguments)``.

    `code` is from `addresses`. A function whose first parameter is `code` is given it and passes it
    on; it is left out of `arguments`.
    """

    def wrap(function: Callable[..., Any]) -> Any:
        name = function.__name__
        number = NAMES.index(name)
        passes = next(iter(signature(function).parameters)) == "code"
        whole = (INT1, *arguments) if passes else arguments
        make = partial(njit, cache=True) if name in FROM_PYTHON else inner
        compiled = make(nogil=True, error_model="numpy", fastmath=fastmath)(function)
        _found[name] = compiled, returns(*whole)

        @intrinsic
        def call(typing: Any, code: Any, *given: Any) -> Any:
            if len(given) != len(arguments):
                raise TypeError(f"{name} takes {len(arguments)} arguments, not {len(given)}")

            def generate(context: Any, builder: Any, made: Any, values: Any) -> Any:
                table = context.make_array(made.args[0])(context, builder, values[0])
                place = builder.gep(table.data, [context.get_constant(types.intp, number)])
                kind = context.call_conv.get_function_type(returns, whole)
                address = builder.load(place)
                if name in LATER:
                    missing = cgutils.is_null(builder, address)  # type: ignore[no-untyped-call]
                    with cgutils.if_unlikely(builder, missing):  # type: ignore[no-untyped-call]
                        context.call_conv.return_user_exc(builder, NotCompiledYetError, (name,))
                callee = builder.inttoptr(address, kind.as_pointer())
                passed = [values[0]] if passes else []
                for i, (is_, must) in enumerate(zip(made.args[1].types, arguments, strict=True)):
                    value = builder.extract_value(values[1], i)
                    passed.append(context.cast(builder, value, is_, must))
                status, found = context.call_conv.call_function(
                    builder, callee, returns, whole, passed
                )
                with cgutils.if_unlikely(builder, status.is_error):  # type: ignore[no-untyped-call]
                    context.call_conv.return_status_propagate(builder, status)
                return found

            packed = types.StarArgTuple.from_types(given)  # type: ignore[no-untyped-call]
            return returns(code, packed), generate

        return call

    return wrap


@lru_cache(maxsize=1)
def addresses() -> NDArray[np.int64]:
    """Where each function of `NAMES` lies; 0 for those of `LATER` that nothing has asked for."""
    code = np.zeros(len(NAMES), np.int64)
    with alone(), _uncollected():
        for compiled, arguments in _small:
            compiled.compile(arguments)
            compiled.disable_compile()
        for name in NAMES:
            if name not in LATER:
                code[NAMES.index(name)] = _address(name)
    return code


def _address(name: str) -> int:
    """Where that function lies, compiled."""
    compiled, kind = _found[name]
    compiled.compile(kind)
    made = compiled.get_compile_result(kind)
    if made.signature.return_type != kind.return_type:
        raise TypeError(f"{name} returns {made.signature.return_type}, not {kind.return_type}")
    machine_code, described = attrgetter("library", "fndesc")(made)
    found: int = machine_code.get_pointer_to_function(described.llvm_func_name)
    return found


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without Python's search for rings of objects meanwhile: Numba makes millions that stay."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def ready(name: str) -> Callable[..., Any]:
    """The function of that name to be called from Python, as ``ready(name)(*arguments)``.

    Where it asks for one that is not compiled yet, that is compiled, and it is called again: what
    it fills must not hang on what was there before.
    """
    code = addresses()
    compiled: Callable[..., Any] = _found[name][0]

    def call(*given: Any) -> Any:
        while True:
            try:
                return compiled(*given)
            except NotCompiledYetError as missing:
                asked = str(missing)
                with alone(), _uncollected():
                    if not code[NAMES.index(asked)]:
                        code[NAMES.index(asked)] = _address(asked)

    return call
