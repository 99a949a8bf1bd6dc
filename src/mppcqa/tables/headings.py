"""What the headings of tables say: names, units, conditions, and what they usually mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from mppcqa.tables.errors import TableError
from mppcqa.tables.languages import in_english
from mppcqa.tables.numbers import is_word_for_nothing, numberlike, to_number
from mppcqa.tables.units import conversion, is_unit, read_unit
from mppcqa.tables.words import say as _

MAX_COLUMNS = 2000

# What people write above their columns, in both languages.
HEADS = {
    "serial": (
        *("serial", "serial number", "serialnumber", "sn", "s/n", "serie", "número de serie"),
        *("numero de serie", "device", "device id", "id", "dispositivo", "sipm", "mppc", "array"),
        *("serial no", "serialno", "ser no", "serno", "serial num", "serial nr", "sn#", "serial#"),
        *("barcode", "bar code", "sipm id", "sipmid", "mppc id", "sensor id", "sensor", "dut"),
        *("device no", "device number", "part id", "part serial", "sipm serial", "sensor no"),
        *("chip id", "mppc no", "sipm no", "no serie", "nº de serie", "n de serie", "serial id"),
        *("código de barras", "codigo de barras", "seriennummer", "serialnr", "sernr", "uid"),
        *("device serial", "device sn", "serial code", "qr code", "qr", "sample", "sample id"),
    ),
    "device_type": (
        *("type", "device type", "model", "tipo", "modelo", "part number", "type no", "typeno"),
        *("part no", "model no", "product", "product name", "product no", "type number"),
        *("model number", "typ", "part", "p/n", "pn", "type name"),
    ),
    "lot": ("lot", "batch", "lote", "wafer", "lot no", "lot number", "batch no", "wafer no"),
    "tray": ("tray", "bandeja", "tray id", "tray no"),
    "tray_row": ("row", "tray row", "fila"),
    "tray_column": ("column", "col", "tray column", "tray col", "columna"),
    "location": ("location", "institute", "place", "lugar", "instituto", "ubicación", "where"),
    "parent": ("parent", "part of", "module", "módulo", "parte de"),
    "channel": (
        *("channel", "ch", "canal", "cell", "pixel", "ch no", "channel no", "ch#", "chan"),
        *("channel number", "channel id", "chid", "ch id", "chno", "channelid"),
    ),
    "bias_v": (
        *("bias", "bias voltage", "bias v", "vbias", "v bias", "voltaje", "voltage", "hv"),
        *("reverse bias", "reverse voltage", "v rev", "u bias", "voltage bias", "tensión"),
    ),
    "overvoltage_v": (
        *("overvoltage", "over voltage", "ov", "vov", "dv", "sobrevoltaje", "δv", "overvoltage v"),
        *("v ov", "excess bias", "v over", "over bias"),
    ),
    "temperature_c": ("temperature", "temp", "t", "temperatura", "temperature c", "temp c"),
    "light": ("light", "led", "luz", "intensity"),
    "quantity": ("quantity", "parameter", "magnitud", "cantidad", "observable"),
    "value": ("value", "valor", "result"),
    "statistical": (
        *("statistical", "uncertainty", "error", "err", "sigma", "incertidumbre", "unc", "std"),
        *("stat", "stat err", "statistical uncertainty", "statistical error", "estadística"),
    ),
    "bound": ("bound", "cota"),
    "systematic": (
        *("systematic", "syst", "sys", "syst err", "systematic uncertainty", "systematic error"),
        "sistemática",
    ),
}
KNOWN = {head: key for key, heads in HEADS.items() for head in heads}

SIGNALS = {
    "bias_v": re.compile(
        r"(?:bias|reverse)?\s?(?:voltage|voltaje|tension|spannung|volt|volts)(?:\s?(?:reading|read|"
        r"meas(?:ured)?|src|source|set|bias|v|u|r|\d)\s?)*|v|u|"
        r"v ?(?:bias|rev|r|set|src|source|meas|dc|in|dut|sipm|smu|op|hv)|smu ?\d* voltage|"
        r"u ?bias|hv|bias|(?:bias|smu|source|set|src|dut) ?v(?:oltage)?|"
        r"reverse bias|source value|source|a ?v|v ?\d|smu voltage|bias \(v\)|voltage \(v\)"
    ),
    "current_a": re.compile(
        r"(?:dark|photo|leakage|reverse|bias|sipm|measured|meas|smu|source)?\s?(?:current|corriente|"
        r"strom|curr)(?:\s?(?:reading|read|meas(?:ured)?|mean|avg|average|dark|light|a|\d+)\s?)*|"
        r"i|i ?(?:dark|d|r|rev|meas|light|led|sipm|dut|smu|avg|mean|bias|ph|dc|leak|leakage)|a ?i|"
        r"id|idark|smu ?i|smu ?\d* current|reading|amps|i ?\d+"
    ),
    "spread_a": re.compile(
        r"(?:i|current|curr) ?(?:err(?:or)?|std|sigma|rms|spread|unc(?:ertainty)?|sd|stdev|dev)|"
        r"(?:d|sigma|err(?:or)?|std|δ|σ|spread|unc(?:ertainty)?)(?: of)? ?(?:i|current|curr)"
    ),
    "count": re.compile(
        r"(?:n ?)?(?:counts?|entries|events|frequency|n|hits|occurrences|cuentas|number|freq|yield|"
        r"bin ?content|content|no of (?:events|counts)|"
        r"(?:counts?|entries|events|hits|cuentas) ?(?:ch(?:annel)?|canal|cell)? ?\d+)"
    ),
    "charge": re.compile(
        r"(?:adc|energy|charge|q|qdc|amplitude|bin|bins|bin ?cent(?:er|re)|(?:bin ?)?(?:low(?:er)?|"
        r"left|high|upp?er|right|up)(?: ?edge)?|bin ?(?:start|begin|end|min|max)|"
        r"adc ?(?:channel|ch|counts?|value|bin)|hg|lg|pha|integral|area|energylong|"
        r"pha (?:hg|lg)|energy long|carga|pulse ?(?:height|area|charge)|channel|ch|x|center|centre|"
        r"(?:hg|lg|pha|adc|qdc|q|charge|energy|carga) ?\d+)"
    ),
    "time": re.compile(
        r"(?:time|t|tiempo|second|elapsed|elapsed time|rel(?:ative)? ?time|x axis|"
        r"time ?(?:stamp|tag)(?: ?us| ?ns| ?ps)?|t ?stamp(?: ?us| ?ns)?|tstamp|timetag|date|"
        r"date ?time|timestamps?)"
    ),
    "signal": re.compile(
        r"(?:ampl(?:itude)?|signal|señal|waveform|wave|adc|sample|samples|volt|volts|voltage|"
        r"ch(?:annel)? ?[a-d1-8]|c[1-4]|ch[1-8] ?(?:voltage|v)|trace|chan ?[1-8]|m?v)"
    ),
    "temperature_c": re.compile(
        r"(?:temp(?:erature)?|temperatura|t)(?: ?(?:c|k|sensor|mean|avg|sipm|chamber|box|1))?|"
        r"tsipm|t ?(?:sipm|chamber|box)|sensor ?temp(?:erature)?|chamber ?temp(?:erature)?"
    ),
    "light": re.compile(r"(?:light|led|luz|intensity)(?: ?(?:setting|on|level))?"),
    "channel": re.compile(
        r"(?:ch|chan|channel|canal|cell|pixel|channel ?(?:no|id|number)|ch ?(?:no|id|num)|chid|"
        r"sipm ?(?:ch|channel)|mppc ?ch)"
    ),
    "board": re.compile(r"(?:brd|board|boardid|board ?id|asic|chip|tile|fe|febid|card)"),
    "serial": re.compile(
        r"(?:serial(?: ?(?:no|number|num))?|sn|s/n|sipm(?: ?id)?|device(?: ?id)?|"
        r"sensor(?: ?id)?|dut|barcode|mppc(?: ?id)?|sample(?: ?id)?)"
    ),
    "event": re.compile(
        r"(?:trg ?id|trig(?:ger)? ?(?:id|no|number)?|event(?: ?(?:id|no|number|num))?|evt(?: ?id)?)"
    ),
    "threshold": re.compile(
        r"(?:threshold|thresh|thr|umbral|vth|discriminator|disc)(?: ?(?:dac|mv|v|level|code|set))?|"
        r"dac ?(?:threshold|thr|code)"
    ),
    "rate_hz": re.compile(
        r"(?:count ?|dark ?)?(?:rate|tasa|cps|dcr|dark ?count ?rate|frequency)"
        r"(?: ?(?:hz|khz|mhz|\d+))?"
    ),
    "index": re.compile(r"(?:index|idx|no|nr|#|point|row|step|i ?point|sweep ?index|n ?point)"),
    "spread_hz": re.compile(
        r"(?:rate|dcr|cps) ?(?:err(?:or)?|std|sigma|rms|spread|unc(?:ertainty)?)|"
        r"(?:d|sigma|err(?:or)?|std|δ|σ|unc(?:ertainty)?)(?: of)? ?(?:rate|dcr)"
    ),
    "resistance": re.compile(r"(?:r|res(?:istance)?|resistencia|ohms?)"),
    "status": re.compile(r"(?:stat(?:us)?|flags?|compliance|quality|remark|comment|note)"),
}
"""What a heading may mean in a file of raw data; several are possible."""
UNIT_ROLES = {
    "V": ("bias_v", "signal", "threshold"),
    "A": ("current_a", "spread_a"),
    "°C": ("temperature_c",),
    "s": ("time",),
    "Ω": ("resistance",),
    "ADC": ("charge", "signal", "count"),
    "C": ("charge", "temperature_c"),
    "eV": ("charge",),
}
DERIVED = re.compile(
    r"(?i)log|ln\b|lg\b|deriv|d\w{0,3}\s?/\s?d|1\s?/|inverse|sqrt|norm|densit|cumul|accum|acumul|compliance|limit|range|"
    r"offset|sett?ing|\bset\b|max|min\b|threshold|trip"
)
"""Columns in amperes, hertz or whole numbers that are no current, rate or count of one point."""
DECIBELS = re.compile(r"dB\w{0,3}")
"""Units of logarithms, which are no charge, count or signal."""
LOW_EDGE = re.compile(r"(?:bin ?)?(?:low(?:er)?|left)(?: ?edge)?|bin ?(?:start|begin|min)")
HIGH_EDGE = re.compile(r"(?:bin ?)?(?:high|upp?er|right|up)(?: ?edge)?|bin ?(?:end|max)")
HEAD = re.compile(
    r"(?P<name>.+?)\s*(?:\[(?P<a>[^\]]*)\]|\((?P<b>[^()]*)\)|[/,]\s*(?P<c>[^\s/,]+)|"
    r"\s+in\s+(?P<d>\S+)|_(?P<e>[^\W_]{1,4}))\s*"
)
SAYS_UNIT = re.compile(r"(?:(?P<name>ch\d)\s?)?(?:in\s)?(?P<unit>\S+)", re.I)
"""Headings of R&S and Rigol: ``in s`` is the time, ``CH1V`` the first channel in volts."""
ONLY_UNIT = re.compile(r"[\[(]?\s*([^\[\]()]*?)\s*[\])]?")
AT = re.compile(
    r"(?P<name>(?:\bT(?:emp(?:erature)?)?|Temperature|V?bias|V_?bias|bias|HV|V_?ov|OV|overvoltage|"
    r"light|LED)\b)\s*[=:]?\s*(?P<number>[+-]?\d+(?:[.,]\d+)?)\s*(?P<unit>°C|degC|deg C|C|K|mV|V)?",
    re.I,
)
BARE = re.compile(r"\s*([+-]?\d+(?:[.,]\d+)?)\s*(°C|degC|deg C|C|K)\s*\)?\s*")
"""A temperature by its unit alone, as in ``Current (nA) @ -20C``."""
CONDITION_WORDS = (
    ("temperature_c", re.compile(r"t|temp(erature)?", re.I), "°C"),
    ("overvoltage_v", re.compile(r"v_?ov|ov|overvoltage", re.I), "V"),
    ("bias_v", re.compile(r"v?_?bias|hv", re.I), "V"),
    ("light", re.compile(r"light|led", re.I), ""),
)


FULL_WIDTH = str.maketrans("（）［］：／＠％", "()[]:/@%", "\ufeff")
"""Marks as they are typed between Chinese and Japanese letters."""


@dataclass(frozen=True)
class Column:
    """A column of the file: its head as written, and what the head says of name and unit."""

    head: str
    name: str
    unit: str = ""
    decimal: str = "."
    """The mark before decimals in its texts; `numbers.AMBIGUOUS` where it can't be told."""
    conditions: dict[str, float] = field(default_factory=dict, hash=False)
    """Conditions that the head names, as in ``Vbr, Temp=25C``."""
    cell_units: bool = False
    """Whether its cells carry units, as in ``49.0 V``; they are read as numbers in `unit`."""
    told: bool = False
    """Whether its unit is told by a remark above the table."""


