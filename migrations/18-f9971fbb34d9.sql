-- Revision f9971fbb34d9, 18 of 18: add state column to vfolder_invitations.

--> columns of vfolder_invitations: created_at, state
ALTER TABLE public.vfolder_invitations
    ADD COLUMN created_at timestamptz DEFAULT now(),
    ADD COLUMN state varchar(10);
