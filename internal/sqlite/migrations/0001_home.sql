-- What a household has, and what was decided. Times are nanoseconds since the Unix epoch.

create table device (
	id     text primary key,
	seen   text not null,            -- JSON: what was seen of it; may be lost
	stance text not null             -- JSON: what was decided about it; must not be
) strict, without rowid;

create table decision (
	seq      integer primary key autoincrement,
	at       integer not null,
	actor    text not null,
	verb     text not null,
	device   text not null,
	argument text not null,
	before   text not null,          -- JSON
	after    text not null,          -- JSON
	undone   integer not null default 0
) strict;
create index decision_device on decision (device, seq);
