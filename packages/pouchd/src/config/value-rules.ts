import { isIP, isIPv4, isIPv6 } from "node:net";
import { optionSpecs, rangeText, type NumberRange, type OptionName } from "./options.ts";

/** What the values of an option have to look like: each item of a list, each entry `KEY=VALUE` of a map. */
export interface ValueRule {
  /** Completes "takes …". */
  takes: string;
  fits: (value: string) => boolean;
}

const matching = (takes: string, pattern: RegExp): ValueRule => ({ takes, fits: (value) => pattern.test(value) });

const oneOf = (...allowed: string[]): ValueRule => ({
  takes: `one of ${allowed.join(", ")}`,
  fits: (value) => allowed.includes(value),
});

const isCidr = (text: string, isAddress: (text: string) => boolean, bits: number): boolean => {
  const [address = "", length = "", ...rest] = text.split("/");
  return isAddress(address) && /^\d{1,3}$/.test(length) && Number(length) <= bits && rest.length === 0;
};

const cidr4: ValueRule = { takes: "an IPv4 subnet like 172.17.0.0/16", fits: (value) => isCidr(value, isIPv4, 32) };
const cidr6: ValueRule = { takes: "an IPv6 subnet like fd00:1::/64", fits: (value) => isCidr(value, isIPv6, 128) };
const anyCidr = (value: string): boolean => isCidr(value, isIPv4, 32) || isCidr(value, isIPv6, 128);

const isDomain = (text: string): boolean =>
  text.split(".").every((label) => /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label));

function isHostAndPort(text: string): boolean {
  const [, bracketed, host = "", port = "0"] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  return Number(port) < 65536 && (bracketed === undefined ? isDomain(host) : isIPv6(bracketed));
}

/** The longest path of a Unix socket, in bytes. */
const longestSocketPath = 107;
/** containerd takes 104 for its own, of which the longest has this name. */
const longestExecRoot = 104 - "/containerd.sock.ttrpc".length;

const isSocketPath = (path: string): boolean => path.startsWith("/") && Buffer.byteLength(path) <= longestSocketPath;

const listen: ValueRule = {
  takes: `unix:///path (at most ${longestSocketPath} bytes) or tcp://host:port`,
  fits: (value) => {
    const [, path, port] = /^(?:unix:\/\/(\/.+)|tcp:\/\/(?:[^/:[\]]*|\[[0-9A-Fa-f:.]+\]):(\d{1,5}))$/.exec(value) ?? [];
    return path === undefined ? port !== undefined && Number(port) < 65536 : isSocketPath(path);
  },
};

const unixListen: ValueRule = {
  takes: `unix:///path (at most ${longestSocketPath} bytes)`,
  fits: (value) => value.startsWith("unix://") && isSocketPath(value.slice("unix://".length)),
};

/** The rule of an option; undefined for one that takes any text. */
export function valueRule(name: OptionName): ValueRule | undefined {
  const range = optionSpecs.get(name)?.range;
  return range === undefined ? valueRules[name] : inRange(range);
}

function inRange(range: NumberRange): ValueRule {
  const { least, most = Number.MAX_SAFE_INTEGER, orZero = false } = range;
  const fits = (value: number): boolean => (orZero && value === 0) || (value >= least && value <= most);
  return { takes: rangeText(range), fits: (value) => fits(Number(value)) };
}

const valueRules: Partial<Record<OptionName, ValueRule>> = {
  // Overlay's options have it between commas, with colons between layers.
  "home-dir": matching('a folder without ":", "," and "\\" in its path', /^[^:,\\]+$/),
  // The path of a namespace is in runc's options, that of a FIFO in the URL a shim is given.
  "exec-root-dir": {
    takes: `a folder of at most ${longestExecRoot} bytes without ",", "%", "?" and "#" in its path`,
    fits: (value) => /^[^,%?#]+$/.test(value) && Buffer.byteLength(value) <= longestExecRoot,
  },
  listen,
  "listen-cri": unixListen,
  "stream-server-address": { takes: "an IP address", fits: (value) => isIP(value) !== 0 },
  containerd: {
    takes: `the path of a socket, /path or unix:///path, of at most ${longestSocketPath} bytes`,
    fits: (value) => isSocketPath(value.replace(/^unix:\/\//, "")),
  },
  "default-namespace": {
    takes: 'at most 76 letters and digits, with single ".", "_" or "-" between them',
    fits: (value) => value.length <= 76 && /^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/.test(value),
  },
  "cgroup-parent": {
    takes: 'the path of a control group, without "." and ".." in it',
    fits: (value) => /[^/]/.test(value) && value.split("/").every((name) => name !== "." && name !== ".."),
  },
  // The name of the built-in one is taken; its binary has an option of its own.
  "add-runtime": matching(
    'NAME=PATH with a name of letters, digits, "_", "." and "-" that is not runc',
    /^(?!runc=)[A-Za-z0-9][A-Za-z0-9_.-]*=.+$/,
  ),
  "cgroup-driver": oneOf("cgroupfs", "systemd"),
  "insecure-registries": {
    takes: "HOST, HOST:PORT or a subnet like 10.0.0.0/8",
    fits: (value) => isHostAndPort(value) || isIP(value) !== 0 || anyCidr(value),
  },
  // Longer names, and these, the kernel refuses; a name that begins with "-" is a flag to the programs that get it.
  "bridge-name": matching(
    'the name of a device: 1 to 15 letters, digits, "_", "." or "-", but neither lo, all nor default',
    /^(?!(?:\.{1,2}|lo|all|default)$)[A-Za-z0-9_.][A-Za-z0-9_.-]{0,14}$/,
  ),
  bip: { takes: "an IPv4 address with its prefix length, like 172.17.0.1/16", fits: cidr4.fits },
  "fixed-cidr": cidr4,
  "fixed-cidr-v6": cidr6,
  "default-gateway": { takes: "an IPv4 address", fits: isIPv4 },
  "default-gateway-v6": { takes: "an IPv6 address", fits: isIPv6 },
  // As nft's grammar has it. What is a word of its own there is found by asking it.
  "nft-table": matching(
    'a name of at most 255 letters, digits, "_", ".", "/" or "-" that begins with a letter or "_"',
    /^[A-Za-z_][A-Za-z0-9_./-]{0,254}$/,
  ),
  dns: { takes: "an IP address", fits: (value) => isIP(value) !== 0 && !value.includes("%") },
  "dns-search": { takes: 'a domain, or "." for none', fits: (value) => value === "." || isDomain(value.replace(/\.$/, "")) },
  "dns-opt": matching("an option of resolv.conf, without blanks", /^\S+$/),
  "plugin-conflicts": oneOf("log", "fail"),
  "mandatory-plugin": matching("the name of a plugin", /^(@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*$/),
  validator: matching(
    "no-host-hooks, no-seccomp-change, no-privileged or no-bind=PATH with an absolute path",
    /^(no-host-hooks|no-seccomp-change|no-privileged|no-bind=\/.*)$/,
  ),
  "plugin-journal-secrets": oneOf("mask", "omit"),
  "log-level": oneOf("debug", "info", "warn", "error"),
  label: matching("KEY=VALUE", /^[^=]+=/),
};
