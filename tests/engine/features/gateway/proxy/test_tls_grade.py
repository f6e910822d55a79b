"""TLS towards clients as testssl.sh sees it.

Every finding on protocols, ciphers, key exchange, server preferences and vulnerabilities must be
good or neutral, and the chain trusted when the authority is given. Where testssl.sh is new enough
to grade (3.2), the grade is an A at least. What depends on who issued a certificate (revocation,
DNS) is not the gateway's, and is left out.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.engine.features.gateway.proxy.secure import Authority, tls
from tests.engine.features.gateway.proxy.stage import Stage

CHECKS = (
    "--protocols",
    "--std",
    "--pfs",
    "--server-preference",
    "--server-defaults",
    "--vulnerable",
    "--each-cipher",
)
OF_THE_ISSUER = {"cert_revocation", "DNS_CAArecord"}
GOOD = {"OK", "INFO"}


@pytest.mark.skipif(shutil.which("testssl") is None, reason="testssl.sh is not installed")
@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("key", ["ECDSA", "RSA"])
def test_no_finding_is_bad_and_no_grade_below_a(stage: Stage, tmp_path: Path, key: str) -> None:
    import trustme

    authority = Authority(tmp_path)
    now, days = datetime.now(UTC), timedelta(days=80)
    kind = trustme.KeyType[key]
    certificate = authority.issue(
        "localhost", not_before=now - days / 80, not_after=now + days, key_type=kind
    )
    stage.serve(tls=tls(certificate))
    assert stage.proxy.address is not None
    report = tmp_path / "findings.json"
    command = ["testssl", *CHECKS, "--quiet", "--color", "0", "--warnings", "batch", "--ip", "one"]
    files = ["--add-ca", str(authority.file), "--jsonfile", str(report)]
    place = f"localhost:{stage.proxy.address[1]}"
    done = subprocess.run([*command, *files, place], capture_output=True, text=True, timeout=380)
    findings = {one["id"]: one for one in json.loads(report.read_text())}
    assert {"TLS1_2", "SSLv3", "heartbleed", "cipher_order", "cert_chain_of_trust"} <= set(
        findings
    ), done.stdout + done.stderr
    bad = {
        name: one["finding"]
        for name, one in findings.items()
        if one["severity"] not in GOOD and name not in OF_THE_ISSUER
    }
    assert not bad
    for name in ("SSLv2", "SSLv3", "TLS1", "TLS1_1"):
        assert findings[name]["finding"] == "not offered"
    for name in ("TLS1_2", "TLS1_3"):
        assert "offered" in findings[name]["finding"]
    assert findings["cert_chain_of_trust"]["finding"] == "passed."
    assert findings["sessionresumption_ticket"]["finding"] == "not supported"
    grade = findings.get("overall_grade")
    assert grade is None or grade["finding"].startswith("A")
