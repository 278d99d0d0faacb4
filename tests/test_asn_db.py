#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""The scripts that make or fetch databases: what they write is read back by MaxMind's reader. Nothing is fetched:
npm and geoipupdate are stood in for.

    test_asn_db.py BINARY SOURCE_ROOT

Exit status: 0 passed, 1 failed, 77 no reader or writer of MMDB.
"""

import io
import os
import stat
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

try:
    import maxminddb
except ImportError:
    print("test_asn_db: skipped: no python3-maxminddb")
    sys.exit(77)
if subprocess.run(["perl", "-MMaxMind::DB::Writer::Tree", "-e", "1"], capture_output=True).returncode != 0:
    print("test_asn_db: skipped: no libmaxmind-db-writer-perl")
    sys.exit(77)

IPV4 = """1.0.0.0,1.0.0.255,13335,"Cloudflare, Inc."
1.0.4.1,1.0.4.6,38803,Gtelecom Pty Ltd
"5.0.0.0","5.0.0.255","4294967295","A ""quoted"" name"
6.0.0.0,6.0.0.0,1,
"""
IPV6 = """2001::,2001::ffff:ffff:ffff:ffff:ffff:ffff,6939,Hurricane Electric LLC
2001:4:112::,2001:4:112:ffff:ffff:ffff:ffff:ffff,112,Телеком
2001:ffff::,2003:0:ffff:ffff:ffff:ffff:ffff:ffff,7,around 6to4
"""
EXPECTED = {
    "1.0.0.77": (13335, "Cloudflare, Inc."), "1.0.1.0": None,
    "1.0.4.0": None, "1.0.4.1": (38803, "Gtelecom Pty Ltd"), "1.0.4.6": (38803, "Gtelecom Pty Ltd"), "1.0.4.7": None,
    "5.0.0.1": (4294967295, 'A "quoted" name'), "6.0.0.0": (1, None),
    "2001:4:112::1": (112, "Телеком"),
    # the aliases answer for the IPv4 address inside, whatever the range around them says
    "2002:100:4d::1": (13335, "Cloudflare, Inc."), "2001:ffff::1": (7, "around 6to4"), "2003::1": (7, "around 6to4"),
}
failures = []


def must(condition, what):
    if not condition:
        failures.append(what)
        print("test_asn_db: " + what)


def run(arguments, **more):
    return subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=60, **more)


def check_database(path):
    with maxminddb.open_database(str(path)) as database:
        for address, expected in EXPECTED.items():
            record = database.get(address)
            got = record and (record["autonomous_system_number"], record.get("autonomous_system_organization"))
            must(got == expected, "%s: %s is %r, not %r" % (path, address, got, expected))


def test_csv(scripts, folder):
    (folder / "4.csv").write_text(IPV4)
    (folder / "6.csv").write_text(IPV6)
    result = run([scripts / "csv-to-mmdb", folder / "out.mmdb", folder / "4.csv", folder / "6.csv"])
    must(result.returncode == 0, "csv-to-mmdb: " + result.stderr)
    must(": 7 ranges, " in result.stdout, "csv-to-mmdb says %r" % result.stdout)
    check_database(folder / "out.mmdb")
    before = (folder / "out.mmdb").read_bytes()
    for text, says in (("1.0.0.0,1.0.0.255,x,y\n", "bad.csv:1: '1.0.0.0,1.0.0.255,x,y': not first address"),
                       (IPV4 + "1.0.0.0,1.0.0.255,0,y\n", "bad.csv:5: 0: an AS number is"),
                       ("1.0.0.0,1.0.0.355,1,y\n", "bad.csv:1: '1.0.0.0,1.0.0.355,1,y': not a range"),
                       ("1.0.0.0,4294967296,1,y\n", "bad.csv:1: ")):
        (folder / "bad.csv").write_text(text)
        result = run([scripts / "csv-to-mmdb", folder / "out.mmdb", folder / "bad.csv"])
        must(result.returncode != 0 and says in result.stderr and len(result.stderr.splitlines()) == 1,
             "csv-to-mmdb says %r to %r" % (result.stderr, text))
    must((folder / "out.mmdb").read_bytes() == before, "a bad CSV displaced a good database")


def stand_in(folder, name, text):
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/bash\n" + text)
    path.chmod(0o755)


def pack(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo("package/" + name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def test_npm(scripts, folder, environment):
    pack(folder / "asn.tgz", {"asn-ipv4.csv": IPV4.encode(), "asn-ipv6.csv": IPV6.encode()})
    pack(folder / "country.tgz", {"geo-whois-asn-country.mmdb": b"as it came"})
    stand_in(folder, "npm", """[[ $1 == pack && $2 == --silent ]] || exit 1
