-- What rules stop is counted by the kernel, and what they would stop by a rehearsal: not here.

alter table traffic drop column stopped;
alter table amount drop column stopped;
