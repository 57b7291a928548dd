-- Messages that take replies for a while, which number of theirs went to which part of a reply; further ids of a message.
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
