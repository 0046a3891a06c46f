-- Revision d52bf5ec9ef3, 10 of 18: convert_cpu_gpu_slots_to_float.

--> slots of agents: memory as bigint, cores as double precision
ALTER TABLE public.agents
    ALTER COLUMN mem_slots TYPE bigint,
    ALTER COLUMN cpu_slots TYPE double precision,
    ALTER COLUMN gpu_slots TYPE double precision,
    ALTER COLUMN used_mem_slots TYPE bigint,
    ALTER COLUMN used_cpu_slots TYPE double precision,
    ALTER COLUMN used_gpu_slots TYPE double precision;

--> slots of kernels: memory as bigint, cores as double precision
ALTER TABLE public.kernels
    ALTER COLUMN cpu_slot TYPE double precision,
    ALTER COLUMN gpu_slot TYPE double precision,
    ALTER COLUMN mem_slot TYPE bigint;
