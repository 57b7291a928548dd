-- Canned replies: shared, or one librarian's own; a short code calls one up while typing.
create table canned (
  id integer primary key, owner text not null default '', code text not null, title text not null, text text not null,
  author text not null, at text not null, unique (owner, code)
);
