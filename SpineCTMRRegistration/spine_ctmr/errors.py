"""The errors a user can meet, each one sentence: the input, the problem, the mend."""


class SpineError(Exception):
    """An expected failure whose message is shown to the user as it is."""

    exit_code = 1


class InputError(SpineError):
    """An argument or input that cannot be used."""

    exit_code = 2


class RegistrationFailed(SpineError):
    """The registration finished but failed its own checks."""

    exit_code = 3


class Cancelled(SpineError):
    """The user asked to stop."""

    exit_code = 130
