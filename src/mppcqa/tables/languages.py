"""Headings in other languages than English and Spanish: their words, and how files encode them."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

WORDS = {
    "voltage": (
        *("spannung", "tensione", "tension", "tensão", "spanning", "napięcie", "напряжение"),
        *("tensión", "电压", "電圧", "電壓", "전압", "印加電圧", "tension appliquée"),
    ),
    "reverse voltage": (
        *("sperrspannung", "tensione inversa", "tension inverse", "tensión inversa"),
        *("voltaje inverso", "tensão inversa", "tensão reversa", "反向电压", "逆電圧", "역전압"),
    ),
    "bias voltage": (
        *("偏压", "偏置电压", "バイアス電圧", "bias spannung", "biasspannung", "vorspannung"),
        *("tensione di bias", "tensione di polarizzazione", "tension de polarisation"),
        *("tensión de polarización", "voltaje de polarización", "tensão de polarização"),
        *("tensión de bias", "voltaje de bias", "逆バイアス電圧", "바이어스 전압"),
        "напряжение смещения",
    ),
    "current": (
        *("strom", "corrente", "courant", "stroom", "corriente", "prąd", "ток"),
        *("电流", "電流", "전류"),
    ),
    "dark current": (
        *("dunkelstrom", "corrente di buio", "courant d'obscurité", "corriente oscura"),
        *("corriente de oscuridad", "corrente escura", "暗电流", "暗電流", "암전류"),
    ),
    "leakage current": (
        *("leckstrom", "corrente di perdita", "courant de fuite", "corriente de fuga"),
        *("corrente de fuga", "漏れ電流", "漏电流"),
    ),
    "temperature": (
        *("temperatur", "température", "temperatuur", "temperatura", "температура"),
        *("温度", "溫度", "恒温槽温度", "온도"),
    ),
    "channel": (
        "kanal",
        "canale",
        "voie",
        "kanaal",
        "canal",
        "kanał",
        "канал",
        "通道",
        "チャンネル",
    ),
    "serial number": (
        *("serien nr", "numero di serie", "numéro de série", "número de série", "序列号", "编号"),
        *("серийный номер", "シリアル番号"),
    ),
    "time": ("zeit", "tempo", "temps", "tijd", "время", "时间", "時間"),
    "counts": ("anzahl", "einträge", "conteggi", "coups", "contagens", "计数", "カウント"),
    "charge": ("ladung", "carica", "carga", "заряд", "电荷", "電荷"),
    "event": ("ereignis", "evento", "événement", "событие", "事件", "イベント"),
    "threshold": ("schwelle", "soglia", "seuil", "umbral", "порог", "阈值", "閾値"),
    "rate": ("zählrate", "taux", "frequenza di conteggio", "计数率", "計数率"),
    "amplitude": ("ampiezza", "amplituda", "амплитуда", "幅度", "振幅"),
}
"""English word by those of German, Italian, French, Portuguese, Dutch, Polish, Russian, Chinese,
Japanese and Korean; most Spanish ones stand with the English ones in `headings`."""


def _bare(text: str) -> str:
    """Without accents, for who leaves them out."""
    parts = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(c for c in parts if not "\u0300" <= c <= "\u0303"))


_ENGLISH = {
    form: english for english, words in WORDS.items() for one in words for form in (one, _bare(one))
}
_IN_WORDS = sorted((one for one in _ENGLISH if one[0] < "\u2e80"), key=len, reverse=True)
_RUNNING = sorted((one for one in _ENGLISH if one[0] >= "\u2e80"), key=len, reverse=True)
FOREIGN = re.compile(
    rf"(?<!\w)(?:{'|'.join(map(re.escape, _IN_WORDS))})(?!\w)|{'|'.join(map(re.escape, _RUNNING))}"
)


@lru_cache(maxsize=4096)
def in_english(text: str) -> str:
    """A heading in small letters with the words that are known here in English.

    >>> in_english("spannung"), in_english("电流 1"), in_english("strom kanal 3")
    ('voltage', 'current 1', 'current channel 3')
    """
    return FOREIGN.sub(lambda found: _ENGLISH[found[0]], text)


ENCODINGS = (
    ("gb18030", "\u4e00", "\u9fff"),
    ("shift_jis", "\u3040", "\u9fff"),
    ("cp1251", "\u0400", "\u04ff"),
    ("cp866", "\u0400", "\u04ff"),
    ("koi8-r", "\u0400", "\u04ff"),
)
"""Encodings of one byte or two, and the letters that only they of those here write."""
LEAST_BYTES = 4
"""Fewer may stand in any text by chance."""


def encoding_by_words(start: bytes) -> str:
    """The encoding in which the beginning of a text has words that are known; empty for none."""
    for encoding, first, last in ENCODINGS:
        for word in _ENGLISH:
            if not all(first <= letter <= last for letter in word.replace(" ", "")):
                continue
            for form in (word, word.capitalize(), word.upper()):
                try:
                    there = form.encode(encoding)
                except UnicodeEncodeError:
                    continue
                if len(there) >= LEAST_BYTES and there in start:
                    return encoding
    return ""
