-- What a number may be. Users may write own rows, and months are closed for everybody in one statement: numbers of one
-- user that are too large to be added would stop that for all. Answers of the API are read within these bounds only.
ALTER TABLE insights ADD CONSTRAINT insights_value_check CHECK (value > '-1e309'::numeric AND value < '1e309'::numeric);
COMMENT ON CONSTRAINT insights_value_check ON insights IS
    'Finite, and small enough that whatever is added to it still is a number';
