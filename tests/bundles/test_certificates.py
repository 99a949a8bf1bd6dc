"""A bundle brings the certificates of all its devices, in the language that was asked for."""

from __future__ import annotations

import io
import zipfile

import pypdfium2
import pytest

from tests.bundles.elsewhere import read, ship


@pytest.mark.django_db
def test_the_certificates_of_all_devices_are_in_one_file() -> None:
    shipment, bundle = ship(certificates=True, language="es")
    with zipfile.ZipFile(io.BytesIO(read(bundle))) as archive:
        pages = pypdfium2.PdfDocument(archive.read("certificates.pdf"))
    texts = [page.get_textpage().get_text_range() for page in pages]
    serials = [one.serial for one in shipment.devices.all()]
    assert len(serials) == 4
    for serial in serials:
        assert [text for text in texts if serial in text and "Certificado" in text], serial
