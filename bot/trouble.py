"""Expected trouble on the command line. Alone in its module: quick commands load nothing else for it."""

import click


class Trouble(click.ClickException):
    """One sentence for the user of the command line, with the mend; exit code 2."""

    exit_code = 2
