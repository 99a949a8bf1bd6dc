"""Stages that are a checklist: filled in by scan, with photographs."""
