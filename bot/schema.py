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


_HOOKS = """
alter table messages add column open_until text;
alter table messages add column open_quota integer not null default 0;
create index messages_open on messages (conversation, open_until) where open_until is not null;
create table hangings (
  id integer primary key, message integer not null references messages(id), number integer not null,
  parcel integer, part integer, unique (message, number)
);
create unique index hangings_part on hangings (parcel, part, message) where parcel is not null;
create table other_ids (
  connector text not null, external text not null, message integer not null references messages(id), primary key (connector, external)
) without rowid;
"""


@MIGRATIONS(name="0020_hooks")
def hooks(db: Database) -> None:
    """Messages that take replies for a while, which number of theirs went to which part of a reply; further ids of a message."""
    db.executescript(_HOOKS)


_INBOX = """
create table inbox (
  id integer primary key, connector text not null, external text not null, body text not null, at text not null,
  done integer not null default 0, unique (connector, external)
);
create index inbox_waiting on inbox (connector, id) where not done;
create table pickups (code text primary key, message integer not null unique references messages(id)) without rowid;
"""


@MIGRATIONS(name="0021_inbox")
def inbox(db: Database) -> None:
    """What platforms brought and must not bring again; single replies behind a pick-up code."""
    db.executescript(_INBOX)


_REQUESTS = """
create table personal (
  ticket integer not null references tickets(id), name text not null, value text not null, primary key (ticket, name)
);
create index conversations_visitor on conversations (visitor);
create table incidents (
  id integer primary key, notice_zh text not null default '', notice_en text not null default '',
  intents text not null, databases text not null default '[]',
  opened_by text not null, opened_at text not null, expected_at text, ended_at text, ended_by text not null default ''
);
create index incidents_ended on incidents (ended_at);
create table incident_askers (
  incident integer not null references incidents(id), conversation integer not null references conversations(id),
  told integer not null default 0, primary key (incident, conversation)
);
create table fault_reports (
  id integer primary key, database text not null, conversation integer not null references conversations(id),
  visitor text not null, at text not null
);
create index fault_reports_at on fault_reports (at);
create table checks (
  database text primary key, url text not null, up integer not null, since text not null, checked_at text not null,
  detail text not null default ''
);
create table check_changes (
  id integer primary key, database text not null, up integer not null, at text not null, detail text not null default ''
);
create index check_changes_database on check_changes (database, at);
"""


@MIGRATIONS(name="0030_requests_and_incidents")
def requests_and_incidents(db: Database) -> None:
    """Personal fields of requests apart; incidents and who asked meanwhile; reports of faults; what the monitor saw."""
    db.executescript(_REQUESTS)


def migrate(db: Database, path: Path) -> None:
    """Bring a database to this version; refuse one that a newer version has written, and leave it untouched."""
    known = {migration.name for migration in MIGRATIONS._migrations}
    newer = [migration.name for migration in MIGRATIONS.applied(db) if migration.name not in known]
    if newer:
        raise StoreUnusable(path, f"was written by a newer version of Refdesk ({', '.join(newer)})")
    MIGRATIONS.apply(db)