def read_head(head: str) -> Column:
    """Name and unit of a head such as ``Vbr [V]``, ``I_dark (nA)``, ``V_op / V`` or ``T in K``.

    What stands in brackets is the unit whether it is known or not; after a stroke, a comma or an
    underscore only what is one.
    """
    text = " ".join(head.translate(FULL_WIDTH).split()).strip("\"'")
    text = re.sub(r"(?:\s\(\d+\))+$", "", text) if text.count("(") > 1 else text  # of KickStart
    rest, conditions = _conditions(re.sub(r"\s+at\s+(?=[+-]?\d)", " @ ", text))
    if (short := SAYS_UNIT.fullmatch(rest)) and (short["name"] or rest.lower().startswith("in ")):
        known = read_unit(short["unit"])
        if known is not None and known.base == ("V" if short["name"] else "s"):
            return Column(text, short["name"] or "time", short["unit"], ".", conditions)
    found = HEAD.fullmatch(rest)
    if not found:
        return Column(text, rest or text, "", ".", conditions)
    bracket = found["a"] if found["a"] is not None else found["b"]
    if bracket is not None and re.match(r"\s*[+-]?\d+[.,]?\d*\s", bracket):
        return Column(text, rest, "", ".", conditions)  # a condition such as (+4 V)
    if bracket is not None:
        return Column(text, found["name"].strip(), bracket.strip(), ".", conditions)
    unit = (found["c"] or found["d"] or found["e"] or "").strip()
    known = read_unit(unit)
    if found["e"] and (known is None or unit in ("C", "K", "m", "s", "h", "A") or len(unit) < 2):
        known = None  # V_A is a name, I_nA has a unit
    if not unit or known is None or not is_unit(unit) or unit in ("a", "v"):
        return Column(text, rest, "", ".", conditions)
    return Column(text, found["name"].strip(), unit, ".", conditions)


