import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readHostResolvConf } from "./host-dns.ts";
import { extraHosts, ownNames, renderHosts } from "./hosts-file.ts";
import { behindResolver, parseResolvConf, reachableServers, renderResolvConf, withSettings } from "./resolv-conf.ts";

const none = { nameservers: [], search: [], options: [] };

test("resolv.conf is read with its comments and written without", () => {
  const conf = parseResolvConf(
    "# made by hand\nnameserver 192.0.2.1 # first\n;nameserver 192.0.2.9\ndomain old.example\nsearch a.example b.example\noptions edns0\noptions trust-ad\n",
  );
  assert.deepEqual(conf, { nameservers: ["192.0.2.1"], search: ["a.example", "b.example"], options: ["edns0", "trust-ad"] });
  assert.equal(renderResolvConf(conf), "nameserver 192.0.2.1\nsearch a.example b.example\noptions edns0 trust-ad\n");
});

test("what a container asks for replaces the host's, each kind by itself; a dot empties the search list", () => {
  const host = { nameservers: ["192.0.2.1"], search: ["a.example"], options: ["edns0"] };
  assert.deepEqual(withSettings(host, none), host);
  assert.deepEqual(withSettings(host, { ...none, nameservers: ["192.0.2.7"] }), { ...host, nameservers: ["192.0.2.7"] });
  assert.deepEqual(withSettings(host, { ...none, search: ["."] }).search, []);
});

test("servers on the host's loopback are left out, and public ones take their place when none is left", () => {
  const conf = { nameservers: ["127.0.0.1", "::1", "192.0.2.1", "fd00::53"], search: [], options: [] };
  assert.deepEqual(reachableServers(conf, { ipv6: false }).nameservers, ["192.0.2.1"]);
  assert.deepEqual(reachableServers(conf, { ipv6: true }).nameservers, ["192.0.2.1", "fd00::53"]);
  assert.deepEqual(reachableServers({ ...conf, nameservers: ["127.0.0.53"] }, { ipv6: false }).nameservers, [
    "8.8.8.8",
    "8.8.4.4",
  ]);
});

test("behind the resolver stands one server; an ndots of the user's stays", () => {
  assert.equal(
    renderResolvConf(behindResolver({ nameservers: ["192.0.2.1"], search: ["x.example"], options: [] })),
    "nameserver 127.0.0.11\nsearch x.example\noptions ndots:0\n",
  );
  assert.deepEqual(behindResolver({ nameservers: [], search: [], options: ["ndots:3"] }).options, ["ndots:3"]);
});

test("systemd-resolved's stub is replaced by the list it forwards to", () => {
  const root = mkdtempSync(join(tmpdir(), "resolv-"));
  mkdirSync(join(root, "etc"), { recursive: true });
  mkdirSync(join(root, "run/systemd/resolve"), { recursive: true });
  writeFileSync(join(root, "etc/resolv.conf"), "nameserver 127.0.0.53\noptions edns0\n");
  writeFileSync(join(root, "run/systemd/resolve/resolv.conf"), "nameserver 192.0.2.53\n");
  assert.deepEqual(readHostResolvConf(root).nameservers, ["192.0.2.53"]);
  rmSync(root, { recursive: true });
  assert.deepEqual(readHostResolvConf(root).nameservers, []);
});

test("hosts has the loopback names, extra names and the container's own", () => {
  const text = renderHosts([
    ...extraHosts(["db:192.0.2.1", "six=[fd00::1]", "v6:fd00::2", "gw:host-gateway"], ["10.0.0.1"]),
    { address: "10.0.0.2", names: ownNames("web", "corp.example") },
    { address: "10.0.0.3", names: ownNames("web.corp", "example") },
    { address: "10.0.0.4", names: ownNames("web.corp", "") },
    { address: "10.0.0.5", names: ownNames("web", "") },
  ]);
  assert.deepEqual(text.split("\n").slice(6), [
    "192.0.2.1\tdb",
    "fd00::1\tsix",
    "fd00::2\tv6",
    "10.0.0.1\tgw",
    "10.0.0.2\tweb.corp.example web",
    "10.0.0.3\tweb.corp.example web",
    "10.0.0.4\tweb.corp web",
    "10.0.0.5\tweb",
    "",
  ]);
  assert.match(text, /^127\.0\.0\.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n/);
  assert.deepEqual(ownNames("web.corp.example", ""), ["web.corp.example", "web"]);
});
