-- Revision f8a71c3bffa2, 14 of 18: stringify_userid.

--> column user_id of keypairs: as text
ALTER TABLE public.keypairs ALTER COLUMN user_id TYPE varchar;
