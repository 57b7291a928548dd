-- On channels that name people differently in groups and in private: passwords that tie the two, and what was tied.
create table pairings (word text primary key, connector text not null, user text not null, until text not null) without rowid;
create table links (
  connector text not null, member text not null, user text not null, primary key (connector, member)
) without rowid;
create index links_user on links (connector, user);
