-- Revision 4b8a66fb8d82, 5 of 18: revamp_keypairs.

--> column billing_plan of keypairs: renamed resource_policy
ALTER TABLE public.keypairs RENAME COLUMN billing_plan TO resource_policy;

--> index on keypairs: is_active
CREATE INDEX ix_keypairs_is_active ON public.keypairs (is_active);

--> index on keypairs: user_id
CREATE INDEX ix_keypairs_user_id ON public.keypairs (user_id);
