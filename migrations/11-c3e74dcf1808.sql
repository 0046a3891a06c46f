-- Revision c3e74dcf1808, 11 of 18: add_environ_to_kernels.

--> column environ of kernels
ALTER TABLE public.kernels ADD COLUMN environ varchar[];
