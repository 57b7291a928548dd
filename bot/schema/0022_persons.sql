-- Members of groups who are known under another user id as well, and the codes with which they show it.
create table persons (
  connector text not null, user text not null, known_as text not null, primary key (connector, user)
) without rowid;
create table person_codes (
  code text primary key, connector text not null, user text not null, until text not null
) without rowid;
