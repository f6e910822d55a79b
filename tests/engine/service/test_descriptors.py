from __future__ import annotations

import resource
import subprocess
import sys

SCRIPT = """
import resource
from abi_engine.service.descriptors import raise_descriptor_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))
assert raise_descriptor_limit() == 200
assert resource.getrlimit(resource.RLIMIT_NOFILE) == (200, 200)
assert raise_descriptor_limit() == 200
"""


def test_as_many_files_as_the_user_was_given_may_be_open() -> None:
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] >= 200
    child = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert child.returncode == 0, child.stderr
