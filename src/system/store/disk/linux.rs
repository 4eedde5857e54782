//! By the kind of the file system, as `statfs` tells it.

use std::path::Path;

/// NFS, SMB, CIFS, 9p (Windows drives under WSL), FUSE.
const REMOTE: [u32; 5] = [0x6969, 0xfe53_4d42, 0xff53_4d42, 0x0102_1997, 0x6573_5546];

pub(in crate::system::store) fn is_local(folder: &Path) -> bool {
    match rustix::fs::statfs(folder) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "file system magics are 32 bits")]
        Ok(stat) => !REMOTE.contains(&(stat.f_type as u32)),
        Err(_) => false,
    }
}
