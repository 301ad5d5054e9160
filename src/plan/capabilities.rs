//! The capabilities of a node container. They replace `--privileged`, which requests every
//! capability of the kernel, so that a daemon that lacks one cannot grant it.

/// Each capability with its reason.
pub(super) const NODE_CAPABILITIES: &[(&str, &str)] = &[
    ("AUDIT_WRITE", "pods can request it: Docker and containerd grant it by default"),
    ("CHOWN", "owners of files in volumes and image layers"),
    ("DAC_OVERRIDE", "kubelet and containerd access files of every user"),
    ("DAC_READ_SEARCH", "containerd opens image layers by handle"),
    ("FOWNER", "modes of files that other users own"),
    ("FSETID", "set-user-id bits in image layers"),
    ("IPC_LOCK", "pods that lock memory"),
    ("IPC_OWNER", "shared memory of pods with hostIPC"),
    ("KILL", "kubelet stops processes of every user"),
    ("LEASE", "pods can request it"),
    ("LINUX_IMMUTABLE", "pods can request it"),
    ("MAC_ADMIN", "AppArmor and SELinux labels of pods"),
    ("MAC_OVERRIDE", "AppArmor and SELinux labels of pods"),
    ("MKNOD", "device nodes in containers"),
    ("NET_ADMIN", "interfaces, routes, kube-proxy's rules"),
    ("NET_BIND_SERVICE", "host ports below 1024"),
    ("NET_BROADCAST", "pods can request it"),
    ("NET_RAW", "ping, and CNI plugins that send ARP"),
    ("SETFCAP", "file capabilities in image layers"),
    ("SETGID", "processes change their group"),
    ("SETPCAP", "runc drops capabilities of pods"),
    ("SETUID", "processes change their user"),
    ("SYSLOG", "kubelet reads /dev/kmsg to see kernel events such as OOM kills"),
    ("SYS_ADMIN", "mounts, namespaces, control groups: the core of a node"),
    ("SYS_BOOT", "systemd's reboot call, confined to the container"),
    ("SYS_CHROOT", "containers have their own root"),
    ("SYS_NICE", "priorities and CPU sets of pods"),
    ("SYS_PACCT", "pods can request it"),
    ("SYS_PTRACE", "runc enters the namespaces of running containers, for exec"),
    ("SYS_TTY_CONFIG", "terminals of pods"),
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
