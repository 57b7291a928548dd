-- What became of each question, kept beside the events and made again from them; deliveries as events; views for other programs.
alter table events add column college text not null default '';
alter table outbox add column arrived integer not null default 0;
update outbox set arrived = 1 where status in ('delivered', 'mailbox');
create table questions (
  question integer primary key, seen integer not null, at integer not null, day integer not null, hour integer not null,
  connector text not null, room text not null, visitor text not null, language text not null, college text not null,
  intent text not null, entry text not null, result text not null,
  ticket integer not null, reason text not null, opened integer not null, first_answer real, librarian text not null,
  replies integer not null, helpful integer, satisfied integer, form text not null, form_state text not null, logged integer not null
);
create index questions_day on questions (day);
create index questions_seen on questions (seen);
create table event_totals (name text not null, connector text not null, count integer not null, primary key (name, connector));
insert into events (name, at, connector, visitor, question, intent, ticket, librarian, language, value)
  select 'delivered', m.at, m.connector, c.visitor, m.answers, coalesce(t.intent, ''), m.ticket, m.author, m.language, o.status
  from messages m join outbox o on o.message = m.id join conversations c on c.id = m.conversation left join tickets t on t.id = m.ticket
  where m.who = 'librarian' and o.status in ('delivered', 'mailbox') order by m.id;
create view v_questions as
  select question, datetime(at, 'unixepoch') as asked_at, date(day * 86400, 'unixepoch') as day, hour, connector as channel,
    room, visitor, language, college, intent as topic, entry, result, nullif(ticket, 0) as ticket, reason,
    iif(opened, datetime(opened, 'unixepoch'), null) as opened_at, first_answer as first_answer_seconds, replies, helpful, satisfied,
    form, form_state, logged
  from questions;
create view v_tickets as
  select t.id as ticket, t.question, c.connector as channel, c.room, t.intent as topic, t.reason, t.status,
    datetime(t.opened_at) as opened_at, datetime(t.claimed_at) as claimed_at, datetime(t.answered_at) as answered_at,
    datetime(t.closed_at) as closed_at
  from tickets t join conversations c on c.id = t.conversation;
create view v_daily as
  select date(day * 86400, 'unixepoch') as day, connector as channel, language, count(*) as questions,
    sum(result = 'by_bot') as by_bot, sum(result = 'by_librarian') as by_librarian, sum(result = 'waiting') as waiting,
    sum(result = 'closed_unanswered') as closed_unanswered, sum(opened > 0) as handed_over,
    sum(coalesce(helpful = 1, 0)) as helpful, sum(coalesce(helpful = 0, 0)) as unhelpful
  from questions group by questions.day, connector, language;
