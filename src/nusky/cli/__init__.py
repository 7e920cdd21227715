"""The `nusky` command: `app` puts it together, one module for each group of subcommands, `console` prints."""


def main() -> None:
    """Entry point of the command `nusky`."""
    from nusky.cli.app import app

    app(prog_name="nusky")
