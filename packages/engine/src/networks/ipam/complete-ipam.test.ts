import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseCidr } from "./cidr.ts";
import { completeIpam } from "./complete-ipam.ts";
import { chooseSubnet, dockerPools } from "./default-pools.ts";
import { hostRoutes } from "./host-routes.ts";

const around = (...networks: string[]) => ({ defaultPools: dockerPools, networks: networks.map(parseCidr), hostRoutes: [] });

test("Docker's default pools are used in order, past what is taken", () => {
  const pick = (taken: string[]) => chooseSubnet(dockerPools, 4, taken.map(parseCidr));
  assert.equal(pick([]), "172.17.0.0/16");
  assert.equal(pick(["172.17.0.0/16", "172.18.9.0/24"]), "172.19.0.0/16");
  assert.equal(pick(["172.16.0.0/12"]), "192.168.0.0/20");
  assert.equal(pick(["172.16.0.0/12", "192.168.0.0/24", "192.168.16.0/20"]), "192.168.32.0/20");
  assert.throws(() => pick(["172.16.0.0/12", "192.168.0.0/16"]), /all predefined address pools have been fully subnetted/);
});

test("a network without a subnet gets one, with the first address as gateway; IPv6 a unique local one", () => {
  const [four, six] = completeIpam({ config: [], enableIPv4: true, enableIPv6: true }, around("172.17.0.0/16"));
  assert.deepEqual(four, { Subnet: "172.18.0.0/16", Gateway: "172.18.0.1" });
  assert.match(six?.Subnet ?? "", /^fd[0-9a-f]{2}:[0-9a-f:]+\/64$/);
  assert.match(six?.Gateway ?? "", /::1$/);
});

test("overlaps, strays and disabled families are refused", () => {
  const create =
    (config: { Subnet?: string; Gateway?: string }[], networks: string[] = []) =>
    () =>
      completeIpam({ config, enableIPv4: true, enableIPv6: false }, around(...networks));
  assert.throws(
    create([{ Subnet: "10.0.0.0/24" }], ["10.0.0.0/8"]),
    /^EngineError: Pool overlaps with other one on this address space$/,
  );
  assert.throws(
    create([{ Subnet: "10.0.0.0/24" }, { Subnet: "10.0.0.128/25" }]),
    /multiple overlapping subnet configuration is not supported/,
  );
  assert.throws(create([{ Gateway: "10.0.0.1" }]), /no matching subnet for gateway/);
  assert.throws(create([{ Subnet: "fd00::/64" }]), /IPv6 disabled/);
});

test("the kernel's route tables are read, default and link-local routes left out", () => {
  const root = mkdtempSync(join(tmpdir(), "routes-"));
  mkdirSync(join(root, "net"));
  writeFileSync(
    join(root, "net/route"),
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\neth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\neth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n",
  );
  writeFileSync(
    join(root, "net/ipv6_route"),
    "fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n" +
      "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n" +
      "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n",
  );
  assert.deepEqual(
    hostRoutes(root).map((route) => route.text),
    ["192.0.2.0/24", "fd00::/64"],
  );
  rmSync(root, { recursive: true });
});
