"""An engine inside a program: settings with origins, events, data that lasts, an orderly end."""

from pathlib import Path
from tempfile import TemporaryDirectory

from abi_engine import BreakerState, Engine, FeatureDisabled, Route, load

with TemporaryDirectory() as directory:
    home = Path(directory)
    (home / "abi.toml").write_text("[gateway.breaker]\nfailure_threshold = 7\n")
    config = load(
        home / "abi.toml",
        environ={"ABI_GATEWAY__POOL_SIZE": "8"},
        flags={"engine.log_level": "warning"},
        data_dir=home / "data",
    )

    # Every value knows where it comes from.
    for setting in config.settings():
        if setting.origin != "default":
            origin = setting.origin.replace(f"{home}/", "")
            print(f"{setting.key} = {setting.value} ({origin})")

    # Events are a stream, and any thread may watch.
    with Engine(config) as engine, engine.events.watch() as events:
        engine.gateway.add_route(Route("/hello", ("http://127.0.0.1:9000",)))
        engine.gateway.force_breaker("http://127.0.0.1:9000", BreakerState.OPEN)
        print(f"event: {next(events).message}")

        # What is switched off keeps its shape, and says how to switch it on.
        engine.system.set_feature("gateway", False)
        try:
            engine.gateway.stats()
        except FeatureDisabled as error:
            print(f"{error} ({error.hint})")
    print(f"the engine is {engine.state}")

    # An engine starts once; the next one on the same directory has the route again.
    with Engine(config) as engine:
        print(f"routes that lasted: {[route.path for route in engine.gateway.routes()]}")
