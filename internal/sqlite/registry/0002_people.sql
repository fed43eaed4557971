-- Who acts for an account, who is signed in, and what they decide together. Times are milliseconds since the Unix epoch,
-- those of sessions nanoseconds.

create table person (
	name text primary key,
	data text not null               -- JSON
) strict, without rowid;

create table session (
	digest blob primary key,         -- SHA-256 of the token, which is kept nowhere
	person text not null,
	last   integer not null,
	data   text not null             -- JSON
) strict, without rowid;
create index session_person on session (person);

create table review (
	id      text primary key,
	account text    not null,        -- who began it
	state   text    not null,        -- draft, asked, proposed, done, closed
	version integer not null,        -- counts what was kept of it
	at      integer not null,        -- when it began
	data    text    not null         -- JSON
) strict, without rowid;
create index review_at on review (at);
create index review_account on review (account, state, at);

create table review_file (
	review text not null references review (id),
	hash   blob not null,            -- SHA-256
	body   blob not null,
	primary key (review, hash)
) strict;
