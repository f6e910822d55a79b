"""An engine in this program: nothing to install beside it, no server to start."""

from abi_engine import Engine

with Engine() as engine:
    status = engine.system.status()
    print(f"ABI {status.version} is {status.state} in process {status.pid}")
    for feature in status.features:
        print(f"  {feature.name}: {feature.summary}")
