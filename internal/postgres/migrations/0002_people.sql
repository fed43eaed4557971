-- Who acts for an account, who is signed in, and what they decide together. Times are milliseconds since the Unix epoch,
-- those of sessions nanoseconds.

create table person (
	name text collate "C" primary key,
	data text not null               -- JSON
);

create table session (
	digest bytea primary key,         -- SHA-256 of the token, which is kept nowhere
	person text not null,
	last   bigint not null,
	data   text not null             -- JSON
);
create index session_person on session (person);

create table review (
	id      text primary key,
	account text    not null,        -- who began it
	state   text    not null,        -- draft, asked, proposed, done, closed
	version bigint not null,        -- counts what was kept of it
	at      bigint not null,        -- when it began
	data    text    not null         -- JSON
);
create index review_at on review (at);
create index review_account on review (account, state, at);

create table review_file (
	review text not null references review (id),
	hash   bytea not null,            -- SHA-256
	body   bytea not null,
	primary key (review, hash)
);
