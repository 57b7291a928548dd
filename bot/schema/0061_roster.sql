-- Who is on duty when, what is different on single days, and what one shift leaves for the next.
create table shifts (
  id integer primary key, login text not null references librarians(login), days text not null, start text not null, "end" text not null,
  since text not null, until text
);
create table specials (
  id integer primary key, day text not null, kind text not null, login text not null default '', start text not null default '00:00',
  "end" text not null default '00:00', note text not null default ''
);
create index specials_day on specials (day);
create table shift_notes (id integer primary key, at text not null, author text not null, text text not null);
