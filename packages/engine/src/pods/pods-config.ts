import type { PodsConfig } from "./open-pods.ts";

/** The defaults; what is given replaces them. */
export function podsConfig(given: Partial<PodsConfig> & Pick<PodsConfig, "roots">): PodsConfig {
  return {
    cniBinDirectories: ["/opt/cni/bin", "/usr/lib/cni"],
    cniConfigDirectory: "/etc/cni/net.d",
    cniTimeoutMs: 60_000,
    cgroupDriver: "cgroupfs",
    cgroupParent: "/pouch",
    runc: "runc",
    busybox: "/bin/busybox",
    hostRoot: "",
    ...given,
  };
}
