"""Page and PDF of a device say the same: every verdict, decision, number and limit."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable
from types import SimpleNamespace

import pypdfium2
import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import translation

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.limits.changes import new_version
from mppcqa.limits.decisions import grant_waiver, sign_off
from mppcqa.limits.judging import judge
from mppcqa.limits.models import LimitSet
from mppcqa.results.ingest import store_analysis
from mppcqa.results.models import Standing
from mppcqa.runs.models import Run, RunFile, RunSlot
from mppcqa.stages import Condition, Problem, Result, get_stage
from tests.pens import pen_of
from tests.web.formfields import opened

NUMBER = r"[-−]?\d[\d.]*(?:e[-+]?\d+)?"
VALUE = re.compile(rf"{NUMBER}\s*±\s*{NUMBER}\)?(?:\s*×\s*10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?")
BAND = re.compile(rf"(?:[≤≥]\s*{NUMBER}|{NUMBER}\s*…\s*{NUMBER})")
SECTION = re.compile(r'<section class="card" id="stage-(\w+)".*?</section>', re.DOTALL)


def closed(text: str) -> str:
    """Without white space: a cell of a PDF breaks its lines where it likes."""
    return re.sub(r"\s+", "", text)


def words(markup: str) -> str:
    markup = re.sub(r"<(script|style|form|select)\b.*?</\1>", " ", markup, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", " ", markup))


def rows(markup: str) -> list[str]:
    """Every line of the tables of a piece of a page."""
    return [closed(words(row)) for row in re.findall(r"<tr>.*?</tr>", markup, re.DOTALL)]


def report_text(data: bytes) -> str:
    document = pypdfium2.PdfDocument(data)
    texts = []
    for page in document:
        text = page.get_textpage()
        texts.append(text.get_text_range())
        text.close()
        page.close()
    document.close()
    return "\n".join(texts)


def numbers(pattern: re.Pattern[str], text: str) -> set[str]:
    return {closed(found) for found in pattern.findall(text)}


def assert_the_same(client: Client, serial: str) -> SimpleNamespace:
    """Page and PDF of a device, which must say the same."""
    page = client.get(f"/devices/{serial}/").content.decode()
    paper = report_text(client.get(f"/devices/{serial}/report.pdf").content)
    flat = closed(paper)
    sections = {found.group(1): found.group(0) for found in SECTION.finditer(page)}
    identity = page[page.index('id="h-identity"') : page.index('id="h-verdicts"')]
    verdicts = page[page.index('id="h-verdicts"') : page.index('id="h-history"')]
    for title, said in re.findall(r"<dt>(.*?)</dt><dd[^>]*>(.*?)</dd>", identity, re.DOTALL):
        assert closed(words(title)) + closed(words(said)) in flat
    for line in re.findall(r'<p class="mb-2 small">.*?</p>', verdicts, re.DOTALL):
        assert closed(words(line)) in flat
    for key, section in sections.items():
        head = words(re.search(r"<h2.*?</h2>", section).group(0))  # type: ignore[union-attr]
        state = words(re.search(r'<span class="state.*?</span>', section).group(0))  # type: ignore[union-attr]
        assert closed(f"{head}: {state}") in flat, key
        for alert in re.findall(r'<div class="alert.*?</div></div>', section, re.DOTALL):
            for line in re.split(r"</?(?:li|ul|strong)[^>]*>", alert):
                assert closed(words(line)) in flat, key
        limits = re.search(r'<a href="/limits/\d+/">(.*?)</a>', section)
        if limits is not None:
            assert closed(words(limits.group(1))) in flat, key
        for row in rows(section):
            assert row in flat, (key, row)
    shown = " ".join(map(words, sections.values()))
    for pattern in (VALUE, BAND):
        assert numbers(pattern, shown) == numbers(pattern, paper)
    return SimpleNamespace(page=words(page), sections=shown, paper=paper, flat=flat)


def measure(device: Device, operator: User, *, lacking: int = 0, values: bool = True) -> None:
    """A Stage 2 run of one device of four channels at two temperatures, made up and judged."""
    stage = get_stage("stage2")
    run = Run.objects.create(stage="stage2", parameters=stage.clean({}), operator=operator)
    RunSlot.objects.create(run=run, slot=2, device=device)
    file = RunFile(sha256=f"{run.pk:064x}", size=7, original_name=f"run-{run.pk}.root", run=run)
    file.file.save(f"view-{run.pk}.root", ContentFile(b"content"), save=True)
    found: list[Result] = []

    def add(channel: int, quantity: str, value: float, at: Condition, error: float) -> None:
        found.append(
            Result(
                slot=2,
                channel=channel,
                quantity=quantity,
                value=value,
                uncertainty=error,
                condition=at,
            )
        )

    for warm in (15.0, 25.0) if values else ():
        cold = Condition(temperature_c=warm)
        for channel in range(4 - lacking):
            add(channel, "breakdown_voltage_v", 69.87654 + channel / 70 + warm / 40, cold, 0.0123)
            for over in (1.2, 1.8):
                at = Condition(bias_v=71 + over, overvoltage_v=over, temperature_c=warm, light=1.0)
                add(channel, "pde", 0.234567 + over / 50 + channel / 900, at, 0.00345)
                add(channel, "gain_adc", 35.4321 * over, at, 0.234)
                dark = Condition(
                    bias_v=71 + over, overvoltage_v=over, temperature_c=warm, light=0.0
                )
                add(channel, "dark_rate_hz", 1234567.0 * over + channel, dark, 2345.6)
        for over in (1.2, 1.8):
            at = Condition(bias_v=71 + over, overvoltage_v=over, temperature_c=warm, light=1.0)
            add(-1, "gain_spread", 0.0123456 * over, at, 0.00123)
    problems = [Problem(slot=2, channel=3, what="the fit of <b>one</b> spectrum failed")]
    problems.append(Problem(slot=1, channel=0, what="of another device"))
    analysis = store_analysis(stage, file, {2: device.pk}, found, problems)
    judge(analysis, [device.pk])


# Limits with more digits than a page may drop, on either side and on both.
LIMITS = [
    {"quantity": "breakdown_voltage_v", "pass_low": 68.7654321, "pass_high": 71.2345678,
     "warn_low": 60.1234567},
    {"quantity": "pde", "pass_low": 0.234567891,
     "at": Condition(overvoltage_v=1.8)},
    {"quantity": "gain_spread", "pass_high": 0.1234567},
    {"quantity": "dark_rate_hz", "pass_high": 123456789.0, "warn_high": 234567891.0},
]  # fmt: skip
STRICT = [{**one, "pass_low": 99.8765432, "pass_high": None} for one in LIMITS[:1]] + LIMITS[1:]


def use(limits: list[dict[str, float]], kind: DeviceType | None = None) -> None:
    made = new_version(
        get_stage("stage2"), limits, title="Tight ones", reason="a test", device_type=kind
    )
    LimitSet.objects.filter(stage="stage2", device_type=kind).update(active=False)
    LimitSet.objects.filter(pk=made.pk).update(active=True)


@pytest.fixture
def quads(operator: User) -> Callable[..., Device]:
    """Registers devices of 2 x 2 channels."""
    for name in ("quad", "other quad"):
        DeviceType.objects.create(name=name, rows=2, columns=2, nominal_breakdown_v=70.0)

    def one(kind: str = "quad") -> Device:
        serial = f"V-{Device.objects.count()}"
        register_devices([{"serial": serial, "device_type": kind, "lot": "L <1>"}], by=operator)
        return Device.objects.get(serial=serial)

    return one


@pytest.fixture
def reader(operator: User) -> Client:
    """Another person, who may decide about devices."""
    client = Client()
    client.force_login(User.objects.create_superuser("ana", password="other-spectrum-9"))
    return client


def boss() -> User:
    found: User = User.objects.get(username="ana")
    return found


def test_a_device_that_passes(quads: Callable[..., Device], reader: Client, operator: User) -> None:
    use(LIMITS)
    device = quads()
    measure(device, operator)
    said = assert_the_same(reader, device.serial)
    # Not a digit of a limit is lost, and none of another unit's making is added.
    for text in ("68.7654321…71.2345678V", "≥60.1234567V", "≥23.4567891%", "≤12.34567%"):
        assert text in said.flat
        assert text in closed(said.sections)
    assert "(V-" not in said.flat
    assert "of another device" not in said.paper
    assert "Stage2:pass" in said.flat


def test_a_device_that_fails(quads: Callable[..., Device], reader: Client, operator: User) -> None:
    use(STRICT)
    device = quads()
    measure(device, operator)
    said = assert_the_same(reader, device.serial)
    assert "Stage2:" in said.flat
    assert "8/8" in said.flat


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_device_that_was_waived_and_signed_off(
    quads: Callable[..., Device], reader: Client, operator: User, language: str
) -> None:
    use([{"quantity": "breakdown_voltage_v", "pass_low": 99.8765432}, *LIMITS[1:]])
    device = quads()
    measure(device, operator)
    standing = Standing.objects.get(device=device)
    assert standing.outcome == "fail"
    last = dt.date.today() + dt.timedelta(days=30)
    grant_waiver(standing.verdict, "only for the <test> stand", by=pen_of(), expires_on=last)
    sign_off(device, by=pen_of("boss"), note="seen & taken")
    reader.cookies.load({"django_language": language})
    said = assert_the_same(reader, device.serial)
    translation.deactivate()
    state = {"en": "waived(fail)", "es": "dispensado(rechazado)"}[language]
    assert f":{state}" in said.flat
    for text in ("onlyforthe<test>stand", "seen&taken", last.isoformat(), "nora", "boss"):
        assert text in said.flat
        assert text in closed(said.page)
    if language == "en":
        listed = reader.get("/devices/").content.decode()
        assert "waived (fail)" in listed


def test_a_waiver_that_has_run_out(
    quads: Callable[..., Device], reader: Client, operator: User
) -> None:
    use([{"quantity": "breakdown_voltage_v", "pass_low": 99.0}])
    device = quads()
    measure(device, operator)
    waiver = grant_waiver(Standing.objects.get(device=device).verdict, "for a while", by=pen_of())
    assert waiver is not None
    waiver.expires_on = dt.date.today() - dt.timedelta(days=2)
    waiver.save()
    said = assert_the_same(reader, device.serial)
    assert "Thewaiverhasrunout:forawhile" in said.flat
    assert "waived(" not in said.flat


def test_verdicts_that_changed_after_the_sign_off(
    quads: Callable[..., Device], reader: Client, operator: User
) -> None:
    use(LIMITS)
    device = quads()
    measure(device, operator)
    sign_off(device, by=pen_of("boss"))
    use([{"quantity": "breakdown_voltage_v", "pass_low": 99.0}])
    measure(device, operator)
    said = assert_the_same(reader, device.serial)
    assert "verdictshavechangedsince" in said.flat


def test_an_incomplete_device(quads: Callable[..., Device], reader: Client, operator: User) -> None:
    use(LIMITS)
    device = quads()
    measure(device, operator, lacking=1)
    said = assert_the_same(reader, device.serial)
    assert "onechannelhasnovalue" in said.flat
    assert "incomplete" in said.paper


def test_a_device_of_which_nothing_could_be_measured(
    quads: Callable[..., Device], reader: Client, operator: User
) -> None:
    use(LIMITS)
    device = quads()
    stage = get_stage("stage2")
    run = Run.objects.create(stage="stage2", parameters=stage.clean({}), operator=operator)
    RunSlot.objects.create(run=run, slot=1, device=device)
    file = RunFile(sha256="a" * 64, size=7, original_name="empty.root", run=run)
    file.file.save("view-empty.root", ContentFile(b"content"), save=True)
    analysis = store_analysis(
        stage, file, {1: device.pk}, [], [Problem(slot=1, channel=None, what="no <light> at all")]
    )
    judge(analysis, [device.pk])
    said = assert_the_same(reader, device.serial)
    assert "no<light>atall" in said.flat
    assert "missing" in said.paper
    assert "novaluewasmeasured" in said.flat


def test_a_device_that_was_never_measured(quads: Callable[..., Device], reader: Client) -> None:
    said = assert_the_same(reader, quads().serial)
    assert said.sections == ""
    assert "not been measured yet" in said.paper


def test_a_device_whose_type_has_limits_of_its_own(
    quads: Callable[..., Device], reader: Client, operator: User
) -> None:
    use(LIMITS)
    use(
        [{"quantity": "breakdown_voltage_v", "pass_high": 12.3456789}],
        DeviceType.objects.get(name="other quad"),
    )
    for kind, has in (("quad", "68.7654321"), ("other quad", "≤12.3456789V")):
        device = quads(kind)
        measure(device, operator)
        said = assert_the_same(reader, device.serial)
        assert has in said.flat


def test_a_stage_that_is_not_installed_and_was_not_judged(
    quads: Callable[..., Device], reader: Client, operator: User
) -> None:
    device = quads()
    measure(device, operator)
    Standing.objects.filter(device=device).update(stage="gone", verdict=None, outcome="")
    said = assert_the_same(reader, device.serial)
    assert "gone:notjudged" in said.flat
    assert "Notjudged:nolimitset" in said.flat


def test_changing_limits_keeps_every_digit_of_those_left_alone(
    reader: Client, operator: User
) -> None:
    use(LIMITS)
    before = LimitSet.objects.get(stage="stage2", active=True)
    form = reader.get("/limits/new/stage2/").content.decode()
    sent = {
        name: html.unescape(value)
        for name, value in re.findall(r'name="(\w+-\d+-[\w-]+)"[^>]*? value="([^"]*)"', form)
    }
    sent |= opened(reader, "/limits/new/stage2/")
    answer = reader.post("/limits/new/stage2/", sent | {"title": "copied", "reason": "-"})
    assert answer.status_code == 302
    after = LimitSet.objects.get(title="copied")
    bands = "quantity__key", "pass_low", "pass_high", "warn_low", "warn_high", "at"
    assert sorted(after.limits.values_list(*bands), key=str) == [
        tuple(pytest.approx(one) if isinstance(one, float) else one for one in row)
        for row in sorted(before.limits.values_list(*bands), key=str)
    ]


def test_no_sign_of_a_name_is_lost_on_paper(
    quads: Callable[..., Device], reader: Client, operator: User
) -> None:
    device = quads()
    Device.objects.filter(pk=device.pk).update(maker_values={"σ₀ → Ω": "10⁻⁷ Жук"})
    paper = report_text(reader.get(f"/devices/{device.serial}/report.pdf").content)
    assert "σ₀ → Ω" in paper
    assert "10⁻⁷ Жук" in paper
