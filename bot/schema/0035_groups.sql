-- In which group something happened; which answers a group has had lately.
alter table events add column room text not null default '';
create index events_room on events (connector, room, at) where room != '';
create table spoken (
  connector text not null, room text not null, topic text not null, at text not null, primary key (connector, room, topic)
) without rowid;
