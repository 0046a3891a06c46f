-- Revision 26d0c387e764, 15 of 18: create vfolder_invitations table.

--> table vfolder_invitations
CREATE TABLE public.vfolder_invitations (
    id         uuid         NOT NULL DEFAULT uuid_generate_v4()
                            CONSTRAINT pk_vfolder_invitations PRIMARY KEY,
    permission varchar(2),
    invitee    varchar(256) NOT NULL,
    vfolder    uuid         NOT NULL CONSTRAINT fk_vfolder_invitations_vfolder_vfolders
                            REFERENCES public.vfolders (id) ON UPDATE CASCADE ON DELETE CASCADE
);
