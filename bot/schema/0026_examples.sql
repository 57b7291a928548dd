-- Words that patrons or librarians labelled with an intent; librarians review them before the bot learns from them.
create table examples (
  id integer primary key, text text not null, intent text not null, source text not null,
  question integer not null default 0, conversation integer not null default 0, status text not null default 'awaiting', at text not null
);
create index examples_status on examples (status, id);
