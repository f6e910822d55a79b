"""The table of features: one row each. Refuses to import any of them until asked."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple


class Row(NamedTuple):
    """A feature of the catalogue.

    Attributes:
        name: as in `Engine.<name>`, the section of the configuration and the command.
        summary: one line.
        parent: the feature it belongs to, which must be on as well.
        needs: features handed to its constructor, by name; off if one of them is off.
        uses: features handed to it where they are on, else None.
        default: whether it is on unless configuration says otherwise.
        built: False for a name that is reserved and not built.
        package: where its `api`, `config` and implementation live; empty means the built-in place.
    """

    name: str
    summary: str
    parent: str = ""
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    default: bool = True
    built: bool = False
    package: str = ""

    @property
    def flag(self) -> str:
        """The setting that switches the feature."""
        return f"features.{self.name}"

    @property
    def api(self) -> type[Any]:
        """The Protocol, `<Name>Api` in `api.py`."""
        return self._load("api", "Api")

    @property
    def config(self) -> type[Any]:
        """The settings, `<Name>Config` in `config.py`."""
        return self._load("config", "Config")

    @property
    def implementation(self) -> type[Any]:
        """The class that does it, `<Name>` in `<name>.py`."""
        return self._load(self.name, "")

    def _load(self, module: str, suffix: str) -> type[Any]:
        package = self.package or f"abi_engine.features.{self.name}"
        words = "".join(word.capitalize() for word in self.name.split("_"))
        found: type[Any] = getattr(import_module(f"{package}.{module}"), words + suffix)
        return found


Catalogue = tuple[Row, ...]

BUILT_IN: Catalogue = (
    Row("cache", "in-memory cache: seven eviction policies, TTL, memory budget"),
    Row(
        "gateway", "API gateway: radix routing, rate limits, breakers, a reverse proxy", built=True
    ),
    Row("messaging", "topics, wildcards, back-pressure, retry, dead letters, durable topics"),
    Row("search", "full-text search: BM25, snippets, prefix, fuzzy, phrase"),
    Row("storage", "objects on memory, disk, S3, GCS, Azure"),
    Row("database", "vector database: exact and graph search, filters, hybrid, backup"),
    Row("gpu", "devices, buffers, kernels: the compute backends as a feature"),
    Row("ai", "what the AI features share: prompts, tools, memory, sessions"),
    Row("llm", "language models: tokenising, inference, chat", parent="ai"),
    Row("embeddings", "text to vectors", parent="ai"),
    Row("agents", "agents with tools, memory and sessions", parent="ai"),
    Row("training", "training and fine-tuning on the compute backends", parent="ai"),
    Row("reasoning", "retrieval, evaluation, templates, ensembles", parent="ai"),
    Row("personas", "named prompts with settings", parent="ai"),
    Row("constitution", "rules checked on input and output", parent="ai"),
    Row("vision", "image embedding and classification", parent="ai"),
    Row("network", "cluster membership, discovery, balancing, secure channels"),
    Row("web", "HTTP client and server, middleware, WebSocket, SSE"),
    Row("pages", "pages with URL routing and templates", needs=("web",)),
    Row("cloud", "CloudEvents and adapters for function platforms"),
    Row("analytics", "events, sessions, funnels, experiments"),
    Row("auth", "the security modules behind one door"),
    Row("observability", "metrics, tracing, alerting, exporters"),
    Row("benchmarks", "measured suites"),
    Row("tasks", "the task list"),
    Row("plans", "execution plans and workflow runs"),
    Row("mobile", "a bridge to the device where one exists", default=False),
)


def find(catalogue: Catalogue, name: str) -> Row | None:
    """The row called `name`, or None."""
    return next((row for row in catalogue if row.name == name), None)
