"""Branches of an execution that go on running after the execution, or their Map, has ended."""


class Abandoned(SystemExit):
    """Unwinds a branch that nobody waits for any more.

    A SystemExit, because the emulator turns every Exception of a branch into a failure of the
    execution, while a thread that raises SystemExit ends without a trace.
    """
