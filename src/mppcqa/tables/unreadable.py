"""Formats that are recognised and can't be read here: what they are, and what to do."""

from __future__ import annotations

from pathlib import Path

from mppcqa.tables.words import say as _


def named(path: Path) -> str:
    """What a file is that can't be read, and what to do; empty where it is not known."""
    with path.open("rb") as file:
        start = file.read(512)
    ending = path.suffix.lower()
    if start[2:9] == b":WFM#00" and start[9:10].isdigit():
        version = start[9:10].decode()
        return _("a Tektronix .wfm of version %s; save as CSV, or as .isf") % version
    if start.startswith(b"WFM ") or (ending == ".wfm" and start[:2] in (b"\xa5\xa5", b"\x05\x00")):
        return _("a Rigol .wfm, whose layout differs by model; save as CSV")
    for mark, what in MARKS:
        if start.startswith(mark):
            return _(what)
    return _(ENDINGS[ending]) if ending in ENDINGS and not _is_text(start) else ""


def _is_text(start: bytes) -> bool:
    return b"\0" not in start


def say_later(text: str) -> str:
    """Marks a text for translation where it is shown."""
    return text


MARKS = (
    (b"PK\x05\x06", say_later("an empty ZIP archive")),
    (b"\x1f\x8b", say_later("a file packed by gzip; unpack it first (gunzip)")),
    (b"BZh", say_later("a file packed by bzip2; unpack it first (bunzip2)")),
    (b"\xfd7zXZ", say_later("a file packed by xz; unpack it first (unxz)")),
    (b"7z\xbc\xaf", say_later("a 7-Zip archive; unpack it first")),
    (b"Rar!", say_later("a RAR archive; unpack it first")),
    (b"%PDF", say_later("a PDF; save the table as CSV or Excel")),
    (b"\x89PNG", say_later("a picture; save the numbers as CSV")),
    (b"\xff\xd8\xff", say_later("a picture; save the numbers as CSV")),
    (b"MATLAB 5.0", say_later("a MATLAB file; save it with -v7.3 (HDF5), or as CSV")),
    (b"AG", say_later("a Keysight .bin of an oscilloscope; save as CSV")),
    (b"RG01", say_later("a Rigol .bin of an oscilloscope; save as CSV")),
    (b"RG03", say_later("a Rigol .bin of an oscilloscope; save as CSV")),
    (b"\x93NUMPY", say_later("an array of NumPy; save it as CSV, or as a dataset of HDF5")),
    (b"CDF\x01", say_later("a NetCDF file of version 3; save it as NetCDF 4 or HDF5")),
    (b"SIMPLE  =", say_later("a FITS file; save the table as CSV")),
    (b"\x80\x04\x95", say_later("a Python pickle, which is never opened; save as CSV or HDF5")),
    (b"\x80\x03", say_later("a Python pickle, which is never opened; save as CSV or HDF5")),
    (b"\x00\x00\x01\xba", say_later("a video")),
    (b"Format,1.0B", say_later("steps of a GW Instek oscilloscope; save as CSV (Detail)")),
    (b"Format,2.0B", say_later("steps of a GW Instek oscilloscope; save as CSV (Detail)")),
    (b"//YOKOGAWA ASCII", say_later("text of a Yokogawa oscilloscope; save as CSV with times")),
    (b'"//YOKOGAWA ASCII', say_later("text of a Yokogawa oscilloscope; save as CSV with times")),
    (b"psdata", say_later("a PicoScope file; save as CSV in PicoScope")),
)
ENDINGS = {
    ".psdata": say_later("a PicoScope file; save as CSV in PicoScope"),
    ".trc": say_later(
        "a LeCroy .trc without its mark WAVEDESC; it is damaged, or of another maker"
    ),
    ".wfm": say_later("a .wfm of an oscilloscope that is not known here; save as CSV"),
    ".opj": say_later("an Origin project; export the worksheet as CSV"),
    ".opju": say_later("an Origin project; export the worksheet as CSV"),
    ".mat": say_later("a MATLAB file; save it with -v7.3 (HDF5), or as CSV"),
    ".rawf": say_later(
        "raw data of PETsys; convert them with convert_raw_to_singles (ROOT or text)"
    ),
    ".ldat": say_later("binary data of PETsys; convert them to ROOT or text with -writeRoot"),
    ".lmd": say_later("a list mode file of GSI; convert it to ROOT with go4"),
    ".mid": say_later("a MIDAS file; convert it to ROOT"),
    ".slcio": say_later("an LCIO file; convert it to ROOT"),
    ".sr": say_later("a sigrok session; export it as CSV"),
    ".bin": say_later("binary data that tell nothing of what they are; save as text, CSV or ROOT"),
    ".dat": say_later("binary data that tell nothing of what they are; save as text, CSV or ROOT"),
}