def _conditions(text: str) -> tuple[str, dict[str, float]]:
    """A head without the conditions in it, and these."""
    found: dict[str, float] = {}

    def take(match: re.Match[str]) -> str:
        number = to_number(match["number"])
        for name, words, unit in CONDITION_WORDS:
            if words.fullmatch(match["name"]) and number is not None:
                given = match["unit"] or ""
                change = conversion(given, unit)
                if change is None or ("=" not in match[0] and ":" not in match[0] and not given):
                    return match[0]
                found[name] = number * change.factor + change.offset
                return ""
        return match[0]

    parts = re.split(r"([,;@(])", text)
    if len(parts) < 3:
        return text, {}
    kept = parts[0]
    for mark, part in zip(parts[1::2], parts[2::2], strict=True):
        bare = BARE.fullmatch(part) if mark == "@" else None
        less = AT.sub(take, f"T={bare[1]} {bare[2]}" if bare else part)
        kept += mark + part if less == part else ("" if not less.strip(" )") else mark + less)
    return kept.strip(" ,;@") or text, found


def with_conditions_above(heads: Sequence[str], above: Sequence[str]) -> tuple[str, ...]:
    """Headings with what a row above them says of the columns from there on.

    >>> with_conditions_above(["U (V)", "I (nA)", "U (V)", "I (nA)"], ["25 °C", "", "-20 °C"])
    ('U (V) @ 25 °C', 'I (nA) @ 25 °C', 'U (V) @ -20 °C', 'I (nA) @ -20 °C')
    """
    there = [cell for cell in above if cell]
    if len(heads) < 3 or not there or not all(_conditions(f"x @ {cell}")[1] for cell in there):
        return tuple(heads)
    said, done = "", []
    for place, head in enumerate(heads):
        said = (above[place] if place < len(above) else "") or said
        done.append(f"{head} @ {said}" if said and head else head)
    return tuple(done)


