"""Measurements of the site: how fast it answers, and how well it reads real data."""
