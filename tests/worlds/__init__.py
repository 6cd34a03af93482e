"""The whole engine in one process and in virtual time, with faults, replayable by its seed."""