def named_columns(heads: Sequence[str], units: Sequence[str] = ()) -> list[Column]:
    """Columns of the heads; one without a head is called after its place.

    `units` is a row of units below the heads.
    """
    if len(heads) > MAX_COLUMNS:
        raise TableError(too_many_columns(len(heads)))
    columns = []
    for place, head in enumerate(heads, 1):
        column = read_head(head)
        if not column.head:
            column = Column(f"#{place}", f"#{place}")
        below = units[place - 1] if place <= len(units) else ""
        if below and not column.unit:
            unit = ONLY_UNIT.fullmatch(below.strip())
            column = Column(
                column.head, column.name, unit[1] if unit else below, ".", column.conditions
            )
        columns.append(column)
    return columns


def too_many_columns(found: int) -> str:
    """Why a table so wide is not read."""
    text = _(
        "The table has %(found)d columns; at most %(most)d are read. Was it saved sideways, or "
        "with another separator? Put one device or one value into each row."
    )
    return text % {"found": found, "most": MAX_COLUMNS}


def plain_head(text: str) -> str:
    """A head in small letters with blanks for marks, as the lists above have it."""
    return " ".join(re.sub(r"[_\-.]+", " ", text).lower().split()).rstrip(":")


def meaning(text: str) -> str:
    """A plain head with the words of other languages in English."""
    return in_english(plain_head(text))


