-- Revision 4545f5c948b3, 9 of 18: add_io_scratch_size_stats.

--> columns of kernels: io_max_scratch_size; without mem_cur_bytes
ALTER TABLE public.kernels
    ADD COLUMN io_max_scratch_size bigint,
    DROP COLUMN mem_cur_bytes;
