"""Accounts and sessions: how people sign in, whatever they may then do."""
