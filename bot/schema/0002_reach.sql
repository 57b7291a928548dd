-- Attachments, taps; what a push cost of a channel's quota and how far a long one came.
alter table messages add column attachments text not null default '[]';
alter table messages add column tap integer not null default 0;
alter table outbox add column sent integer not null default 0;
alter table outbox add column handed text not null default '';
create table pushes (id integer primary key, conversation integer not null references conversations(id), at text not null);
create index pushes_conversation on pushes (conversation, at);
