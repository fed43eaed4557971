-- What the pages of a home show and keep: how much each device said a day, what the household says of itself, which
-- points of lists were done.

create table amount (
	at      integer not null,        -- the beginning of the day, seconds since the Unix epoch
	device  text    not null,
	octets_out integer not null,
	octets_in  integer not null,
	octets_read integer not null,    -- of both, in a protocol that was recognised
	flows   integer not null,
	stopped integer not null,        -- of the flows
	primary key (at, device)
) strict, without rowid;
insert into amount (at, device, octets_out, octets_in, octets_read, flows, stopped)
	select at, device, sum(octets_out), sum(octets_in), sum(case when instr(service, ' ') > 0 then octets_out + octets_in else 0 end), sum(flows), sum(stopped)
	from traffic where span = 86400 group by at, device;

create index finding_state on finding (state, last);

create table setting (
	name text primary key,
	data text not null               -- JSON
) strict, without rowid;

create table tick (
	list   text not null,            -- tune-up, moving-in, moving-out, lessons
	item   text not null,
	at     integer not null,         -- nanoseconds since the Unix epoch
	actor  text not null,
	primary key (list, item)
) strict, without rowid;
