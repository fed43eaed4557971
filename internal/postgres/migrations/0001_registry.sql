-- What a registry keeps: who may write, what was taken, and how each label stands.

create table account (
	id    text primary key,
	name  text    not null,
	role  text    not null,          -- scheme-owner, certification-body, lab, manufacturer
	since bigint not null           -- milliseconds since the Unix epoch
);

create table account_key (
	public     bytea primary key,     -- Ed25519
	account    text    not null references account (id),
	from_day   bigint not null,     -- days since the Unix epoch
	until_day  bigint not null      -- 0: still
);

create table account_block (
	first   bigint primary key,     -- status index
	size    bigint not null,
	account text    not null references account (id)
);

-- The outbox: an entry is kept, then logged, then marked with its place in the log.
create table entry (
	seq       bigint generated always as identity primary key,
	kind      text    not null,      -- grant, change, status-list, bundle
	hash      bytea    not null unique,
	body      bytea    not null,      -- COSE_Sign1; empty for a file that was given out
	account   text    not null,
	at        bigint not null,      -- milliseconds
	floor     bigint not null,      -- the size of the log when it was kept
	key       text,                  -- of idempotency
	log_index bigint unique,        -- null: not known to be logged
	label     bytea,                  -- what it is about
	gtin      bigint not null,
	status_index bigint not null,
	status    text    not null       -- after it
);
create index entry_pending on entry (seq) where log_index is null;
create unique index entry_key on entry (account, key) where key is not null;
create index entry_events on entry (log_index) where kind in ('grant', 'change');
create index entry_changes on entry (label, seq) where kind = 'change';

create table label (
	seq       bigint primary key,      -- of its grant
	id        bytea    not null unique, -- leaf hash
	sign1     bytea    not null,
	account   text    not null,
	gtin      bigint not null,
	category  text    not null,
	granted   bigint not null,      -- milliseconds
	status_index bigint not null unique,
	expires   bigint not null,      -- day; 0: never
	log_index bigint unique,        -- null: not shown yet
	status    text    not null,
	changed   bigint not null,      -- milliseconds; 0: never
	changes   bigint not null,
	pending   bigint not null       -- 1: it or a change of it is not logged
);
create index label_gtin on label (gtin, log_index);
create index label_expires on label (expires) where expires > 0 and status in ('active', 'suspended');

create table product (
	gtin     bigint primary key,
	maker    text not null,
	model    text not null,
	category text not null
);
create index product_category on product (category, gtin);

create table word (
	word text    collate "C" not null,
	gtin bigint not null,
	kind bigint not null,           -- 0: of the maker, 1: of the model
	primary key (word, gtin, kind)
);

create table document (
	hash  bytea primary key,          -- SHA-256
	media text not null,
	body  bytea not null
);

create table audit (
	seq     bigint generated always as identity primary key,
	at      bigint not null,        -- milliseconds
	account text    not null,
	action  text    not null,
	subject text    not null,
	outcome text    not null
);
