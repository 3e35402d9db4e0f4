"""What a command ends with when it could not do what it was asked; the numbers are for scripts, and stay."""

from enum import IntEnum

from codereview.errors import CodeReviewError, ForbiddenError, MissingRightError


class ExitCode(IntEnum):
    """A process's end; 2 is a wrong command line, as everywhere."""

    FAILED = 1
    NOT_FOUND = 3
    NOT_ALLOWED = 4
    CONFLICT = 5
    LIMITED = 6
    UNAVAILABLE = 7


_BY_STATUS = {
    401: ExitCode.NOT_ALLOWED,
    403: ExitCode.NOT_ALLOWED,
    404: ExitCode.NOT_FOUND,
    409: ExitCode.CONFLICT,
    412: ExitCode.CONFLICT,
    428: ExitCode.CONFLICT,
    429: ExitCode.LIMITED,
}
_SERVER_ERRORS_FROM = 500


class CommandError(CodeReviewError):
    """One line for the person at the terminal, and the exit code for the script."""

    def __init__(self, message: str, exit_code: ExitCode = ExitCode.FAILED) -> None:
        """Say what went wrong, and how the process ends."""
        super().__init__(message)
        self.exit_code = exit_code


def exit_code_of(status: int) -> ExitCode:
    """Translate an HTTP status."""
    if status >= _SERVER_ERRORS_FROM:
        return ExitCode.UNAVAILABLE
    return _BY_STATUS.get(status, ExitCode.FAILED)


def exit_code_of_error(error: CodeReviewError) -> ExitCode:
    """Return a command's own code, and one for all who deny us something; everything else has just failed."""
    match error:
        case CommandError():
            return error.exit_code
        case ForbiddenError() | MissingRightError():
            return ExitCode.NOT_ALLOWED
    return ExitCode.FAILED
