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


_FIGURES = """
alter table events add column room text not null default '';
alter table events add column college text not null default '';
alter table outbox add column arrived integer not null default 0;
update outbox set arrived = 1 where status in ('delivered', 'mailbox');
create table questions (
  question integer primary key, seen integer not null, at integer not null, day integer not null, hour integer not null,
  connector text not null, room text not null, visitor text not null, language text not null, college text not null,
  intent text not null, entry text not null, result text not null,
  ticket integer not null, reason text not null, opened integer not null, first_answer real, librarian text not null,
  replies integer not null, helpful integer, satisfied integer, form text not null, form_state text not null, logged integer not null
);
create index questions_day on questions (day);
create index questions_seen on questions (seen);
create table event_totals (name text not null, connector text not null, count integer not null, primary key (name, connector));
insert into events (name, at, connector, visitor, question, intent, ticket, librarian, language, value)
  select 'delivered', m.at, m.connector, c.visitor, m.answers, coalesce(t.intent, ''), m.ticket, m.author, m.language, o.status
  from messages m join outbox o on o.message = m.id join conversations c on c.id = m.conversation left join tickets t on t.id = m.ticket
  where m.who = 'librarian' and o.status in ('delivered', 'mailbox') order by m.id;
create view v_questions as
  select question, datetime(at, 'unixepoch') as asked_at, date(day * 86400, 'unixepoch') as day, hour, connector as channel,
    room, visitor, language, college, intent as topic, entry, result, nullif(ticket, 0) as ticket, reason,
    iif(opened, datetime(opened, 'unixepoch'), null) as opened_at, first_answer as first_answer_seconds, replies, helpful, satisfied,
    form, form_state, logged
  from questions;
create view v_tickets as
  select t.id as ticket, t.question, c.connector as channel, c.room, t.intent as topic, t.reason, t.status,
    datetime(t.opened_at) as opened_at, datetime(t.claimed_at) as claimed_at, datetime(t.answered_at) as answered_at,
    datetime(t.closed_at) as closed_at
  from tickets t join conversations c on c.id = t.conversation;
create view v_daily as
  select date(day * 86400, 'unixepoch') as day, connector as channel, language, count(*) as questions,
    sum(result = 'by_bot') as by_bot, sum(result = 'by_librarian') as by_librarian, sum(result = 'waiting') as waiting,
    sum(result = 'closed_unanswered') as closed_unanswered, sum(opened > 0) as handed_over,
    sum(coalesce(helpful = 1, 0)) as helpful, sum(coalesce(helpful = 0, 0)) as unhelpful
  from questions group by questions.day, connector, language;
"""


@MIGRATIONS(name="0050_figures")
def figures(db: Database) -> None:
    """What became of each question, kept beside the events and made again from them; deliveries as events; views for others."""
    db.executescript(_FIGURES)


def migrate(db: Database, path: Path) -> None:
    """Bring a database to this version; refuse one that a newer version has written, and leave it untouched."""
    known = {migration.name for migration in MIGRATIONS._migrations}
    newer = [migration.name for migration in MIGRATIONS.applied(db) if migration.name not in known]
    if newer:
        raise StoreUnusable(path, f"was written by a newer version of Refdesk ({', '.join(newer)})")
    MIGRATIONS.apply(db)
