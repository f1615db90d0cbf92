import { bool, text } from "./flags/flag-types.ts";

/** Understood before and after every command. */
export const globalFlags = {
  config: text("Folder of the client's configuration", { shownDefault: "~/.pouch" }),
  debug: bool("Say more about what is going on", { short: "D" }),
  host: text("Address of the daemon: unix:///path, tcp://host:port", { short: "H", shownDefault: "unix:///var/run/pouchd.sock" }),
  tls: bool("Use TLS; implied by --tlsverify"),
  tlscacert: text("Certificate of the authority to trust", { shownDefault: "<config>/ca.pem" }),
  tlscert: text("Certificate to present", { shownDefault: "<config>/cert.pem" }),
  tlskey: text("Key of that certificate", { shownDefault: "<config>/key.pem" }),
  tlsverify: bool("Use TLS and verify the daemon"),
  help: bool("Print usage"),
} as const;
