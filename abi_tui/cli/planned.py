"""The names of commands that are reserved and not built yet. Refuses to promise more than names."""

from __future__ import annotations

from abi_tui.cli.command import Planned

HEADINGS = ("Run", "Data", "Traffic", "Intelligence", "System", "Help")

PLANNED = (
    Planned("cache", "in-memory cache: get, put, watch", "Data"),
    Planned("search", "full-text search: indexes, documents, queries", "Data"),
    Planned("storage", "objects on memory, disk and cloud stores", "Data"),
    Planned("db", "the vector database", "Data", ("ls", "database")),
    Planned("convert", "datasets, models and embeddings from one form to another", "Data"),
    Planned("messaging", "topics, subscriptions, dead letters", "Traffic"),
    Planned("network", "cluster membership, discovery, secure channels", "Traffic"),
    Planned("web", "HTTP client and server", "Traffic"),
    Planned("pages", "pages with URL routing and templates", "Traffic"),
    Planned("cloud", "CloudEvents and adapters for function platforms", "Traffic"),
    Planned("discord", "messages, commands and webhooks of Discord", "Traffic"),
    Planned("agent", "agents with tools, memory and sessions", "Intelligence", ("agents",)),
    Planned("multi-agent", "workflows and execution plans", "Intelligence", ("plans",)),
    Planned("llm", "language models", "Intelligence", ("chat", "reasoning")),
    Planned("model", "models on disk", "Intelligence"),
    Planned("embed", "text to vectors", "Intelligence", ("embeddings",)),
    Planned("train", "training and fine-tuning", "Intelligence", ("training",)),
    Planned("explore", "questions to a code base", "Intelligence"),
    Planned("os-agent", "an agent that works on this machine", "Intelligence"),
    Planned("mcp", "tools for models over MCP", "Intelligence"),
    Planned("acp", "agent cards and the agent client protocol", "Intelligence"),
    Planned("gpu", "devices and kernels", "System"),
    Planned("simd", "what the processor can do", "System"),
    Planned("analytics", "events, sessions, funnels, experiments", "System"),
    Planned("auth", "keys and who may do what", "System"),
    Planned("observability", "metrics, traces, alerts", "System"),
    Planned("profile", "named sets of settings", "System"),
    Planned("task", "the task list", "System", ("tasks",)),
)  # fmt: skip
