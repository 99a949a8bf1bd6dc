"""Commands of an administrator on this home: what they do, what they say, what they refuse."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from mppcqa.audit.models import Entry, Waiting
from mppcqa.cli import main
from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Device, Institute, Lot
from mppcqa.inventory.states import DeviceState
from mppcqa.people.models import PersonToken
from mppcqa.people.roles import ROLES, role_of
from mppcqa.people.second import second_factor_of
from mppcqa.results.models import Measurement
from mppcqa.runs.models import Run, Station, StationToken
from mppcqa.statistics.models import DeviceSummary
from tests.pens import phone_of

pytestmark = pytest.mark.django_db(transaction=True)
HOOK = ("webhook", "make", "title")


def asked(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, list(words), input=typed)


def said(*words: str, typed: str = "") -> str:
    done = asked(*words, typed=typed)
    assert done.exit_code == 0, done.output
    return done.output


def refused(*words: str, status: int = 1) -> str:
    """What a command says that is refused; an error of its own is none of that."""
    done = asked(*words)
    assert done.exit_code == status, done.output
    assert isinstance(done.exception, SystemExit), done.exception
    return done.output


def path_of(text: str) -> str:
    """The path of the link that a command printed."""
    (link,) = re.findall(r"https?://\S+", text)
    return re.sub(r"https?://[^/]+", "", link)


def test_an_account_is_made_changed_kept_out_and_let_in(db: None) -> None:
    ours = Institute.objects.create(name="LNGS")
    told = said("user", "add", "eva", "--role", "partner", "--institute", "LNGS")
    assert "counts once, for a week" in told
    eva = User.objects.get(username="eva")
    assert (role_of(eva), eva.person.institute) == (ROLES["partner"], ours)
    assert Client().get(path_of(told), follow=True).status_code == 200
    assert "has no password yet" in said("user", "list")
    assert said("user", "change", "eva") == "eva is partner and sees what is owned by LNGS\n"
    campaign = Campaign.objects.get_or_create(name="Barrel")[0]
    words = ("--role", "viewer", "--institute", "", "--campaign", campaign.name)
    changed = said("user", "change", "eva", *words)
    assert changed == "eva is viewer and sees what is in the campaign Barrel\n"
    assert said("user", "change", "eva", "--campaign", "") == "eva is viewer and sees all\n"
    assert said("user", "keep-out", "eva") == "eva is kept out\n"
    assert not User.objects.get(username="eva").is_active
    assert "kept out" in said("user", "list")
    assert said("user", "let-in", "eva") == "eva may log in again\n"
    assert User.objects.get(username="eva").is_active


def test_a_new_link_ends_the_password_of_before(operator: User) -> None:
    User.objects.create_superuser("boss", password="another-photon-7")
    client = Client()
    assert client.login(username="rosa", password="finger-spectrum-9")
    first = said("user", "link", "rosa")
    assert not Client().login(username="rosa", password="finger-spectrum-9")
    told = json.loads(asked("user", "link", "rosa", "--json").stdout)
    assert told["name"] == "rosa"
    assert told["link"] not in first


def test_a_second_factor_is_told_and_taken_away(operator: User) -> None:
    assert said("user", "second-factor", "rosa") == "rosa has none\n"
    assert said("user", "second-factor", "rosa", "--remove") == "rosa has none\n"
    phone_of(operator)
    assert said("user", "second-factor", "rosa") == "rosa has one\n"
    taken = said("user", "second-factor", "rosa", "--remove")
    assert taken == "rosa logs in with the password alone\n"
    assert second_factor_of(User.objects.get(pk=operator.pk)) is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("user", "add", "eva", "--role", "king"), "there are: "),
        (("user", "add", "eva", "--role", "viewer", "--institute", "Nowhere"), "none yet"),
        (("user", "add", "rosa", "--role", "viewer"), "rosa"),
        (("user", "change", "nobody"), "see mppcqa user list"),
        (("user", "untie", "rosa"), "does not log in elsewhere"),
        (("user", "keep-out", "nobody"), "nobody has the user name"),
        (("token", "make", "nowhere"), "Stations: none yet"),
        (("token", "make", "--user", "nobody"), "see mppcqa user list"),
        (("token", "make", "--user", "rosa", "--days", "-1"), ""),
        (("token", "revoke", "7"), "there is no token 7"),
        (("token", "revoke", "p²"), "there is no token"),
        (("token", "revoke", "x"), "there is no token"),
        (("webhook", "told", "7"), "There is no webhook 7"),
        (
            ("webhook", "make", "t", "http://x", "--user", "nobody", "--event", "run.ended"),
            "nobody",
        ),
        (("webhook", "make", "t", "ftp://x", "--user", "rosa", "--event", "run.ended"), ""),
        (("partner", "out", "x.sql"), "no table came in yet"),
    ],
)
def test_what_cannot_be_is_said_in_words(
    operator: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Any, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    output = refused(*words)
    assert output.startswith(("Error: ", "error: "))
    assert told in output
    assert list(tmp_path.iterdir()) == []
    assert User.objects.count() == 1
    assert not PersonToken.objects.exists()


@pytest.mark.parametrize(
    "words",
    [("token", "make"), ("token", "make", "pde-1", "--user", "rosa"),
     ("token", "make", "pde-1", "--write"), ("user", "add", "eva"), ("export", "things", "x.csv")],
)  # fmt: skip
def test_commands_that_say_too_little_or_too_much_are_told_how_they_are_used(
    operator: User, words: tuple[str, ...]
) -> None:
    assert "Usage:" in refused(*words, status=2)


def test_tokens_of_persons_and_stations_are_made_listed_and_taken_back(
    campaign: SimpleNamespace, operator: User, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    told = said("token", "make", "--user", "rosa", "--write", "--note", "bench", "--to", str(file))
    assert "counts until" in told
    assert file.stat().st_mode & 0o777 == 0o600
    secret = file.read_text().strip()
    assert secret not in told
    program = Client(headers={"Authorization": f"Bearer {secret}"})
    assert program.get("/api/v1/me").status_code == 200
    row = PersonToken.objects.get()
    listed = said("token", "list", "--user", "rosa")
    assert f"p{row.pk}" in listed
    assert "rosa, reads and changes" in listed
    assert "bench" in listed
    assert said("token", "revoke", f"p{row.pk}") == "taken back\n"
    assert said("token", "revoke", f"p{row.pk}") == "it was taken back before\n"
    assert program.get("/api/v1/me").status_code == 401
    assert "taken back" in said("token", "list")

    station = Station.objects.get(name="pde-1")
    assert asked("token", "make", "pde-1", typed="n\n").exit_code == 1
    assert not StationToken.objects.exists()
    made = said("token", "make", "pde-1", "--days", "3", typed="y\n")
    assert "counts until" in made
    station.refresh_from_db()
    assert station.remote
    (one,) = json.loads(asked("token", "list", "pde-1", "--json").stdout)
    assert (one["station"], one["state"], one["used_at"]) == ("pde-1", "counts", None)
    assert (
        json.loads(asked("token", "list", "--user", "rosa", "--json").stdout)[0]["user"] == "rosa"
    )


def test_the_chain_is_sealed_and_holds(campaign: SimpleNamespace) -> None:
    waiting = Waiting.objects.count()
    assert waiting
    told = said("audit", "seal")
    assert re.match(rf"{waiting} entries sealed", told)
    assert not Waiting.objects.exists()
    assert Entry.objects.count() == waiting
    report = json.loads(asked("audit", "verify", "--json").stdout)
    assert report["ok"], report
    assert report["entries"] == waiting
    assert (report["broken"], report["faults"]) in (("", []), (None, []))
    assert f"{waiting} entries hold" in said("audit", "verify")


def test_a_missing_trigger_is_named_by_the_audit(campaign: SimpleNamespace) -> None:
    from mppcqa.audit.triggers import NAME, make_triggers

    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {NAME}inventory_lot_u")
    try:
        assert "inventory_lot_u is missing" in refused("audit", "verify")
    finally:
        make_triggers()


def test_wrong_summaries_are_found_and_mended(campaign: SimpleNamespace) -> None:
    assert "what a recount of" in said("summaries", "check")
    row = DeviceSummary.objects.earliest("pk")
    right = row.mean
    DeviceSummary.objects.filter(pk=row.pk).update(mean=right + 1)
    assert refused("summaries", "check").strip()
    row.refresh_from_db()
    assert row.mean == right + 1, "looking changes nothing"
    assert "Repaired: " in said("summaries", "check", "--repair")
    row.refresh_from_db()
    assert row.mean == pytest.approx(right)
    assert str(Measurement.objects.count()) in said("summaries", "check")


def test_states_that_are_not_what_stations_say_are_found(campaign: SimpleNamespace) -> None:
    assert "0 differences, 0 set right." in said("states", "check")
    with connection.cursor() as cursor:
        words = [DeviceState.SHIPPED, "GX-000"]
        cursor.execute("UPDATE inventory_device SET state = %s WHERE serial = %s", words)
    assert "GX-000" in refused("states", "check")
    (fault,) = map(json.loads, asked("states", "check", "--json").stdout.splitlines())
    assert "GX-000" in str(fault)
    table = said("states", "table")
    assert "| put into a tray | registered, " in table
    assert len(table.splitlines()) > 15


def test_what_packages_may_add_and_do_add_is_listed() -> None:
    hooks = said("plugins", "--hooks")
    assert "mppcqa.stages: a stage; an entry point names a mppcqa.stages.Stage" in hooks
    assert len(hooks.splitlines()) == 10
    told = json.loads(asked("plugins", "--json").stdout)
    assert told["ok"] is (not told["switched_off"])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def test_lists_are_written_as_they_were_asked_for(
    campaign: SimpleNamespace, tmp_path: Path
) -> None:
    devices = tmp_path / "devices.csv"
    assert said("export", "devices", str(devices)) == f"{devices}: 4 rows\n"
    assert len(rows(devices)) == 4
    one = tmp_path / "one.csv"
    words = ("--serial", "gx-001", "--type", campaign.kind.name, "--place", "Jefferson Lab")
    assert said("export", "devices", str(one), *words).endswith(": 1 rows\n")
    (row,) = rows(one)
    assert "GX-001" in row.values()
    values = tmp_path / "values.csv"
    said("export", "values", str(values), "--stage", "pde", "--quantity", "gain_adc")
    assert len(rows(values)) == 4 * 16 * 3
    runs = tmp_path / "runs.xlsx"
    assert said("export", "runs", str(runs), "--station", "pde-1").endswith(": 1 rows\n")
    assert runs.read_bytes().startswith(b"PK")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("devices", "x.doc"), "the ending says the format; it is one of .csv"),
        (("devices", "x"), "the ending says the format"),
        (("devices", "x.csv", "--station", "pde-1"), "devices are not chosen by --station"),
        (("runs", "x.csv", "--serial", "GX"), "runs are not chosen by --serial"),
        (("devices", "x.csv", "--type", "S1"), "there are: S12045(X)"),
        (("devices", "x.csv", "--campaign", "none"), "no campaign is called"),
        (("devices", "x.csv", "--state", "flying"), "no state is called 'flying'; there are: "),
        (("values", "x.csv", "--stage", "none"), "no stage is called"),
        (("values", "x.csv", "--quantity", "colour"), "no quantity is called"),
        (("devices", "x.csv", "--lot", "L9"), "no lot is called 'L9'"),
        (("devices", "x.csv", "--tray", "T9"), "no tray is called 'T9'"),
        (("devices", "x.csv", "--tag", "t"), "no tag is called 't'"),
        (("runs", "x.csv", "--station", "s"), "no station is called 's'"),
        (("devices", "x.csv", "--part-of", "m-1"), "no device is called 'M-1'"),
    ],
)
def test_a_filter_that_names_nothing_is_no_filter(
    campaign: SimpleNamespace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: Any,
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert told in refused("export", *words)
    assert list(tmp_path.iterdir()) == []


def table(folder: Path, text: str) -> str:
    path = folder / "table.csv"
    path.write_text(text)
    return str(path)


def test_a_table_of_devices_comes_in_and_one_with_a_fault_does_not(
    campaign: SimpleNamespace, tmp_path: Path
) -> None:
    kind = campaign.kind.name
    good = f"serial,device type,lot\nT-1,{kind},L1\nT-2,{kind},L7\n"
    checked = said("import", "table", table(tmp_path, good), "--check")
    assert "0 faults" in checked
    assert not Device.objects.filter(serial="T-1").exists(), "looked at, and nothing done"
    bad = table(tmp_path, good + "T-3,unknown type,L1\n")
    faults = tmp_path / "faults.csv"
    told = refused("import", "table", bad, "--faults", str(faults))
    assert "--leave-out" in told
    assert "row 4" in told
    assert "unknown type" in faults.read_text()
    assert not Device.objects.filter(serial="T-1").exists()
    assert "imported" in said("import", "table", bad, "--leave-out")
    made = Device.objects.filter(serial__startswith="T-").values_list("serial", "lot__name")
    assert list(made) == [("T-1", "L1"), ("T-2", "L7")]
    assert refused("import", "table", table(tmp_path, good))
    assert "imported" in said("import", "table", table(tmp_path, good), "--existing", "skip")
    other = good.replace("L7", "L8")
    assert "imported" in said("import", "table", table(tmp_path, other), "--existing", "update")
    assert Device.objects.get(serial="T-2").lot == Lot.objects.get(name="L8")


def test_columns_are_given_a_meaning_or_refused(campaign: SimpleNamespace, tmp_path: Path) -> None:
    file = table(tmp_path, "serial;colour\nT-5;7\n")
    fill = ("--fill", f"device_type={campaign.kind.name}")
    assert "there are: serial, colour" in refused(
        "import", "table", file, "--map", "x=serial", *fill
    )
    assert "there are: none" in refused("import", "table", file, "--mapping", "mine")
    done = said("import", "table", file, "--map", "colour=maker_serial", *fill)
    assert "imported" in done
    assert Device.objects.get(serial="T-5").maker_serial == "7"
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"PK\x03\x04 nothing")
    assert "broken.xlsx" in refused("import", "table", str(broken))
    assert "none.csv" in refused("import", "table", str(tmp_path / "none.csv"))


def test_what_is_part_of_what_comes_in_by_a_table_or_not_at_all(
    campaign: SimpleNamespace, tmp_path: Path
) -> None:
    bad = table(tmp_path, "serial,part_of,from,to\nGX-001,GX-000,2026-01-02,\nGX-9,GX-000,,\n")
    told = refused("import", "assembly", bad)
    assert "nothing was taken in" in told
    assert "GX-9" in told
    good = table(tmp_path, "serial,part_of,from,to\nGX-001,GX-000,2026-01-02,\n")
    assert "1 mounted" in said("import", "assembly", good)
    assert "0 mounted, 0 ended, 1 were known already" in said("import", "assembly", good)
    part = tmp_path / "part.csv"
    assert said("export", "devices", str(part), "--part-of", "gx-000").endswith(": 1 rows\n")


def test_files_of_other_programs_ask_for_what_they_do_not_say(
    campaign: SimpleNamespace, tmp_path: Path
) -> None:
    assert "(" in said("import", "foreign", "--list")
    sweep = tmp_path / "sweep.csv"
    sweep.write_text("Voltage (V),Current (A)\n" + "".join(
        f"{49 + n / 4},{2e-11 + 4e-8 * max(0, n / 4 - 3) ** 2}\n" for n in range(33)
    ))  # fmt: skip
    words = ("--device", "GX-000", "--yes")
    assert "temperature_c is not known" in refused(
        "import", "foreign", str(sweep), "--look", *words
    )
    cold = (*words, "--set", "temperature_c=20")
    assert "33 iv, channel 0" in said("import", "foreign", str(sweep), "--look", *cold)
    assert Run.objects.count() == 1
    for words, told in (
        (("--set", "colour=5"), "none of"),
        (("--set", "temperature_c=warm"), "NAME=NUMBER"),
        (("--set", "temperature_c=300"), "Write the unit"),
    ):
        output = asked("import", "foreign", str(sweep), "--device", "GX-000", "--yes", *words)
        assert output.exit_code in (1, 2)
        assert told in output.output
    missing = asked("import", "foreign", str(tmp_path / "none.csv"), "--device", "GX-000", "--yes")
    assert missing.exit_code == 1
    assert "none.csv" in missing.output
    unknown = asked("import", "foreign", str(sweep), "--device", "GX-777", "--yes")
    assert unknown.exit_code == 1
    assert "GX-777" in unknown.output
    mapping = tmp_path / "mapping.json"
    mapping.write_text("{")
    broken = asked("import", "foreign", str(sweep), "--mapping", str(mapping), "--device", "GX-000")
    assert "no JSON" in broken.output