def is_known(column: Column) -> bool:
    """Whether a head is one that people usually write."""
    return any(
        words in KNOWN
        for head in (column.name, column.head)
        for words in (plain_head(head), meaning(head))
    )


def roles_of(column: Column) -> list[str]:
    """What a heading may mean in a file of raw data: by its words, as far as its unit agrees.

    A current by its unit needs no word; a voltage does, for it may be a result.

    >>> roles_of(read_head("Current (uA)")), roles_of(read_head("Time (s)"))
    (['current_a'], ['time'])
    """
    if DECIBELS.fullmatch(column.unit):
        return []
    name = meaning(column.name)
    squeezed = re.sub(r"(?<=\D)(\d+)$", r" \1", name)
    roles = [
        role
        for role, words in SIGNALS.items()
        if words.fullmatch(name) or words.fullmatch(squeezed)
    ]
    unit = read_unit(column.unit) if column.unit else None
    if unit is None or not unit.base:
        return roles
    fitting = UNIT_ROLES.get(unit.base, ())
    if unit.base == "Hz":
        if "rate_hz" not in roles and DERIVED.search(column.name):
            return []
        return ["spread_hz"] if "spread_hz" in roles else ["rate_hz"]
    named = [role for role in roles if role in fitting]
    if named or roles:
        return named
    return ["current_a"] if unit.base == "A" and not DERIVED.search(column.name) else []


def edge_of(column: Column) -> int:
    """-1 where a heading names the lower edges of bins, 1 for their upper ones, else 0."""
    name = plain_head(column.name)
    return -1 if LOW_EDGE.fullmatch(name) else int(bool(HIGH_EDGE.fullmatch(name)))


def is_heading(cells: Sequence[str]) -> bool:
    """Whether a row is one of headings: a word that is known, or a unit in brackets, no number.

    ``N/A`` is no N in amperes: a device that was not measured is no heading of those below it.
    """
    filled = [cell for cell in cells if cell.strip() and not is_word_for_nothing(cell)]
    if len(filled) < 1 or any(map(numberlike, filled)):
        return False
    columns = [read_head(cell) for cell in filled]
    return any(
        is_known(column) or roles_of(column) or (column.unit and is_unit(column.unit))
        for column in columns
    )


def are_units(cells: Sequence[str]) -> bool:
    """Whether a row is one of units alone."""
    found = [ONLY_UNIT.fullmatch(cell.strip()) for cell in cells if cell.strip()]
    known = [one is not None and (is_unit(one[1]) or one[1] in ("-", "1")) for one in found]
    return bool(known) and all(known) and any(is_unit(o[1]) for o in found if o)
