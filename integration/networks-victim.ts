import { NetworksWorld } from "./networks-world.ts";

/**
 * A daemon's network room that starts, connects, disconnects and stops containers without end, to be killed in the middle.
 * Arguments: root folder, tag, bridge name, its address, the subnet of the network that is connected.
 */
const [root = "", tag = "", bridge = "", bip = "", subnet = ""] = process.argv.slice(2);
const world = new NetworksWorld({
  root,
  tag,
  bridge: { name: bridge, bip, ipv6: false, interContainer: true, masquerade: true },
});
await world.open();
await world.networks.sandboxes.restore([]);
for (const network of await world.networks.manager.list({ name: ["churn"] })) await world.networks.manager.remove(network.Id);
await world.networks.manager.create({ Name: "churn", IPAM: { Config: [{ Subnet: subnet }] } });
process.stdout.write("ready\n");

async function churn(slot: number): Promise<void> {
  for (let round = 0; ; round++) {
    const container = await world.start(`c${slot}-${round}`, {
      hostConfig: { PortBindings: { "80/tcp": [{ HostPort: String(18700 + slot) }] } },
    });
    await world.networks.manager.connect("churn", { Container: container.id });
    await world.networks.manager.disconnect("churn", { Container: container.id });
    await world.stop(container);
    world.containers.delete(container.id);
  }
}
await Promise.all([churn(0), churn(1), churn(2)]);
