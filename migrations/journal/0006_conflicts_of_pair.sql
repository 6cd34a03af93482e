-- Each merge of a record asks which conflicts it has: without this the whole table was read each time.
CREATE INDEX conflicts_of_pair ON conflicts (pair, field);
