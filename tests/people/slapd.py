"""A real directory: slapd of OpenLDAP, with people, groups and an account of ours that looks."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import free_port, stop, wait_for_server

BASE = "dc=lab,dc=example"
LOOKS = "only-looks"
SLAPD = shutil.which("slapd", path="/usr/sbin:/usr/lib/openldap:/usr/bin")
CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
database mdb
suffix "{base}"
rootdn "cn=root,{base}"
rootpw root
directory {folder}/data
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=looks,{base}" read by * none
"""
ENTRIES = """
dn: {base}
objectClass: dcObject
objectClass: organization
o: Laboratory

dn: cn=looks,{base}
objectClass: organizationalRole
objectClass: simpleSecurityObject
userPassword: {looks}

dn: ou=people,{base}
objectClass: organizationalUnit

dn: ou=groups,{base}
objectClass: organizationalUnit
"""
PERSON = """
dn: uid={uid},ou=people,{base}
objectClass: inetOrgPerson
cn: {uid}
sn: {uid}
mail: {uid}@lab.example
employeeType: here
userPassword: {password}
"""
GROUP = """
dn: cn={name},ou=groups,{base}
objectClass: groupOfNames
{members}
"""


@dataclass
class Slapd:
    """One that runs. What is changed goes in by OpenLDAP's own tools, as root of the directory."""

    address: str

    def add(self, text: str) -> None:
        self._tool("ldapadd", text)

    def modify(self, text: str) -> None:
        self._tool("ldapmodify", text)

    def remove(self, dn: str) -> None:
        self._tool("ldapdelete", dn + "\n")

    def person(self, uid: str, password: str) -> None:
        self.add(PERSON.format(uid=uid, password=password, base=BASE))

    def group(self, name: str, *uids: str) -> None:
        members = "\n".join(f"member: uid={uid},ou=people,{BASE}" for uid in uids)
        self.add(GROUP.format(name=name, members=members, base=BASE))

    def _tool(self, tool: str, text: str) -> None:
        login = ["-x", "-H", self.address, "-D", f"cn=root,{BASE}", "-w", "root"]
        done = subprocess.run([tool, *login], input=text.encode(), capture_output=True)
        assert done.returncode == 0, done.stderr.decode()


@contextmanager
def running_slapd(folder: Path) -> Iterator[Slapd]:
    """It listens on a port of this computer, and ends with the test."""
    assert SLAPD
    (folder / "data").mkdir()
    (folder / "slapd.conf").write_text(CONFIGURATION.format(folder=folder, base=BASE))
    port, log = free_port(), folder / "log"
    address = f"ldap://127.0.0.1:{port}"
    command = [SLAPD, "-f", str(folder / "slapd.conf"), "-h", address, "-d", "0"]
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
        try:
            wait_for_server(process, port, log)
            made = Slapd(address)
            made.add(ENTRIES.format(base=BASE, looks=LOOKS))
            yield made
        finally:
            stop(process)
