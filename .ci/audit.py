"""Asks for known weaknesses in what the locks name; says so where nobody could be asked.

Fails when one is known, and not when the advisory service cannot be reached.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

TIMEOUT = 300.0


def audit(lock: str) -> list[dict[str, Any]] | None:
    """pip-audit's answer on each package of a lock; None where it got none itself."""
    command = [
        Path(sys.executable).with_name("pip-audit"),
        *("--requirement", lock, "--require-hashes", "--disable-pip"),
        *("--format", "json", "--progress-spinner", "off"),
    ]
    try:
        child = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return None
    if not child.stdout.startswith("{"):
        print(*child.stderr.strip().splitlines()[-1:], file=sys.stderr)
        return None
    packages: list[dict[str, Any]] = json.loads(child.stdout)["dependencies"]
    return packages


def report(lock: str, packages: list[dict[str, Any]] | None) -> bool:
    """Print what is known of a lock; tell whether nothing is known against it."""
    if packages is None:
        print(f"{lock}: NOT AUDITED, the advisory service did not answer")
        return True
    unknown = [package for package in packages if "skip_reason" in package]
    bad = [package for package in packages if package.get("vulns")]
    for package in bad:
        ids = ", ".join(weakness["id"] for weakness in package["vulns"])
        print(f"{lock}: {package['name']} {package['version']}: {ids}")
    if unknown:
        print(f"{lock}: NOT AUDITED: {len(unknown)} of {len(packages)} packages, no answer on them")
    print(f"{lock}: {len(packages) - len(unknown)} packages audited, {len(bad)} with weaknesses")
    return not bad


if __name__ == "__main__":
    clean = [report(lock, audit(lock)) for lock in sys.argv[1:]]
    sys.exit(0 if all(clean) else 1)
