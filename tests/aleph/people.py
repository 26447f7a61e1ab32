"""Roles, and what a role may read and write.

A wrong key makes its bearer anonymous instead of an error, and a casefile can never be public:
both surprise clients. Gives up: passwords (an API key serves as one), blocked accounts.
"""

from dataclasses import dataclass

from tests.aleph.store import Record, Store, now

GUEST, LOGGED_IN, ADMIN, USER = "1", "2", "4", "5"


@dataclass(frozen=True)
class Caller:
    """Who is asking: the role (None for anonymous) and all role ids that apply."""

    role: Record | None
    roles: tuple[str, ...]

    @property
    def id(self) -> str:
        """Give the role's id; anonymous callers act as role 1."""
        return self.role["id"] if self.role else GUEST

    @property
    def admin(self) -> bool:
        """Say whether the caller is an administrator."""
        return bool(self.role and self.role["is_admin"])


ANONYMOUS = Caller(None, (GUEST,))


class People:
    """The roles of the server and their rights on collections."""

    def __init__(self, store: Store, user_key: str | None, admin_key: str | None) -> None:
        self.store = store
        self.maintenance = False
        self.user_key = store.secret("user", user_key)
        self.admin_key = store.secret("admin", admin_key)
        self._make(GUEST, "system", "All visitors", "", key="")
        self._make(LOGGED_IN, "system", "Logged-in users", "", key="")
        self._make(ADMIN, "user", "Admin", "admin@aleph.example", key=self.admin_key, admin=True)
        self._make(USER, "user", "Plain User", "user@aleph.example", key=self.user_key)

    def _make(
        self, id_: str, kind: str, name: str, email: str, *, key: str, admin: bool = False
    ) -> None:
        old = self.store.roles.get(id_, {})
        stamp = old.get("created_at", now())
        role = {
            "id": id_,
            "type": kind,
            "name": name,
            "email": email,
            "is_admin": admin,
            "api_key": key,
            "created_at": stamp,
            "updated_at": stamp,
        }
        self.store.roles.save(id_, role)

    def rekey(self, role_id: str, key: str) -> None:
        """Give a role another API key, or with '' none; the old one is nobody's from now on."""
        self.store.roles.save(role_id, {**self.store.roles[role_id], "api_key": key})
        if key and role_id == USER:
            self.user_key = self.store.secret("user", key)
        if key and role_id == ADMIN:
            self.admin_key = self.store.secret("admin", key)

    def by_key(self, key: str) -> Caller | None:
        """Give the caller with an API key, or None."""
        for role in self.store.roles.values():
            if key and role["api_key"] == key:
                return Caller(role, (GUEST, LOGGED_IN, role["id"], *role.get("groups", ())))
        return None

    def add(self, id_: str, kind: str, name: str, email: str = "") -> None:
        """Add a person without a key, or a group without members."""
        self._make(id_, kind, name, email, key="")

    def change(self, role_id: str, **members: object) -> None:
        """Change what is kept of a role: `groups` (ids), `api_key_expires_at`."""
        self.store.roles.save(role_id, {**self.store.roles[role_id], **members})

    def by_token(self, token: str) -> Caller | None:
        """Give the caller of a session token, or None."""
        session = self.store.sessions.get(token)
        return self.by_key(self.store.roles[session["role_id"]]["api_key"]) if session else None

    def grant(self, collection_id: str, role_id: str, *, read: bool, write: bool) -> None:
        """Set a role's rights on a collection; rights of nobody are removed."""
        key = f"{collection_id}/{role_id}"
        if not read and not write:
            self.store.permissions.drop(key)
            return
        old = self.store.permissions.get(key) or {
            "id": str(self.store.number("permission")),
            "created_at": now(),
        }
        self.store.permissions.save(
            key,
            {
                **old,
                "collection_id": collection_id,
                "role_id": role_id,
                "read": read,
                "write": write,
                "updated_at": now(),
            },
        )

    def _allows(self, collection_id: str, caller: Caller, right: str) -> bool:
        rows = (self.store.permissions.get(f"{collection_id}/{role}") for role in caller.roles)
        return caller.admin or any(row and row[right] for row in rows)

    def can_read(self, collection_id: str, caller: Caller) -> bool:
        """Say whether the caller may read the collection."""
        return self._allows(collection_id, caller, "read")

    def can_write(self, collection_id: str, caller: Caller) -> bool:
        """Say whether the caller may write to the collection."""
        allowed = caller.role is not None and self._allows(collection_id, caller, "write")
        return allowed and not self.maintenance

    def secret(self, collection_id: str) -> bool:
        """Say whether neither everyone nor every user may read the collection."""
        keys = (f"{collection_id}/{role}" for role in (GUEST, LOGGED_IN))
        return not any(self.store.permissions.get(key, {}).get("read") for key in keys)

    def team(self, collection_id: str) -> list[Record]:
        """Give the people who may read the collection."""
        rows = self.store.of(self.store.permissions, collection_id)
        ids = [row["role_id"] for row in rows if row["read"]]
        return [self.store.roles[i] for i in ids if self.store.roles[i]["type"] == "user"]
