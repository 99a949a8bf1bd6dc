"""The partner's tables: in from a dump, from CSV, and out again as they came."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from mppcqa.cli import main
from mppcqa.exchange.partner.tables import (
    PartnerFault,
    cell_of,
    read_tables,
    text_of,
    write_tables,
)
from mppcqa.exchange.partner.taking import give_out, take_in
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device, DeviceType

DUMP = r"""-- MySQL dump 10.13
/*!40101 SET NAMES utf8 */;
DROP TABLE IF EXISTS `sipm_spec`;
CREATE TABLE `sipm_spec` (
  `sn` varchar(16) NOT NULL,
  `voltage` decimal(6,2) DEFAULT NULL,
  `vol_var` float DEFAULT NULL,
  `m_var` float DEFAULT NULL,
  `dark_rate` float DEFAULT NULL,
  `dr_var` float DEFAULT NULL,
  `module` varchar(4) DEFAULT NULL,
  `row` int(11) DEFAULT NULL,
  `col` int(11) DEFAULT NULL,
  `pos` int(11) DEFAULT NULL,
  `bias_channel` int(11) DEFAULT NULL,
  `remark` text,
  `batch_code` varchar(9) DEFAULT NULL,
  PRIMARY KEY (`sn`)
) ENGINE=InnoDB;
INSERT INTO `sipm_spec` VALUES ('P-1',71.30,12,2.50,16.1,4,'12U',3,2,17,4,
'O''Higgins; scratch, \\ left','B(7)'),
('P-2',71.45,9,3,17.6,5,NULL,NULL,NULL,NULL,NULL,'',NULL);
CREATE TABLE `sipm_spec_tile` (
  `sn` varchar(16) NOT NULL,
  `cell` int(11) NOT NULL,
  `voltage` decimal(6,2) DEFAULT NULL,
  `dark_rate` float DEFAULT NULL
);
INSERT INTO `sipm_spec_tile` (`sn`,`cell`,`voltage`,`dark_rate`) VALUES
('P-1',1,71.28,1.02),('P-1',16,71.35,0.99);
CREATE TABLE `sipm_data` (
  `sn` varchar(16) NOT NULL,
  `time` datetime DEFAULT NULL,
  `temperature_a` float DEFAULT NULL,
  `temperature_b` float DEFAULT NULL,
  `filter_1` int(11) DEFAULT NULL,
  `frequency` float DEFAULT NULL,
  `position` varchar(4) DEFAULT NULL,
  `amp_03` double DEFAULT NULL
);
INSERT INTO `sipm_data` VALUES
('P-1','2012-03-04 05:06:07',5.01,5.20,3,1.5e4,'2-3',-0.125),
('P-9',NULL,5,5,3,15000,'1-1',NULL);
"""


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    path = tmp_path / "halld_sipm.sql"
    path.write_text(DUMP)
    return path


@pytest.fixture
def arrays(db: None) -> None:
    DeviceType.objects.create(name="S12045", rows=4, columns=4)
    register_devices([{"serial": "P-1", "device_type": "S12045"}])


def test_a_dump_goes_out_as_it_came(dump: Path, arrays: None, tmp_path: Path) -> None:
    came = read_tables(str(dump))
    done = take_in(came)
    assert done.rows == {"sipm_spec": 2, "sipm_spec_tile": 2, "sipm_data": 2}
    assert done.unknown_columns["sipm_spec"] == ["remark", "batch_code"]
    assert "amp_03" in done.unknown_columns["sipm_data"]
    assert done.unknown_devices == ["P-2", "P-9"]
    for target in (tmp_path / "out.sql", tmp_path / "csv"):
        write_tables(give_out(), target)
        again = {table.name: table for table in read_tables(str(target))}
        for table in came:
            assert again[table.name].columns == table.columns
            said = [[text_of(cell) for cell in row] for row in again[table.name].rows]
            assert said == [[text_of(cell) for cell in row] for row in table.rows]
    assert read_tables(str(tmp_path / "out.sql")) == came


def test_what_is_known_becomes_the_devices(dump: Path, arrays: None) -> None:
    done = take_in(read_tables(str(dump)), device_type="S12045")
    assert (done.registered, done.devices) == (2, 3)
    device = Device.objects.get(serial="P-1")
    assert device.maker_values["V_op [V]"] == 71.30
    assert device.maker_values["V_op cell 16 [V]"] == 71.35
    place = {"module": "12U", "row": "3", "col": "2", "pos": "17", "bias_channel": "4"}
    assert device.installed == place
    assert Device.objects.get(serial="P-2").installed == {}


def test_a_new_place_goes_out(dump: Path, arrays: None) -> None:
    take_in(read_tables(str(dump)))
    device = Device.objects.get(serial="P-1")
    device.installed = {**device.installed, "module": "13D", "bias_channel": "2"}
    device.save()
    (spec,) = [table for table in give_out() if table.name == "sipm_spec"]
    row = dict(zip(spec.columns, spec.rows[0], strict=True))
    assert (row["module"], row["bias_channel"], row["voltage"]) == ("'13D'", "2", "71.30")


def test_a_dump_that_was_cut_off_is_refused(dump: Path) -> None:
    text = dump.read_text()
    dump.write_text(text[: text.index("'B(7)'")])
    with pytest.raises(PartnerFault, match="row of 13 cells"):
        read_tables(str(dump))
    dump.write_text("nothing")
    with pytest.raises(PartnerFault, match="no table"):
        read_tables(str(dump))


@pytest.mark.parametrize("text", ["", "O'Higgins", "a\\b", "x\ny", "12.30", None, "ñ, (1);"])
def test_a_cell_says_the_same_both_ways(text: str | None) -> None:
    assert text_of(cell_of(text)) == text
    assert text_of(cell_of(text, "0")) == text


def test_the_command(dump: Path, arrays: None, tmp_path: Path) -> None:
    said = CliRunner().invoke(main, ["partner", "in", str(dump), "--device-type", "S12045"])
    assert said.exit_code == 0, said.output
    assert "kept as they stand: remark, batch_code" in said.output
    said = CliRunner().invoke(main, ["partner", "out", str(tmp_path / "back.sql")])
    assert said.exit_code == 0, said.output
    assert read_tables(str(tmp_path / "back.sql")) == read_tables(str(dump))
