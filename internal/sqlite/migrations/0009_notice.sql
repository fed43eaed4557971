-- What the household is told where it looks: what is still to be sent, and what was told. Times are nanoseconds since the
-- Unix epoch.

create table notice (
	channel  text    not null,       -- its ID
	occasion text    not null,       -- week and its day; alert and when
	at       integer not null,
	until    integer not null,       -- when it is no news any more
	next     integer not null,       -- when it is tried
	tries    integer not null,
	state    text    not null,       -- waiting, sent, given-up
	trouble  text    not null,       -- kind of the last failure
	data     text    not null,       -- JSON: the message
	primary key (channel, occasion)
) strict, without rowid;
create index notice_at on notice (at);

create table told (
	key text primary key,            -- of what is told once
	at  integer not null
) strict, without rowid;
