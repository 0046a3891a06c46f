-- Revision 185852ff9872, 17 of 18: add vfolder_permissions table.

--> table vfolder_permissions
CREATE TABLE public.vfolder_permissions (
    permission varchar(2),
    vfolder    uuid        NOT NULL CONSTRAINT fk_vfolder_permissions_vfolder_vfolders
                           REFERENCES public.vfolders (id) ON UPDATE CASCADE ON DELETE CASCADE,
    access_key varchar(20) NOT NULL CONSTRAINT fk_vfolder_permissions_access_key_keypairs
                           REFERENCES public.keypairs (access_key)
);
