"""Who sends a request, read by one short statement instead of two composed ones: see `core.joined`.

A session belongs to one person as long as it lives, so a process may remember whose it is, and read both at once.
What counts is read from the database each time: that the session lives, the person, and whether they are active.
"""

import threading
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.models import Session

from server.accounts.models import User
from server.core import sql
from server.core.joined import Joined

PERSON = Joined(u=User)
SESSION = f"""
SELECT s.session_data, s.expire_date, {PERSON.columns}
FROM django_session s LEFT JOIN accounts_user u ON u.id = %s AND u.is_active
WHERE s.session_key = %s AND s.expire_date > now()
"""
SESSIONS_KEPT = 10_000

_owners: dict[str, int] = {}
"""Session key → who it was found to belong to, in this process."""
_read = threading.local()
"""`person` came with the session that this thread read last; asking for the user is what follows."""


class SessionStore(DatabaseStore):
    """Django's own, with its one hot question asked cheaply."""

    def _get_session_from_db(self) -> Session | None:
        _read.person = None
        if self.session_key is None:
            return None
        row = next(iter(sql.fetch_rows(SESSION, [_owners.get(self.session_key), self.session_key], hot=True)), None)
        if row is None:
            self._session_key = None
            return None
        _read.person = PERSON.read(row[2:])["u"]
        return Session(session_key=self.session_key, session_data=row[0], expire_date=row[1])

    def load(self) -> dict[str, Any]:
        found: dict[str, Any] = super().load()
        if self.session_key and SESSION_KEY in found:
            if len(_owners) >= SESSIONS_KEPT:
                _owners.clear()
            _owners[self.session_key] = int(found[SESSION_KEY])
        return found


class Accounts(ModelBackend):
    """Django's own, likewise. A disabled account is nobody from its next request on."""

    def get_user(self, user_id: Any) -> User | None:
        person: User | None = getattr(_read, "person", None)
        _read.person = None
        if person is not None and person.pk == user_id:
            return person
        statement = f"SELECT {PERSON.columns} FROM accounts_user u WHERE u.id = %s AND u.is_active"
        row = next(iter(sql.fetch_rows(statement, [user_id], hot=True)), None)
        return PERSON.read(row)["u"] if row else None
