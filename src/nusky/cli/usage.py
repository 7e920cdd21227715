"""What is wrong with a command line, in plain words."""

from typing import Any

from nusky.cli.exit_status import USAGE


def is_usage_error(error: Exception) -> bool:
    """Whether typer found the command line wrong; the page of help that it shows for an empty one is no error."""
    wrong = getattr(error, "exit_code", None) == USAGE and hasattr(error, "format_message")
    return wrong and type(error).__name__ != "NoArgsIsHelpError"


def told(error: Any) -> str:
    """What is wrong, and where the help is: two lines."""
    path = error.ctx.command_path if error.ctx else "nusky"
    problem = _problem(error).rstrip(".")
    return f"{problem}{'' if problem.endswith('?') else '.'}\nSee `{path} --help`."


def _problem(error: Any) -> str:
    if hasattr(error, "possibilities"):
        return _no_such_option(error)
    if hasattr(error, "param_type"):  # of a parameter that is missing
        hint = (getattr(error.param, "help", "") or "").rstrip(".")
        return f"{error.format_message().rstrip('.')}{f': {hint[0].lower()}{hint[1:]}' if hint else ''}"
    if hasattr(error, "param_hint"):
        where = error.param_hint or (" or ".join(error.param.opts) if error.param is not None else "")
        return f"{where}: {_value(error)}" if where else _value(error)
    words = error.format_message().partition("extra argument(s) (")[2].removesuffix(")")
    if words:
        return f"not expected here: {words}. Text with blanks belongs in quotes"
    return error.format_message()


def _no_such_option(error: Any) -> str:
    name = error.option_name
    if name[1:2].isdigit():  # -0.01 is taken for an option
        return f"{error.message}. A negative number stands behind its option, such as --dec -0.01"
    alike = sorted(error.possibilities or [])
    if not alike and error.ctx is not None and not name.startswith("--"):  # -dec is taken for -d
        options = [option for param in error.ctx.command.params for option in param.opts]
        alike = sorted(option for option in options if option.startswith(f"-{name}"))
    return f"{error.message}. Did you mean {' or '.join(alike)}?" if alike else error.message


def _value(error: Any) -> str:
    """What is wrong with a value, as configurations have it told."""
    problems = getattr(error.__cause__, "errors", None)
    if problems is None:
        return error.message
    from nusky.config import problem

    return problem(problems()[0])
