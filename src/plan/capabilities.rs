//! What a node container may do, in place of `--privileged`: that asks for every capability the
//! kernel knows, which a daemon that lacks one itself cannot grant.

/// Capabilities of a node container, each with what needs it.
pub(super) const NODE_CAPABILITIES: &[(&str, &str)] = &[
    ("AUDIT_WRITE", "pods may ask for it: Docker and containerd grant it by default"),
    ("CHOWN", "volumes and image layers get their owners"),
    ("DAC_OVERRIDE", "kubelet and containerd reach files of every user"),
    ("DAC_READ_SEARCH", "containerd opens image layers by handle"),
    ("FOWNER", "modes of files that other users own"),
    ("FSETID", "set-user-id bits in image layers"),
    ("IPC_LOCK", "pods that lock memory"),
    ("IPC_OWNER", "shared memory of pods with hostIPC"),
    ("KILL", "kubelet ends the processes of every user"),
    ("LEASE", "pods may ask for it"),
    ("LINUX_IMMUTABLE", "pods may ask for it"),
    ("MAC_ADMIN", "AppArmor and SELinux labels of pods"),
    ("MAC_OVERRIDE", "AppArmor and SELinux labels of pods"),
    ("MKNOD", "device nodes in containers"),
    ("NET_ADMIN", "interfaces, routes, kube-proxy's rules"),
    ("NET_BIND_SERVICE", "host ports below 1024"),
    ("NET_BROADCAST", "pods may ask for it"),
    ("NET_RAW", "ping, and CNI plugins that send ARP"),
    ("SETFCAP", "file capabilities in image layers"),
    ("SETGID", "processes change their group"),
    ("SETPCAP", "runc drops capabilities of pods"),
    ("SETUID", "processes change their user"),
    ("SYS_ADMIN", "mounts, namespaces, control groups: the core of a node"),
    ("SYS_BOOT", "systemd's reboot call, confined to the container"),
    ("SYS_CHROOT", "containers get a root of their own"),
    ("SYS_NICE", "priorities and CPU sets of pods"),
    ("SYS_PACCT", "pods may ask for it"),
    ("SYS_PTRACE", "runc enters the namespaces of running containers, for exec"),
    ("SYS_TTY_CONFIG", "terminals of pods"),
    ("SYSLOG", "kubelet reads /dev/kmsg to see kernel events such as OOM kills"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_capability_has_a_reason_and_comes_once() {
        let mut names: Vec<_> = NODE_CAPABILITIES.iter().map(|(name, _)| *name).collect();
        assert!(names.is_sorted());
        names.dedup();
        assert_eq!(names.len(), NODE_CAPABILITIES.len());
        assert!(NODE_CAPABILITIES.iter().all(|(_, reason)| !reason.is_empty()));
        assert!(!names.contains(&"SYS_RESOURCE"), "rootless and nested daemons lack it");
    }
}
