-- Askers who are shut out for a time, by the pseudonym they have in events; who did it and why.
create table blocks (
  id integer primary key, visitor text not null, connector text not null, begun_at text not null, until text not null, reason text not null,
  librarian text not null, ticket integer not null, lifted_at text, lifted_by text not null default ''
);
create index blocks_visitor on blocks (visitor, until);
