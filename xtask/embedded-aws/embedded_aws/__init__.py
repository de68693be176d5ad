"""An AWS for one developer's machine: a pinned MiniStack with its deviations from AWS repaired."""
