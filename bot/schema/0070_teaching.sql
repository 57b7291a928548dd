-- Who taught and who reviewed; drafts of entries; what was learned when, and how it was judged.
alter table examples add column author text not null default '';
alter table examples add column reviewer text not null default '';
alter table examples add column generation integer not null default 0;
create table entry_drafts (
  id integer primary key, intent text not null, body text not null, author text not null, question integer not null default 0,
  status text not null default 'awaiting', reviewer text not null default '', generation integer not null default 0, at text not null
);
create table generations (
  id integer primary key, at text not null, librarian text not null, state text not null, body text not null default '{}'
);
