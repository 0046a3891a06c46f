-- Revision 80176413d8aa, 6 of 18: keypairs_get_is_admin.

--> column is_admin of keypairs
ALTER TABLE public.keypairs ADD COLUMN is_admin boolean NOT NULL DEFAULT false;

--> index on keypairs: is_admin
CREATE INDEX ix_keypairs_is_admin ON public.keypairs (is_admin);
