-- Conversations that are remembered, to learn from and to rehearse over; what households took in from files.

create table conversation (
	device    text    not null,      -- link-layer address
	direction integer not null,      -- of the packet that began it: 0 from the device, 1 to it
	unsure    integer not null,      -- 1: it may as well be that the other side began it
	proto     integer not null,
	type      integer not null,      -- ICMP
	peer      text    not null,
	own       text    not null,
	peer_port integer not null,
	own_port  integer not null,
	name      text    not null,      -- that led to the peer, or ""
	told      integer not null,      -- 1: DNS told it
	answered  integer not null,
	flows     integer not null,
	packets   integer not null,
	octets    integer not null,
	first     integer not null,      -- nanoseconds since the Unix epoch
	last      integer not null,
	flow      text    not null,      -- Community ID of the first
	protocol  text    not null,
	primary key (device, direction, unsure, proto, type, peer, own, peer_port, own_port)
) strict, without rowid;
create index conversation_age on conversation (last);

alter table decision add column imported integer not null default 0; -- number of the import that brought it

create table snapshot (
	decision integer primary key,    -- an import
	body     blob not null           -- JSON: the devices before it
) strict;
