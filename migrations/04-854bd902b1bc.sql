-- Revision 854bd902b1bc, 4 of 18: change-kernel-identification.

--> foreign keys of vfolder_attachment: removed
ALTER TABLE public.vfolder_attachment
    DROP CONSTRAINT fk_vfolder_attachment_vfolder_vfolders,
    DROP CONSTRAINT fk_vfolder_attachment_kernel_kernels;

--> columns of kernels: id as the primary key, role, sess_id as text
ALTER TABLE public.kernels
    DROP CONSTRAINT pk_kernels,
    ADD COLUMN id uuid NOT NULL DEFAULT uuid_generate_v4(),
    ADD COLUMN role varchar(16) NOT NULL,
    ADD CONSTRAINT pk_kernels PRIMARY KEY (id),
    ALTER COLUMN sess_id DROP NOT NULL,
    ALTER COLUMN sess_id TYPE varchar(64);

--> index on kernels: sess_id
CREATE INDEX ix_kernels_sess_id ON public.kernels (sess_id);

--> index on kernels: sess_id, role
CREATE INDEX ix_kernels_sess_id_role ON public.kernels (sess_id, role);

--> foreign keys of vfolder_attachment: cascading
ALTER TABLE public.vfolder_attachment
    ADD CONSTRAINT fk_vfolder_attachment_vfolder_vfolders FOREIGN KEY (vfolder)
        REFERENCES public.vfolders (id) ON UPDATE CASCADE ON DELETE CASCADE,
    ADD CONSTRAINT fk_vfolder_attachment_kernel_kernels FOREIGN KEY (kernel)
        REFERENCES public.kernels (id) ON UPDATE CASCADE ON DELETE CASCADE;
