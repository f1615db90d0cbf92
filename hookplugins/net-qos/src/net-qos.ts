import { invalidArgument, registerContainerPlugin, type PreStartHook } from "@pouchcontainer/plugin-sdk";

/** Reads the pid from the container's state, which runc hands to a hook on standard input; `$pid` is what the commands use. */
const readPid = 'pid=$(tr -d "\\n" | sed -n \'s/.*"pid": *\\([0-9]*\\).*/\\1/p\')';

/** The network is set up at priority 0: above it the namespace is bare, below it complete. */
const beforeNetwork = 10;
const afterNetwork = -10;

function hook(priority: number, commands: string, env: string[] = []): PreStartHook {
  return {
    priority,
    args: ["/bin/sh", "-ec", `${readPid}\n${commands}`],
    env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", ...env],
    timeoutSeconds: 10,
  };
}

registerContainerPlugin({
  preStart(container) {
    const labels = container.Config.Labels ?? {};
    const { "net-qos.rate": rate, "net-qos.somaxconn": backlog, "net-qos.report": report } = labels;
    const hooks: PreStartHook[] = [];
    if (backlog !== undefined) {
      if (!/^\d{1,6}$/.test(backlog)) throw invalidArgument(`label net-qos.somaxconn must be a number, got "${backlog}"`);
      // Set before any interface exists, so that no connection is ever taken with the old value.
      hooks.push(
        hook(beforeNetwork, 'nsenter -t "$pid" -n sh -c "echo $BACKLOG > /proc/sys/net/core/somaxconn"', [`BACKLOG=${backlog}`]),
      );
    }
    if (rate !== undefined) {
      if (!/^\d{1,6}(k|m|g)?bit$/.test(rate))
        throw invalidArgument(`label net-qos.rate must be a rate such as 10mbit, got "${rate}"`);
      // The interface is there only after the network.
      hooks.push(
        hook(afterNetwork, 'nsenter -t "$pid" -n tc qdisc replace dev eth0 root tbf rate "$RATE" burst 32kbit latency 400ms', [
          `RATE=${rate}`,
        ]),
      );
    }
    if (report !== undefined) {
      if (!/^\/[\w./-]+$/.test(report)) throw invalidArgument(`label net-qos.report must be an absolute path, got "${report}"`);
      for (const [priority, when] of [
        [beforeNetwork, "before"],
        [afterNetwork, "after"],
      ] as const) {
        hooks.push(hook(priority, 'nsenter -t "$pid" -n ip -o addr show > "$REPORT"', [`REPORT=${report}.${when}`]));
      }
    }
    return hooks;
  },
});
