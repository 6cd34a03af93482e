"""The shell around the merge: observing, planning, writing, settling; one pass (`sync`) or for ever (`run`)."""
