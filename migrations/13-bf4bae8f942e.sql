-- Revision bf4bae8f942e, 13 of 18: add-kernel-host.

--> column kernel_host of kernels
ALTER TABLE public.kernels ADD COLUMN kernel_host varchar(128);
