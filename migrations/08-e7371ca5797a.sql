-- Revision e7371ca5797a, 8 of 18: rename_mem_stats.

--> column max_mem_bytes of kernels: renamed mem_max_bytes
ALTER TABLE public.kernels RENAME COLUMN max_mem_bytes TO mem_max_bytes;

--> column cur_mem_bytes of kernels: renamed mem_cur_bytes
ALTER TABLE public.kernels RENAME COLUMN cur_mem_bytes TO mem_cur_bytes;
