-- Revision 0f3bc98edaa0, 3 of 18: more_status.

--> type agentstatus
CREATE TYPE public.agentstatus AS ENUM ('ALIVE', 'LOST', 'RESTARTING', 'TERMINATED');

--> type kernelstatus
CREATE TYPE public.kernelstatus AS ENUM (
    'PREPARING', 'BUILDING', 'RUNNING', 'RESTARTING', 'RESIZING',
    'SUSPENDED', 'TERMINATING', 'TERMINATED', 'ERROR'
);

--> columns of agents: lost_at, status
ALTER TABLE public.agents
    ADD COLUMN lost_at timestamptz,
    ADD COLUMN status public.agentstatus NOT NULL;

--> index on agents: status
CREATE INDEX ix_agents_status ON public.agents (status);

--> columns of kernels: slots and ports; without allocated_cores
ALTER TABLE public.kernels
    ADD COLUMN agent_addr varchar(128) NOT NULL,
    ADD COLUMN cpu_slot integer NOT NULL,
    ADD COLUMN gpu_slot integer NOT NULL,
    ADD COLUMN mem_slot integer NOT NULL,
    ADD COLUMN repl_in_port integer NOT NULL,
    ADD COLUMN repl_out_port integer NOT NULL,
    ADD COLUMN stdin_port integer NOT NULL,
    ADD COLUMN stdout_port integer NOT NULL,
    ADD COLUMN cpu_set integer[],
    ADD COLUMN gpu_set integer[],
    DROP COLUMN allocated_cores;

--> column status of kernels: one of kernelstatus
ALTER TABLE public.kernels
    ALTER COLUMN status TYPE public.kernelstatus USING status::public.kernelstatus;
