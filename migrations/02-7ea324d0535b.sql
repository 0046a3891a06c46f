-- Revision 7ea324d0535b, 2 of 18: vfolder-and-kernel.

--> table usage and its rows
DROP TABLE public.usage;

--> table agents
CREATE TABLE public.agents (
    id             varchar(64)  NOT NULL CONSTRAINT pk_agents PRIMARY KEY,
    mem_slots      integer      NOT NULL,
    cpu_slots      integer      NOT NULL,
    gpu_slots      integer      NOT NULL,
    used_mem_slots integer      NOT NULL,
    used_cpu_slots integer      NOT NULL,
    used_gpu_slots integer      NOT NULL,
    addr           varchar(128) NOT NULL,
    first_contact  timestamptz  DEFAULT now()
);

--> columns of kernels: agent and statistics; without agent_id
ALTER TABLE public.kernels
    DROP COLUMN agent_id,
    ADD COLUMN agent varchar(64) CONSTRAINT fk_kernels_agent_agents REFERENCES public.agents (id),
    ADD COLUMN allocated_cores integer[],
    ADD COLUMN cpu_used bigint,
    ADD COLUMN cur_mem_bytes bigint,
    ADD COLUMN io_read_bytes bigint,
    ADD COLUMN io_write_bytes bigint,
    ADD COLUMN max_mem_bytes bigint,
    ADD COLUMN net_rx_bytes bigint,
    ADD COLUMN net_tx_bytes bigint,
    ADD COLUMN num_queries bigint,
    ADD COLUMN status_info varchar;

--> index on kernels: created_at
CREATE INDEX ix_kernels_created_at ON public.kernels (created_at);

--> index on kernels: status
CREATE INDEX ix_kernels_status ON public.kernels (status);

--> index on kernels: terminated_at
CREATE INDEX ix_kernels_terminated_at ON public.kernels (terminated_at);

--> table vfolders
CREATE TABLE public.vfolders (
    id         uuid         NOT NULL DEFAULT uuid_generate_v4() CONSTRAINT pk_vfolders PRIMARY KEY,
    host       varchar(128) NOT NULL,
    name       varchar(64)  NOT NULL,
    max_files  integer,
    max_size   integer,
    num_files  integer,
    cur_size   integer,
    created_at timestamptz  DEFAULT now(),
    last_used  timestamptz,
    belongs_to varchar(20)  NOT NULL CONSTRAINT fk_vfolders_belongs_to_keypairs
                            REFERENCES public.keypairs (access_key)
);

--> table vfolder_attachment
CREATE TABLE public.vfolder_attachment (
    vfolder uuid NOT NULL CONSTRAINT fk_vfolder_attachment_vfolder_vfolders
                 REFERENCES public.vfolders (id),
    kernel  uuid NOT NULL CONSTRAINT fk_vfolder_attachment_kernel_kernels
                 REFERENCES public.kernels (sess_id),
    CONSTRAINT pk_vfolder_attachment PRIMARY KEY (vfolder, kernel)
);
