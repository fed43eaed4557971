-- Devices that somebody said are one with another: what is kept under their IDs is read as that of the whole.

create table part (
	id    text primary key,
	whole text not null              -- ID of a device
) strict, without rowid;
create index part_whole on part (whole);
