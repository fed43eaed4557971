-- What a registry keeps: who may write, what was taken, and how each label stands.

create table account (
	id    text primary key,
	name  text    not null,
	role  text    not null,          -- scheme-owner, certification-body, lab, manufacturer
	since integer not null           -- milliseconds since the Unix epoch
) strict, without rowid;

create table account_key (
	public     blob primary key,     -- Ed25519
	account    text    not null references account (id),
	from_day   integer not null,     -- days since the Unix epoch
	until_day  integer not null      -- 0: still
) strict, without rowid;

create table account_block (
	first   integer primary key,     -- status index
	size    integer not null,
	account text    not null references account (id)
) strict, without rowid;

-- The outbox: an entry is kept, then logged, then marked with its place in the log.
create table entry (
	seq       integer primary key,
	kind      text    not null,      -- grant, change, status-list, bundle
	hash      blob    not null unique,
	body      blob    not null,      -- COSE_Sign1; empty for a file that was given out
	account   text    not null,
	at        integer not null,      -- milliseconds
	floor     integer not null,      -- the size of the log when it was kept
	key       text,                  -- of idempotency
	log_index integer unique,        -- null: not known to be logged
	label     blob,                  -- what it is about
	gtin      integer not null,
	status_index integer not null,
	status    text    not null       -- after it
) strict;
create index entry_pending on entry (seq) where log_index is null;
create unique index entry_key on entry (account, key) where key is not null;
create index entry_events on entry (log_index) where kind in ('grant', 'change');
create index entry_changes on entry (label, seq) where kind = 'change';

create table label (
	seq       integer primary key,   -- of its grant
	id        blob    not null unique, -- leaf hash
	sign1     blob    not null,
	account   text    not null,
	gtin      integer not null,
	category  text    not null,
	granted   integer not null,      -- milliseconds
	status_index integer not null unique,
	expires   integer not null,      -- day; 0: never
	log_index integer unique,        -- null: not shown yet
	status    text    not null,
	changed   integer not null,      -- milliseconds; 0: never
	changes   integer not null,
	pending   integer not null       -- 1: it or a change of it is not logged
) strict;
create index label_gtin on label (gtin, log_index);
create index label_expires on label (expires) where expires > 0 and status in ('active', 'suspended');

create table product (
	gtin     integer primary key,
	maker    text not null,
	model    text not null,
	category text not null
) strict;
create index product_category on product (category, gtin);

create table word (
	word text    not null,
	gtin integer not null,
	kind integer not null,           -- 0: of the maker, 1: of the model
	primary key (word, gtin, kind)
) strict, without rowid;

create table document (
	hash  blob primary key,          -- SHA-256
	media text not null,
	body  blob not null
) strict;

create table audit (
	seq     integer primary key,
	at      integer not null,        -- milliseconds
	account text    not null,
	action  text    not null,
	subject text    not null,
	outcome text    not null
) strict;
