//! The revisions that lead to the schema of this release, and what they do to rows.
//!
//! Sources: the recorded schemas, and the table "facts about rows on the way" of what the manager wants.

use crate::schema::{Revision, Rows};

/// The chain, oldest first.
pub const CHAIN: &[Revision] = &[
    Revision {
        number: 1,
        id: "5de06da3c2b5",
        title: "init",
        sql: include_str!("../../../migrations/01-5de06da3c2b5.sql"),
        rows: &[],
    },
    Revision {
        number: 2,
        id: "7ea324d0535b",
        title: "vfolder-and-kernel",
        sql: include_str!("../../../migrations/02-7ea324d0535b.sql"),
        rows: &[
            Rows::Dropped { table: "usage" },
            Rows::Remark("column `agent_id` of `kernels` is dropped with its values"),
        ],
    },
    Revision {
        number: 3,
        id: "0f3bc98edaa0",
        title: "more_status",
        sql: include_str!("../../../migrations/03-0f3bc98edaa0.sql"),
        rows: &[
            Rows::Stop { table: "agents", column: "status" },
            Rows::Stop { table: "kernels", column: "agent_addr" },
        ],
    },
    Revision {
        number: 4,
        id: "854bd902b1bc",
        title: "change-kernel-identification",
        sql: include_str!("../../../migrations/04-854bd902b1bc.sql"),
        rows: &[Rows::Stop { table: "kernels", column: "role" }],
    },
    Revision {
        number: 5,
        id: "4b8a66fb8d82",
        title: "revamp_keypairs",
        sql: include_str!("../../../migrations/05-4b8a66fb8d82.sql"),
        rows: &[Rows::Remark("column `billing_plan` of `keypairs` is renamed `resource_policy`")],
    },
    Revision {
        number: 6,
        id: "80176413d8aa",
        title: "keypairs_get_is_admin",
        sql: include_str!("../../../migrations/06-80176413d8aa.sql"),
        rows: &[Rows::Remark("`is_admin` becomes false for every keypair")],
    },
    Revision {
        number: 7,
        id: "93e9d31d40bf",
        title: "agent_add_region",
        sql: include_str!("../../../migrations/07-93e9d31d40bf.sql"),
        rows: &[Rows::Remark("`region` becomes `amazon/ap-northeast-2` for every agent")],
    },
    Revision {
        number: 8,
        id: "e7371ca5797a",
        title: "rename_mem_stats",
        sql: include_str!("../../../migrations/08-e7371ca5797a.sql"),
        rows: &[Rows::Remark(
            "columns `max_mem_bytes` and `cur_mem_bytes` of `kernels` are renamed `mem_max_bytes` and `mem_cur_bytes`",
        )],
    },
    Revision {
        number: 9,
        id: "4545f5c948b3",
        title: "add_io_scratch_size_stats",
        sql: include_str!("../../../migrations/09-4545f5c948b3.sql"),
        rows: &[Rows::Remark("column `mem_cur_bytes` of `kernels` is dropped with its values")],
    },
    Revision {
        number: 10,
        id: "d52bf5ec9ef3",
        title: "convert_cpu_gpu_slots_to_float",
        sql: include_str!("../../../migrations/10-d52bf5ec9ef3.sql"),
        rows: &[Rows::Remark("memory slots become bigint, cores become double precision")],
    },
    Revision {
        number: 11,
        id: "c3e74dcf1808",
        title: "add_environ_to_kernels",
        sql: include_str!("../../../migrations/11-c3e74dcf1808.sql"),
        rows: &[],
    },
    Revision {
        number: 12,
        id: "babc74594aa6",
        title: "add-partial-index-to-kernels",
        sql: include_str!("../../../migrations/12-babc74594aa6.sql"),
        rows: &[],
    },
    Revision {
        number: 13,
        id: "bf4bae8f942e",
        title: "add-kernel-host",
        sql: include_str!("../../../migrations/13-bf4bae8f942e.sql"),
        rows: &[],
    },
    Revision {
        number: 14,
        id: "f8a71c3bffa2",
        title: "stringify_userid",
        sql: include_str!("../../../migrations/14-f8a71c3bffa2.sql"),
        rows: &[Rows::UserIds],
    },
    Revision {
        number: 15,
        id: "26d0c387e764",
        title: "create vfolder_invitations table",
        sql: include_str!("../../../migrations/15-26d0c387e764.sql"),
        rows: &[],
    },
    Revision {
        number: 16,
        id: "1fa6a31ea8e3",
        title: "add inviter field for vfolder_invitations",
        sql: include_str!("../../../migrations/16-1fa6a31ea8e3.sql"),
        rows: &[],
    },
    Revision {
        number: 17,
        id: "185852ff9872",
        title: "add vfolder_permissions table",
        sql: include_str!("../../../migrations/17-185852ff9872.sql"),
        rows: &[],
    },
    Revision {
        number: 18,
        id: "f9971fbb34d9",
        title: "add state column to vfolder_invitations",
        sql: include_str!("../../../migrations/18-f9971fbb34d9.sql"),
        rows: &[],
    },
];
