"""``adl check`` and ``adl config``: what is set up, and whether it works."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated
from urllib.parse import urlsplit

import typer

from coordinator.check import Finding, Status, report
from coordinator.cli.command import command
from coordinator.cli.console import Console, painted
from coordinator.cli.exits import Exit
from coordinator.settings import Loaded, Settings, load_settings
from coordinator.settings.template import template

__all__ = ["add_commands"]

_COLORS = {Status.OK: "green", Status.WARN: "yellow", Status.FAIL: "red"}


def add_commands(app: typer.Typer) -> None:
    """Register them."""
    command(app, "adl check", "adl check --config /etc/adl/adl.toml --json")(check)
    command(app, "adl config", "adl config --default > adl.toml")(config)


def check(console: Console) -> Exit:
    """Look at everything a run needs: ok, warn or fail, what was looked at, what to do.

    Exit status 1 when anything failed.
    """
    findings = asyncio.run(_all_findings(console))
    failed = sum(finding.status is Status.FAIL for finding in findings)
    document = {
        "schema": "adl.check/1",
        "ok": not failed,
        "findings": [asdict(finding) for finding in findings],
    }
    looks = f"{len(findings)} looks"
    console.answer(document, f"{failed} of {looks} failed" if failed else f"all {looks} passed")
    return Exit.NO if failed else Exit.DONE


async def _all_findings(console: Console) -> list[Finding]:
    """For people each line appears as soon as it is known."""
    findings = []
    async for finding in report(console.config):
        findings.append(finding)
        if not console.json:
            console.say(_line(console, finding))
    return findings


def _line(console: Console, finding: Finding) -> str:
    status = painted(console, f"{finding.status:<4}", _COLORS[finding.status])
    cure = f"\n      do: {finding.cure}" if finding.cure else ""
    return f"{status}  {finding.looked_at}: {finding.found}{cure}"


def config(
    console: Console,
    *,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema.")] = False,
    default: Annotated[
        bool, typer.Option("--default", help="Print a commented file to start from.")
    ] = False,
) -> Exit:
    """Show every setting with the place it comes from. Secrets are never shown."""
    if schema:
        console.say(json.dumps(Settings.model_json_schema(), indent=2))
    elif default:
        console.say(template().rstrip())
    else:
        _show(console, load_settings(console.config))
    return Exit.DONE


def _show(console: Console, loaded: Loaded) -> None:
    values = {
        key: {"value": _masked(key, value), "source": loaded.source(key)}
        for key, value in _leaves("", loaded.settings.model_dump(mode="json"))
    }
    lines = [
        f"{key} = {json.dumps(one['value'])}  # {one['source']}" for key, one in values.items()
    ]
    document = {
        "schema": "adl.config/1",
        "file": str(loaded.file) if loaded.file else None,
        "policy_digest": "0x" + loaded.settings.policy.digest.hex(),
        "values": values,
    }
    digest = f"# policy digest {document['policy_digest']}"
    console.answer(document, "\n".join([*lines, digest]))


def _leaves(prefix: str, table: dict[str, object]) -> Iterator[tuple[str, object]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _leaves(f"{prefix}{name}.", value)
        else:
            yield prefix + name, value


def _masked(key: str, value: object) -> object:
    """A path of an address may hold a key that no rule recognised."""
    if key.endswith(".rpc_urls") and isinstance(value, list):
        return [_host(url) for url in value]
    return value


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" + ("/***" if parts.path.strip("/") else "")
