-- Revision 1fa6a31ea8e3, 16 of 18: add inviter field for vfolder_invitations.

--> column inviter of vfolder_invitations
ALTER TABLE public.vfolder_invitations ADD COLUMN inviter varchar(256);
