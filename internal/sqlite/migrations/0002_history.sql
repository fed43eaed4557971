-- What devices did, added up by minute, hour and day; what was found; the files that devices are held to.

create table traffic (
	span    integer not null,        -- seconds: 60, 3600, 86400
	at      integer not null,        -- the beginning of the span, seconds since the Unix epoch
	device  text    not null,
	peer    text    not null,        -- a name, or an address
	scope   text    not null,        -- internet, lan, gateway, multicast
	service text    not null,        -- tcp/443
	began   integer not null,        -- 1: by the device
	flows   integer not null,
	stopped integer not null,        -- of the flows: by its policy, or would have been
	octets_out  integer not null,
	octets_in   integer not null,
	primary key (span, device, at, peer, service, began)
) strict, without rowid;
create index traffic_age on traffic (span, at);

create table finding (
	id     text primary key,
	device text    not null,
	last   integer not null,
	state  text    not null,         -- open, muted, done
	body   text    not null          -- JSON
) strict, without rowid;
create index finding_age on finding (last);

create table file (
	sha256 text primary key,
	at     integer not null,
	origin text    not null,         -- maker, learned, operator
	body   blob    not null
) strict, without rowid;
