"""Two who edit one thing: the second sees both versions, loses nothing, and chooses."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.test import Client
from django.urls import reverse

from mppcqa.inventory.models import Lot
from tests.web.edit_cases import PROOF, Case, all_cases, first_cases, form_on
from tests.web.formfields import PageForm, forms_of
from tests.web.hook_cases import hook_cases
from tests.web.test_typed import all_patterns

LISTS = (
    "device_list",
    "run_list",
    "task_list",
    "tray_list",
    "station_list",
    "shipment_list",
    "schedule_list",
    "worker_list",
    "notice_list",
    "limit_sets",
    "catalogue_list",
    "report_list",
    "case_list",
    "instrument_list",
    "matching_list",
    "acceptance_list",
)
NOT_EDITS = {
    "export_send": "sends; what is there already is told, not sent again",
    "account_login": "one's own session",
    "account_logout": "one's own session",
    "login_code": "one's own session",
    "second_factor": "one's own, with the password",
    "person_second_remove": "ends, whoever asks",
    "account_change_password": "one's own password, which is asked for",
    "account_set_password": "one's own password",
    "set_language": "one's own language",
    "time_zone": "one's own browser",
    "workbench_save": "adds; one's own of that name is replaced",
    "workbench_remove": "one's own, once",
    "alarm_close": "once; a second reason is refused",
    "plan_set": "a whole plan at once; every change of it is entered",
    "person_list": "one's own columns",
    "dashboard_arrange": "one's own: what stands there and in which order",
    "hook_list": "adds",
    "wanted": "one's own wishes",
    "person_invite": "adds; a name that is taken is told",
    "person_link": "ends a password, whoever asks",
    "person_access": "out or in, whoever asks",
    "person_comes": "once; a link that was used is told",
    "first_administrator": "once",
    "device_generate": "adds",
    "device_attach": "adds",
    "device_register": "adds; what is there already is told",
    "device_comment": "adds",
    "device_mount": "refused where a part or its place is taken meanwhile",
    "assembly_table": "refused where a part or its place is taken meanwhile",
    "attachment_photograph": "marks one of the pictures, which all stay",
    "shipment_bundles": "adds",
    "bundle_list": "adds",
    "bundle": "taken in once; a second time is told",
    "partner_list": "adds; a key that is there already is told",
    "key_revoke": "ends, whoever asks",
    "record_add": "adds; a record that was corrected or withdrawn meanwhile is told",
    "record_withdraw": "withdrawn once; a second time is told",
    "shipment_new": "adds",
    "packing": "a place that was taken meanwhile, and a box that was sent, are told",
    "shipment": "adds to what arrived, by whatever hand",
    **dict.fromkeys(LISTS, "one's own columns; many rows at once: checked anew when done"),
    "export_list": "adds",
    "instrument_calibrate": "adds",
    "procedure_pictures": "adds",
    "training_add": "adds",
    "training_withdraw": "withdrawn once; a second time is told",
    "calibration_withdraw": "withdrawn once; a second time is told",
    "report_write": "adds",
    "report_choose": "adds",
    "report_schedule": "adds",
    "report_look_preview": "changes nothing",
    "batch_list": "adds",
    "batch": "only before it begins; then the names of its files decide",
    "import_list": "adds",
    "schedule_add": "adds",
    "schedule_remove": "ends, whoever asks",
    "reanalysis_list": "adds",
    "attachment_remove": "an attachment never changes",
    "station_token_make": "adds",
    "station_token_revoke": "ends, whoever asks",
    "own_tokens": "adds",
    "own_badge": "adds",
    "own_badge_revoke": "ends, whoever asks",
    "person_badge": "adds",
    "person_badge_revoke": "ends, whoever asks",
    "badge_login": "one's own session",
    "bench_screen": "this browser's own",
    "delivery": "adds",
    "own_token_revoke": "ends, whoever asks",
    "person_token_revoke": "ends, whoever asks",
    "station_forget": "ends, whoever asks",
    "station_load": "adds; a slot that is taken is told",
    "station_reserve": "refused while another holds it",
    "run_kill": "ends, whoever asks",
    "task_kill": "ends, whoever asks",
    "task_group_kill": "ends, whoever asks",
    "task_again": "adds",
    "task_new": "adds",
    "task_priority": "says which, seen on the page; refused once it has begun",
    "schedule_switch": "says on or off, not the other of what it is",
    "schedule_now": "adds",
    "worker_drain": "ends, whoever asks",
    "run_resume": "adds",
    "run_again": "adds; others in the slots are told",
    "scan": "each code is checked anew when it is done",
    "task_group_resume": "adds",
    "run_discard": "names the folder, which never changes",
    "run_file_fetch": "moves what never changes; refused once it is back",
    "checklist": "adds; what is sent twice counts once",
    "case_open": "adds; a case that is open already is told",
    "case_decide": "decided once; a second time is told",
    "case_hand_over": "refused once it is decided",
    "acceptance_new": "adds; a sample that is drawn already is told",
    "acceptance_decide": "decided once; a second time is told",
    "acceptance_lift": "lifted once; a second time is told",
    "matching_new": "adds; groups that are no longer as they were shown are told",
    "matching_undo": "undone once; a second time is told",
    "device_move": "refused where the device's state allows it no longer",
    "worker_stop": "ends, whoever asks",
    "notices_read": "one's own",
    "limit_preview": "changes nothing",
    "labels": "changes nothing",
    "signature_list": "one's own columns; many rows at once: checked anew when done",
    "signature_more": "signs what was signed, word for word; withdrawn or done is told",
    "signature_drop": "withdrawn once; a second time is told",
    "reanalysis": "asks for a task of the group, which never changes",
}
"""Addresses that take a form and change nothing that another person may have typed meanwhile."""


@pytest.fixture
def cases(campaign: SimpleNamespace, operator: User) -> dict[str, list[Case]]:
    return first_cases(campaign, operator)


@pytest.fixture
def more_cases(campaign: SimpleNamespace, operator: User) -> dict[str, list[Case]]:
    return {**all_cases(campaign, operator), "hook": hook_cases(operator)}


def posting() -> set[str]:
    """Names of all addresses that take a form."""
    client, found, rosa = Client(), set(), User.objects.get(username="rosa")
    for pattern in all_patterns():
        converters = pattern.pattern.converters
        values = {
            name: 1 if type(one).__name__ == "IntConverter" else "types"
            for name, one in converters.items()
        }
        client.force_login(rosa)  # one of the addresses is the log-out's
        answer = client.post(reverse(pattern.name, kwargs=values))
        if answer.status_code != 405:
            found.add(pattern.name)
        list(answer)  # a file is closed at its end
    return found


EDITS = (
    "person_edit",
    *("catalogue_edit", "catalogue_delete", "device_edit", "device_rename", "schedule"),
    *(
        "procedure_write",
        "instrument_place",
        "channel_map",
        "station_maintenance",
        "limit_edit",
        "device_waive",
    ),
    "schedule_clock",
    *("device_sign_off", "station_unload", "run_start", "limit_apply", "limit_withdraw"),
    *("import", "mapping_remove", "foreign", "report_look", "report_sections", "hook"),
)


def test_every_address_that_takes_a_form_is_an_edit_or_says_why_not(operator: User) -> None:
    known = {*EDITS, *NOT_EDITS, "catalogue_new"}  # a new thing of the same form
    assert posting() == known


@pytest.mark.parametrize("name", EDITS)
def test_the_second_of_two_sees_both_and_chooses(
    browser_client: Client, more_cases: dict[str, list[Case]], name: str
) -> None:
    for case in more_cases[name]:
        like = {"action": case.typed["action"]} if "action" in case.typed else {}
        if "slot" in case.typed:
            like["slot"] = case.typed["slot"]
        form = form_on(browser_client, case.page, case.address, **like)
        sent = {**form.fields, **case.typed}
        # Opened before, sent after: nothing is done, and both versions are there.
        case.meanwhile()
        before = case.stored()
        assert before != case.wanted, case.address
        answer = browser_client.post(case.address, sent)
        page = answer.content.decode()
        assert answer.status_code == 409, (case.address, page[-3000:])
        assert case.stored() == before
        for text in case.shown:
            assert text in page, (case.address, text)
        # One that knows nothing of what it was opened on is no better.
        blind = {key: value for key, value in sent.items() if key != "opened"}
        assert browser_client.post(case.address, blind).status_code == 409
        assert case.stored() == before
        # What was chosen is done, and nothing that was typed had to be typed again.
        both = form_on_page(page, case.address)
        chosen = {**both.fields, **case.pick}
        for key, values in case.typed.items():
            if key in PROOF:  # a password is carried nowhere
                assert key not in both.fields
                chosen[key] = values
                continue
            assert both.fields[key] == [str(values)], key
        final = browser_client.post(both.action, chosen)
        assert final.status_code == 302, final.content.decode()[-3000:]
        assert case.stored() == case.wanted


def form_on_page(page: str, address: str) -> PageForm:
    for one in forms_of(page, address):
        if one.action == address and one.method == "post":
            return one
    raise AssertionError(f"no form to {address}")


def test_what_only_one_touched_needs_no_choice(
    browser_client: Client, cases: dict[str, list[Case]]
) -> None:
    for case in (one for name in cases for one in cases[name]):
        if case.address.endswith("/remove/"):
            continue
        with transaction.atomic():  # each on its own: one renames what another names
            form = form_on(browser_client, case.page, case.address)
            answer = browser_client.post(case.address, {**form.fields, **case.typed})
            transaction.set_rollback(True)
        assert answer.status_code == 302, (case.address, answer.content.decode()[-2000:])


def test_who_changed_it_is_named_where_it_is_known(
    browser_client: Client, operator: User, campaign: SimpleNamespace
) -> None:
    ana = Client(headers={"host": "127.0.0.1"})
    ana.force_login(User.objects.create_superuser("ana"))
    lot = Lot.objects.create(name="L-1")
    address = f"/catalogue/lots/{lot.pk}/"
    mine, hers = (form_on(one, address, address).fields for one in (browser_client, ana))
    assert ana.post(address, {**hers, "name": "L-ana"}).status_code == 302
    page = browser_client.post(address, {**mine, "name": "L-rosa"}).content.decode()
    assert re.search(r"ana saved this at \d{4}-", page)
    assert "L-ana" in page
    assert "L-rosa" in page
    # An import that came after her is not hers.
    Lot.objects.filter(pk=lot.pk).update(name="L-import")
    page = browser_client.post(address, {**mine, "name": "L-rosa"}).content.decode()
    assert "ana saved" not in page
    assert re.search(r"The program changed this at \d{4}-", page)
    # The stored one is chosen: the form saves that.
    both = form_on_page(page, address)
    browser_client.post(address, {**both.fields, "pick-name": "stored"})
    assert Lot.objects.get(pk=lot.pk).name == "L-import"


def test_of_two_at_the_same_moment_one_saves(transactional_db: None) -> None:
    User.objects.create_superuser("rosa")
    lot = Lot.objects.create(name="L-0")
    address, gate = f"/catalogue/lots/{lot.pk}/", Barrier(4)

    def save(number: int) -> int:
        try:
            client = Client()
            client.force_login(User.objects.get(username="rosa"))
            form = form_on(client, address, address)
            gate.wait(120)
            values = {**form.fields, "name": f"L-{number}"}
            return int(client.post(address, values).status_code)
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(4) as pool:
        codes = sorted(pool.map(save, range(1, 5)))
    assert codes == [302, 409, 409, 409]
    assert connection.is_usable()
