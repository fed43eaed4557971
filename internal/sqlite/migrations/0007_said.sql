-- What somebody said of a device is kept with what was said before, so that it can be taken back.

alter table decision add column said text not null default ''; -- JSON
