"""Ordered migrations. A released migration is never edited; a change of the schema is a new function at the end."""

from pathlib import Path

from sqlite_utils import Database, Migrations

from bot.errors import StoreUnusable

MIGRATIONS = Migrations("refdesk")

_FIRST = """
create table conversations (
  id integer primary key, connector text not null, user text not null, room text not null default '',
  visitor text not null, state text not null, ticket integer not null default 0, memory text not null default '{}',
  last_at text, unique (connector, user, room)
);
create table messages (
  id integer primary key, conversation integer not null references conversations(id), who text not null,
  connector text not null, external text, text text not null, language text not null default '', at text not null,
  author text not null default '',
  answers integer not null default 0, question integer not null default 0, ticket integer not null default 0,
  body text not null default '{}'
);
create unique index messages_external on messages (connector, external) where external is not null;
create index messages_conversation on messages (conversation, id);
create index messages_answers on messages (answers) where answers != 0;
create table tickets (
  id integer primary key, conversation integer not null references conversations(id), question integer not null,
  intent text not null default '', reason text not null, status text not null, opened_at text not null,
  code text not null unique,
  claimed_by text not null default '', claimed_at text, answered_at text, closed_at text, fields text not null default '[]'
);
create index tickets_queue on tickets (status, opened_at);
create index tickets_conversation on tickets (conversation);
create table events (
  id integer primary key, name text not null, at text not null, connector text not null, visitor text not null,
  question integer not null default 0, intent text not null default '', entry text not null default '',
  ticket integer not null default 0,
  librarian text not null default '',
  language text not null default '', engine text not null default '', value text not null default ''
);
create index events_at on events (at);
create index events_question on events (question);
create trigger events_are_kept before delete on events begin select raise(abort, 'events are append-only'); end;
create trigger events_are_fixed before update on events begin select raise(abort, 'events are append-only'); end;
create table outbox (
  id integer primary key, message integer not null unique references messages(id), status text not null, due_at text not null,
  deadline text, tries integer not null default 0, error text not null default ''
);
create index outbox_due on outbox (status, due_at);
create table librarians (
  login text primary key, name text not null, role text not null, password text not null default '',
  failures integer not null default 0,
  locked_until text, session integer not null default 0, created_at text not null
);
create table invitations (digest text primary key, login text not null, expires_at text not null);
create table facts (name text primary key, value text not null);
"""


@MIGRATIONS(name="0001_first")
def first(db: Database) -> None:
    """Conversations, messages, tickets, append-only events, outbox, librarians."""
    db.executescript(_FIRST)


_REACH = """
alter table messages add column attachments text not null default '[]';
alter table messages add column tap integer not null default 0;
alter table outbox add column sent integer not null default 0;
alter table outbox add column handed text not null default '';
create table pushes (id integer primary key, conversation integer not null references conversations(id), at text not null);
create index pushes_conversation on pushes (conversation, at);
"""


@MIGRATIONS(name="0002_reach")
def reach(db: Database) -> None:
    """Attachments, taps; what a push cost of a channel's quota and how far a long one came."""
    db.executescript(_REACH)


_PEOPLE = """
alter table librarians add column totp text not null default '';
alter table librarians add column totp_used integer not null default 0;
alter table librarians add column email text not null default '';
alter table librarians add column disabled integer not null default 0;
create table login_sessions (
  digest text primary key, login text not null references librarians(login), begun_at text not null, seen_at text not null,
  address text not null default '', agent text not null default ''
);
create index login_sessions_login on login_sessions (login);
create table audit (
  id integer primary key, at text not null, who text not null, deed text not null, target text not null default '',
  address text not null default '', detail text not null default ''
);
create index audit_at on audit (at);
create trigger audit_is_kept before delete on audit begin select raise(abort, 'the audit log is append-only'); end;
create trigger audit_is_fixed before update on audit begin select raise(abort, 'the audit log is append-only'); end;
"""


@MIGRATIONS(name="0060_people")
def people(db: Database) -> None:
    """Sessions that can be listed and ended one by one, a second factor, the audit log."""
    db.executescript(_PEOPLE)


def migrate(db: Database, path: Path) -> None:
    """Bring a database to this version; refuse one that a newer version has written, and leave it untouched."""
    known = {migration.name for migration in MIGRATIONS._migrations}
    newer = [migration.name for migration in MIGRATIONS.applied(db) if migration.name not in known]
    if newer:
        raise StoreUnusable(path, f"was written by a newer version of Refdesk ({', '.join(newer)})")
    MIGRATIONS.apply(db)
