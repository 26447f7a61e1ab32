"""Where templates/ and alembic/ are, in a checkout (beside foi/) and in an installed wheel (inside
foi/).

A known file is looked for, never the folder alone: one level above an installed `foi` lies
site-packages, where `alembic` is the library of that name.
"""

from pathlib import Path

_HERE = Path(__file__).resolve().parent
_KNOWN = {"templates": "layout.jinja2", "alembic": "env.py"}


def folder(name: str) -> Path:
    """Give the absolute folder called `templates` or `alembic`; FileNotFoundError when neither
    place has it.
    """
    for base in (_HERE, _HERE.parent):
        if (base / name / _KNOWN[name]).is_file():
            return base / name
    raise FileNotFoundError(f"{name}/{_KNOWN[name]} is neither in {_HERE} nor beside it")