case $3 in
	@ip-location-db/asn) n=asn.tgz ;;
	@ip-location-db/geo-whois-asn-country-mmdb) n=country.tgz ;;
	*) exit 1 ;;
esac
cp "%s/$n" . && echo $n
""" % folder)
    result = run([scripts / "get-asn-db", "--npm", folder / "npm"], env=environment)
    must(result.returncode == 0, "get-asn-db --npm: " + result.stderr)
    must("CC BY 4.0" in result.stdout and "DB-IP" in result.stdout, "get-asn-db names no licence: " + result.stdout)
    check_database(folder / "npm/asn.mmdb")
    must((folder / "npm/country.mmdb").read_bytes() == b"as it came", "the country database is another")


def test_geolite2(scripts, folder, environment):
    result = run([scripts / "get-asn-db", "--geolite2", folder], env=environment)
    must(result.returncode == 1 and result.stderr.startswith("get-asn-db: no MaxMind account: "),
         "get-asn-db without an account says %r" % result.stderr)
    stand_in(folder, "geoipupdate", """[[ $1 == -f && $3 == -d ]] || exit 1
stat -c %%a "$2" > "%s/mode"
cp "$2" "%s/seen"
touch "$4/GeoLite2-ASN.mmdb"
""" % (folder, folder))
    account = {**environment, "GEOIPUPDATE_ACCOUNT_ID": "42", "GEOIPUPDATE_LICENSE_KEY": "secret"}
    # an account that is there is used without being asked for
    for option in ([], ["--geolite2"]):
        result = run([scripts / "get-asn-db", *option, folder / "geo"], env=account)
        must(result.returncode == 0, "get-asn-db with an account: " + result.stderr)
        must("MaxMind" in result.stdout and "secret" not in result.stdout, "get-asn-db says %r" % result.stdout)
        must((folder / "seen").read_text() ==
             "AccountID 42\nLicenseKey secret\nEditionIDs GeoLite2-ASN GeoLite2-Country\n",
             "geoipupdate was given %r" % (folder / "seen").read_text())
        must((folder / "mode").read_text() == "600\n", "others could read the key: " + (folder / "mode").read_text())
        (folder / "geo/GeoLite2-ASN.mmdb").unlink()
    stand_in(folder, "geoipupdate", "echo 'error: 401' >&2\nexit 1\n")
    result = run([scripts / "get-asn-db", "--geolite2", folder / "geo"], env=account)
    must(result.returncode == 1 and "401" in result.stderr, "a failed geoipupdate went unsaid: " + result.stderr)
    must(not stat.S_ISREG((folder / "geo").stat().st_mode) and not list((folder / "geo").iterdir()), "files left")


def main():
    scripts = Path(sys.argv[2]) / "scripts"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GEOIPUPDATE")}
        environment["PATH"] = "%s/bin:%s" % (folder, environment["PATH"])
        test_csv(scripts, folder)
        test_npm(scripts, folder, environment)
        test_geolite2(scripts, folder, environment)
    print("test_asn_db: %d failures" % len(failures))
    return 1 if failures else 0


sys.exit(main())
