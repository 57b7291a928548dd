-- Tickets that come before all others.
alter table tickets add column urgent integer not null default 0;
