//! Linux: `statfs` identifies a file system by a number.

use std::io;
use std::path::Path;

/// Network file systems (statfs(2)). FUSE is among them, because of sshfs.
const SERVED: [(u32, &str); 11] = [
    (0x6969, "NFS"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB"),
    (0x517B, "SMB"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
    (0x00C3_6400, "Ceph"),
    (0x0BD0_0BD0, "Lustre"),
    (0x5346_414F, "AFS"),
    (0x7461_636F, "OCFS2"),
    (0x786F_4256, "vboxsf"),
];

/// The type of a network file system (`NFS`); `None` if it is local.
pub fn served_by(folder: &Path) -> io::Result<Option<&'static str>> {
    let found = rustix::fs::statfs(folder)?.f_type;
    // The width of `f_type` depends on the platform; the number itself has 32 bits.
    let found = u32::try_from(i128::from(found) & 0xFFFF_FFFF).unwrap_or_default();
    Ok(SERVED.iter().find(|(number, _)| *number == found).map(|(_, name)| *name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_of_this_machine_is_served_by_nobody() {
        assert_eq!(served_by(Path::new("/proc")).unwrap(), None);
        assert!(served_by(Path::new("/no/such")).is_err());
    }
}
