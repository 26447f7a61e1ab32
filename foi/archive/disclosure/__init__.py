"""Disclosure logs of authorities that have no software: a CSV file or spreadsheet as somebody
keeps it by hand, its columns guessed, looked at first, and taken over by the import of requests.

`logs` is the front; the rest is one question each: what the rows are (`reading`, `sheets`), which
row holds the headings and what each column means (`fields`, `guessing`), how dates and outcomes
are to be read (`dating`, `outcomes`), whose the requests are (`owners`), what a row says (`rows`)
and what would come of it (`preview`). Nothing is imported here, so that the reader of spreadsheets
starts quickly in its own process.
"""
