-- What a product looks like: a document, as it was reviewed with the label.

alter table label add column picture blob; -- SHA-256; null: there is none
