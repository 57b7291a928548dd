-- Keys with which other programs read figures: only their SHA-256 is kept.
create table api_tokens (
  name text primary key, digest text not null unique, created_at text not null, used_at text, revoked_at text
) without rowid;
