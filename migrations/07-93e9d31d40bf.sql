-- Revision 93e9d31d40bf, 7 of 18: agent_add_region.

--> column region of agents
ALTER TABLE public.agents
    ADD COLUMN region varchar(64) NOT NULL DEFAULT 'amazon/ap-northeast-2';

--> index on agents: region
CREATE INDEX ix_agents_region ON public.agents (region);

--> column is_admin of keypairs: may be NULL
ALTER TABLE public.keypairs ALTER COLUMN is_admin DROP NOT NULL;
