-- In which countries the addresses are registered that devices talk with.

create table reach (
	device  text    not null,
	peer    text    not null,        -- a name, or an address
	country text    not null,        -- ISO 3166-1 alpha-2
	first   integer not null,        -- seconds since the Unix epoch
	last    integer not null,        -- to the hour
	primary key (device, peer, country)
) strict, without rowid;
create index reach_age on reach (last);
