-- Revision 5de06da3c2b5, 1 of 18: init.

--> extension uuid-ossp
CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA public;

--> table keypairs
CREATE TABLE public.keypairs (
    user_id           integer,
    access_key        varchar(20) NOT NULL CONSTRAINT pk_keypairs PRIMARY KEY,
    secret_key        varchar(40),
    is_active         boolean,
    billing_plan      varchar,
    created_at        timestamptz DEFAULT now(),
    last_used         timestamptz,
    concurrency_limit integer,
    concurrency_used  integer,
    rate_limit        integer,
    num_queries       integer     DEFAULT 0
);

--> table kernels
CREATE TABLE public.kernels (
    sess_id       uuid        NOT NULL DEFAULT uuid_generate_v4() CONSTRAINT pk_kernels PRIMARY KEY,
    lang          varchar(64),
    access_key    varchar(20) CONSTRAINT fk_kernels_access_key_keypairs
                              REFERENCES public.keypairs (access_key),
    created_at    timestamptz DEFAULT now(),
    terminated_at timestamptz,
    status        varchar,
    agent_id      varchar,
    container_id  varchar
);

--> table usage
CREATE TABLE public.usage (
    id            uuid        NOT NULL DEFAULT uuid_generate_v4() CONSTRAINT pk_usage PRIMARY KEY,
    access_key_id varchar(20) CONSTRAINT fk_usage_access_key_id_keypairs
                              REFERENCES public.keypairs (access_key),
    kernel_type   varchar,
    kernel_id     varchar,
    started_at    timestamptz,
    terminated_at timestamptz,
    cpu_used      integer     DEFAULT 0,
    mem_used      integer     DEFAULT 0,
    io_used       integer     DEFAULT 0,
    net_used      integer     DEFAULT 0
);

--> table alembic_version
CREATE TABLE IF NOT EXISTS public.alembic_version (
    version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY
);
