-- Personal fields of requests apart; incidents and who asked meanwhile; reports of faults; what the monitor saw.
create table personal (
  ticket integer not null references tickets(id), name text not null, value text not null, primary key (ticket, name)
);
create index conversations_visitor on conversations (visitor);
create table incidents (
  id integer primary key, notice_zh text not null default '', notice_en text not null default '',
  intents text not null, databases text not null default '[]',
  opened_by text not null, opened_at text not null, expected_at text, ended_at text, ended_by text not null default ''
);
create index incidents_ended on incidents (ended_at);
create table incident_askers (
  incident integer not null references incidents(id), conversation integer not null references conversations(id),
  told integer not null default 0, primary key (incident, conversation)
);
create table fault_reports (
  id integer primary key, database text not null, conversation integer not null references conversations(id),
  visitor text not null, at text not null
);
create index fault_reports_at on fault_reports (at);
create table checks (
  database text primary key, url text not null, up integer not null, since text not null, checked_at text not null,
  detail text not null default ''
);
create table check_changes (
  id integer primary key, database text not null, up integer not null, at text not null, detail text not null default ''
);
create index check_changes_database on check_changes (database, at);
