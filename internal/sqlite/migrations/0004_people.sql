-- Who may look at the pages, and who is looking. Times are nanoseconds since the Unix epoch.

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
