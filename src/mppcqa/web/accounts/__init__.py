"""Logging in: django-allauth does it, with our pages, our log and what was typed meanwhile."""
