-- Team, language and college of tickets; notes, alerts, replies that can still be undone; the search index.
alter table tickets add column team text not null default '';
alter table tickets add column language text not null default '';
alter table tickets add column college text not null default '';
alter table tickets add column joined integer not null default 0;
create index tickets_question on tickets (question);
create index tickets_joined on tickets (joined) where joined != 0;
create table notes (
  id integer primary key, ticket integer not null references tickets(id), kind text not null, author text not null,
  text text not null, at text not null
);
create index notes_ticket on notes (ticket, id);
create table alerts (
  id integer primary key, librarian text not null, ticket integer not null references tickets(id), kind text not null,
  who text not null default '', at text not null, seen_at text
);
create index alerts_unseen on alerts (librarian, id) where seen_at is null;
create table held (
  id integer primary key, ticket integer not null unique references tickets(id), author text not null, text text not null,
  closing integer not null default 0, due_at text not null
);
create index events_of_tickets on events (id) where ticket != 0;
create index messages_of_tickets on messages (id) where ticket != 0;
create virtual table search using fts5 (words, tokenize = 'unicode61 remove_diacritics 2');
create trigger messages_emptied after update of text on messages when new.text = '' begin delete from search where rowid = new.id; end;
create trigger messages_gone after delete on messages begin delete from search where rowid = old.id; end;
update tickets set language = coalesce((select json_extract(memory, '$.language') from conversations c where c.id = tickets.conversation), '');
