-- Sessions that can be listed and ended one by one, a second factor, the audit log.
alter table librarians add column totp text not null default '';
alter table librarians add column totp_used integer not null default 0;
alter table librarians add column email text not null default '';
alter table librarians add column disabled integer not null default 0;
create table login_sessions (
  digest text primary key, login text not null references librarians(login), begun_at text not null, seen_at text not null,
  address text not null default '', agent text not null default ''
);
create index login_sessions_login on login_sessions (login);
create table audit (
  id integer primary key, at text not null, who text not null, deed text not null, target text not null default '',
  address text not null default '', detail text not null default ''
);
create index audit_at on audit (at);
create trigger audit_is_kept before delete on audit begin select raise(abort, 'the audit log is append-only'); end;
create trigger audit_is_fixed before update on audit begin select raise(abort, 'the audit log is append-only'); end;
