-- The manager's schema at revision f9971fbb34d9, for a fresh database.
--
-- `uuid_generate_v4()` stands without a schema: the extension may be in any that is on the search path.
-- The revision itself is stamped by the program, in the same transaction.

--> extension uuid-ossp
CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA public;

--> type agentstatus
CREATE TYPE public.agentstatus AS ENUM ('ALIVE', 'LOST', 'RESTARTING', 'TERMINATED');

--> type kernelstatus
CREATE TYPE public.kernelstatus AS ENUM (
    'PREPARING', 'BUILDING', 'RUNNING', 'RESTARTING', 'RESIZING',
    'SUSPENDED', 'TERMINATING', 'TERMINATED', 'ERROR'
);

--> table agents
CREATE TABLE public.agents (
    id             varchar(64)        NOT NULL CONSTRAINT pk_agents PRIMARY KEY,
    status         public.agentstatus NOT NULL,
    region         varchar(64)        NOT NULL,
    mem_slots      bigint             NOT NULL,
    cpu_slots      double precision   NOT NULL,
    gpu_slots      double precision   NOT NULL,
    used_mem_slots bigint             NOT NULL,
    used_cpu_slots double precision   NOT NULL,
    used_gpu_slots double precision   NOT NULL,
    addr           varchar(128)       NOT NULL,
    first_contact  timestamptz        DEFAULT now(),
    lost_at        timestamptz
);

--> index on agents: region
CREATE INDEX ix_agents_region ON public.agents (region);

--> index on agents: status
CREATE INDEX ix_agents_status ON public.agents (status);

--> table keypairs
CREATE TABLE public.keypairs (
    user_id           varchar(256),
    access_key        varchar(20) NOT NULL CONSTRAINT pk_keypairs PRIMARY KEY,
    secret_key        varchar(40),
    is_active         boolean,
    is_admin          boolean     DEFAULT false,
    resource_policy   varchar,
    created_at        timestamptz DEFAULT now(),
    last_used         timestamptz,
    concurrency_limit integer,
    concurrency_used  integer,
    rate_limit        integer,
    num_queries       integer     DEFAULT 0
);

--> index on keypairs: is_active
CREATE INDEX ix_keypairs_is_active ON public.keypairs (is_active);

--> index on keypairs: is_admin
CREATE INDEX ix_keypairs_is_admin ON public.keypairs (is_admin);

--> index on keypairs: user_id
CREATE INDEX ix_keypairs_user_id ON public.keypairs (user_id);

--> table kernels
CREATE TABLE public.kernels (
    id                  uuid             NOT NULL DEFAULT uuid_generate_v4()
                                         CONSTRAINT pk_kernels PRIMARY KEY,
    sess_id             varchar(64),
    role                varchar(16)      NOT NULL,
    agent               varchar(64)      CONSTRAINT fk_kernels_agent_agents REFERENCES public.agents (id),
    agent_addr          varchar(128)     NOT NULL,
    access_key          varchar(20)      CONSTRAINT fk_kernels_access_key_keypairs
                                         REFERENCES public.keypairs (access_key),
    lang                varchar(64),
    container_id        varchar(64),
    cpu_set             integer[],
    gpu_set             integer[],
    mem_slot            bigint           NOT NULL,
    cpu_slot            double precision NOT NULL,
    gpu_slot            double precision NOT NULL,
    environ             varchar[],
    kernel_host         varchar(128),
    repl_in_port        integer          NOT NULL,
    repl_out_port       integer          NOT NULL,
    stdin_port          integer          NOT NULL,
    stdout_port         integer          NOT NULL,
    created_at          timestamptz      DEFAULT now(),
    terminated_at       timestamptz,
    status              public.kernelstatus,
    status_info         varchar,
    num_queries         bigint,
    cpu_used            bigint,
    mem_max_bytes       bigint,
    net_rx_bytes        bigint,
    net_tx_bytes        bigint,
    io_read_bytes       bigint,
    io_write_bytes      bigint,
    io_max_scratch_size bigint
);

--> index on kernels: created_at
CREATE INDEX ix_kernels_created_at ON public.kernels (created_at);

--> index on kernels: sess_id
CREATE INDEX ix_kernels_sess_id ON public.kernels (sess_id);

--> index on kernels: sess_id, role
CREATE INDEX ix_kernels_sess_id_role ON public.kernels (sess_id, role);

--> index on kernels: status
CREATE INDEX ix_kernels_status ON public.kernels (status);

--> index on kernels: terminated_at
CREATE INDEX ix_kernels_terminated_at ON public.kernels (terminated_at);

--> index on kernels: one living master for each session
CREATE UNIQUE INDEX ix_kernels_unique_sess_token ON public.kernels (access_key, sess_id)
    WHERE status <> 'TERMINATED'::public.kernelstatus AND role::text = 'master'::text;

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
                 REFERENCES public.vfolders (id) ON UPDATE CASCADE ON DELETE CASCADE,
    kernel  uuid NOT NULL CONSTRAINT fk_vfolder_attachment_kernel_kernels
                 REFERENCES public.kernels (id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT pk_vfolder_attachment PRIMARY KEY (vfolder, kernel)
);

--> table vfolder_invitations
CREATE TABLE public.vfolder_invitations (
    id         uuid         NOT NULL DEFAULT uuid_generate_v4()
                            CONSTRAINT pk_vfolder_invitations PRIMARY KEY,
    permission varchar(2),
    inviter    varchar(256),
    invitee    varchar(256) NOT NULL,
    state      varchar(10),
    created_at timestamptz  DEFAULT now(),
    vfolder    uuid         NOT NULL CONSTRAINT fk_vfolder_invitations_vfolder_vfolders
                            REFERENCES public.vfolders (id) ON UPDATE CASCADE ON DELETE CASCADE
);

--> table vfolder_permissions
CREATE TABLE public.vfolder_permissions (
    permission varchar(2),
    vfolder    uuid        NOT NULL CONSTRAINT fk_vfolder_permissions_vfolder_vfolders
                           REFERENCES public.vfolders (id) ON UPDATE CASCADE ON DELETE CASCADE,
    access_key varchar(20) NOT NULL CONSTRAINT fk_vfolder_permissions_access_key_keypairs
                           REFERENCES public.keypairs (access_key)
);

--> table alembic_version
CREATE TABLE IF NOT EXISTS public.alembic_version (
    version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY
);
