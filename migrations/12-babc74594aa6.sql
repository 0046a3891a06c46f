-- Revision babc74594aa6, 12 of 18: add-partial-index-to-kernels.

--> index on kernels: one living master for each session
CREATE UNIQUE INDEX ix_kernels_unique_sess_token ON public.kernels (access_key, sess_id)
    WHERE status <> 'TERMINATED'::public.kernelstatus AND role::text = 'master'::text;
