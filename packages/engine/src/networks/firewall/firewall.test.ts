import assert from "node:assert/strict";
import { test } from "node:test";
import { Firewall } from "./firewall.ts";
import type { FirewallNetwork } from "./ruleset.ts";

const network = (bridge: string, change: Partial<FirewallNetwork> = {}): FirewallNetwork => ({
  bridge,
  subnets: ["10.0.0.0/24"],
  internal: false,
  interContainer: true,
  masquerade: true,
  ...change,
});

/** A firewall over an nft that takes everything, or nothing. */
function firewallOver() {
  const loaded: string[] = [];
  let refusing = false;
  let damage: string | undefined;
  let afterLoad = (): void => undefined;
  const flush = (): void => void (damage = "flushed");
  const nft = {
    load: async (document: string) => {
      if (refusing) throw new Error("nft refused the rules");
      loaded.push(document);
      damage = undefined;
      afterLoad();
      return Promise.resolve();
    },
    list: () => Promise.resolve(damage ?? loaded.at(-1)),
    run: () => Promise.resolve(),
  };
  const flows = { opened: () => Promise.resolve(), closed: () => Promise.resolve() };
  const firewall = new Firewall({ nft, flows, table: "t", verifyMilliseconds: 0, warn: () => undefined });
  return {
    firewall,
    loaded,
    refuse: (refuses: boolean) => void (refusing = refuses),
    flush,
    flushAfterLoad: () => (afterLoad = flush),
  };
}

test("the table is put in place once for all networks of a start", async () => {
  const { firewall, loaded } = firewallOver();
  const networks = ["br-a", "br-b", "br-c"].map((bridge) => network(bridge));
  firewall.remember(networks, [], []);
  for (const each of networks) await firewall.setNetwork({ ...each, subnets: [...each.subnets] });
  assert.equal(loaded.length, 1);
  assert.match(loaded[0] ?? "", /br-a[\s\S]*br-b[\s\S]*br-c/);
});

test("a network that is new or another has the table replaced, also after rules that were refused", async () => {
  const { firewall, loaded, refuse } = firewallOver();
  await firewall.setNetwork(network("br-a"));
  await firewall.setNetwork(network("br-b"));
  refuse(true);
  await assert.rejects(firewall.setNetwork(network("br-a", { masquerade: false })), /refused/);
  await assert.rejects(firewall.removeNetwork("br-b"), /refused/);
  refuse(false);
  await firewall.setNetwork(network("br-a", { masquerade: false }));
  await firewall.setNetwork(network("br-b"));
  assert.equal(loaded.length, 4);
});

test("a table that is flushed again just when it is put back is put back again", async () => {
  const { firewall, flush, flushAfterLoad } = firewallOver();
  await firewall.setNetwork(network("br-a"));
  assert.equal(await firewall.verify(), false);
  flush();
  flushAfterLoad();
  assert.equal(await firewall.verify(), true);
  assert.equal(await firewall.verify(), true);
});
