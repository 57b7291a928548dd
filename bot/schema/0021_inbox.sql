-- What platforms brought and must not bring again; single replies behind a pick-up code.
create table inbox (
  id integer primary key, connector text not null, external text not null, body text not null, at text not null,
  done integer not null default 0, unique (connector, external)
);
create index inbox_waiting on inbox (connector, id) where not done;
create table pickups (code text primary key, message integer not null unique references messages(id)) without rowid;
