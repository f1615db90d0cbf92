import { PodsWorld } from "./pods-world.ts";

/** A daemon's room of pods that runs, stops and removes pods without end, to be killed in the middle. Arguments: root folder, tag. */
const [root = "", tag = ""] = process.argv.slice(2);
const world = await new PodsWorld(root, tag).open();
process.stdout.write("ready\n");

async function churn(slot: number): Promise<void> {
  for (let round = 0; ; round++) {
    const pid = slot === 0 ? "pod" : "container";
    const { id } = await world.pods.run(
      world.config(`victim-${process.pid}-${slot}-${round}`, {
        namespaces: { network: "pod", ipc: "pod", pid },
        ports: [{ protocol: "tcp", containerPort: 80, hostPort: 18_800 + slot, hostIp: "" }],
      }),
    );
    if (round % 3 !== 2) await world.pods.stop(id);
    if (round % 3 !== 1) await world.pods.remove(id);
  }
}
await Promise.all([churn(0), churn(1), churn(2)]);
