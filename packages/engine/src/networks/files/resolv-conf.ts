/** What a resolv.conf says. */
export interface ResolvConf {
  nameservers: string[];
  search: string[];
  options: string[];
}

/** What a container's own configuration asks for; an empty list asks for nothing. */
export interface DnsSettings {
  nameservers: readonly string[];
  search: readonly string[];
  options: readonly string[];
}

/** Address of the embedded resolver inside every container of a user-defined network. */
export const embeddedResolver = "127.0.0.11";

/** Used when the host names no server a container could reach, as Docker does. */
const publicServers = { v4: ["8.8.8.8", "8.8.4.4"], v6: ["2001:4860:4860::8888", "2001:4860:4860::8844"] };

export function parseResolvConf(text: string): ResolvConf {
  const parsed: ResolvConf = { nameservers: [], search: [], options: [] };
  for (const line of text.split("\n")) {
    const [keyword, ...values] = line
      .replace(/[#;].*$/, "")
      .trim()
      .split(/\s+/);
    if (values.length === 0) continue;
    if (keyword === "nameserver") parsed.nameservers.push(values[0] as string);
    else if (keyword === "search" || keyword === "domain") parsed.search = values;
    else if (keyword === "options") parsed.options.push(...values);
  }
  return parsed;
}

export function renderResolvConf(conf: ResolvConf): string {
  const lines = conf.nameservers.map((server) => `nameserver ${server}`);
  if (conf.search.length > 0) lines.push(`search ${conf.search.join(" ")}`);
  if (conf.options.length > 0) lines.push(`options ${conf.options.join(" ")}`);
  return lines.map((line) => `${line}\n`).join("");
}

/** The host's file with the container's own settings in place of what they replace. `--dns-search .` empties the list. */
export function withSettings(host: ResolvConf, settings: DnsSettings): ResolvConf {
  const search = settings.search.length > 0 ? settings.search.filter((domain) => domain !== ".") : host.search;
  return {
    nameservers: [...(settings.nameservers.length > 0 ? settings.nameservers : host.nameservers)],
    search: [...search],
    options: [...(settings.options.length > 0 ? settings.options : host.options)],
  };
}

/** Leaves out servers that listen on the host's loopback, which no other namespace reaches. */
export function reachableServers(conf: ResolvConf, options: { ipv6: boolean }): ResolvConf {
  const nameservers = conf.nameservers.filter((server) => !isLoopback(server) && (options.ipv6 || !server.includes(":")));
  if (nameservers.length === 0) nameservers.push(...publicServers.v4, ...(options.ipv6 ? publicServers.v6 : []));
  return { ...conf, nameservers };
}

/** What a container behind the embedded resolver sees: one server, names without dots asked of it as they are. */
export function behindResolver(conf: ResolvConf): ResolvConf {
  const options = saysDots(conf) ? conf.options : [...conf.options, "ndots:0"];
  return { nameservers: [embeddedResolver], search: conf.search, options };
}

/** Whether somebody chose from how many dots on a name is asked for as it is. */
export function saysDots(conf: ResolvConf): boolean {
  return conf.options.some((option) => option.startsWith("ndots:"));
}

function isLoopback(server: string): boolean {
  return server.startsWith("127.") || server === "::1";
}
