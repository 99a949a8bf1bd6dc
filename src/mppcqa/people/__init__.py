"""Accounts and roles: who may do what, how a person comes in, and how one stays out."""
