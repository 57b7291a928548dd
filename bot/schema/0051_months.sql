-- Months whose figures were closed: what they were, by which event, and a checksum. Kept as they are.
create table closed_months (
  month text primary key, closed_at text not null, closed_by text not null, last_event integer not null,
  figures text not null, checksum text not null
) without rowid;
create trigger closed_months_are_kept before delete on closed_months begin select raise(abort, 'closed months are kept'); end;
create trigger closed_months_are_fixed before update on closed_months begin select raise(abort, 'closed months are kept'); end;
