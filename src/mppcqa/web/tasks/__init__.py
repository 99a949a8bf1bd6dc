"""The queue: its list, tasks, groups, run times."""
