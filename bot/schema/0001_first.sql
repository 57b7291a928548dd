-- Conversations, messages, tickets, append-only events, outbox, librarians.
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
