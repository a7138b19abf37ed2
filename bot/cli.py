"""The command line: `reelstate`. Every expected trouble is one sentence with its mend, exit code 2."""

from importlib import import_module
from typing import Final

import click

from bot.wiring.leaving import leave_in_order

COMMANDS: Final = (
    "demo",
    "run",
    "bot",
    "worker",
    "classify",
    "doctor",
    "check",
    "job",
    "diagram",
    "log",
    "replay",
    "simulate",
    "bench",
)
"""Loaded when they are asked for: a quick command does not pay for the others' imports."""
_MODULES: Final = {"run": "serve", "bot": "serve", "worker": "serve"}


class _Lazy(click.Group):
    """A group whose commands are imported by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"bot.commands.{_MODULES.get(cmd_name, cmd_name)}")
        found = getattr(module, f"{cmd_name}_command", None) or getattr(module, cmd_name)
        assert isinstance(found, click.Command)  # noqa: S101 - each module defines its command
        return found


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="reelstate")
def cli() -> None:
    """A Telegram bot that sells short product videos, on a durable state-machine job engine."""


def main() -> None:
    """The console script."""
    leave_in_order()
    cli()


if __name__ == "__main__":
    main()
