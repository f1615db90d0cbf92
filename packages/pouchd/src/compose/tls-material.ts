import { invalidArgument } from "@pouchcontainer/errors";
import { addressText, parseListenAddress, type ListenAddress, type TlsMaterial } from "@pouchcontainer/http-server";
import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { Configuration } from "../config/options.ts";

/**
 * Where the API is served. A TCP port whose clients need no certificate is refused, unless it was asked for in words; then it is
 * said at every start.
 */
export function listenAddresses(configuration: Configuration, warn: (message: string) => void): ListenAddress[] {
  const tls = tlsMaterial(configuration, warn);
  const addresses = configuration.listen.map((text) => parseListenAddress(text, configuration.group, tls));
  for (const address of addresses) {
    if ("socketPath" in address || address.tls?.clientCa !== undefined) continue;
    const open = `${addressText(address)} is served ${address.tls ? "with TLS to clients without a certificate" : "without TLS"}: whoever reaches it is root on this host`;
    if (!configuration["allow-unauthenticated-tcp"])
      throw invalidArgument(
        `${open}; give --tlsverify with --tlscacert, --tlscert and --tlskey, or, if that is meant, --allow-unauthenticated-tcp`,
      );
    warn(open);
  }
  return addresses;
}

/** What `--tlscert`, `--tlskey` and, with `--tlsverify`, `--tlscacert` hold; undefined where TCP is to be plain. */
export function tlsMaterial(
  configuration: Configuration,
  warn: (message: string) => void = () => undefined,
): TlsMaterial | undefined {
  const { tlsverify, tlscacert } = configuration;
  const pair = keyPair(configuration, "", warn);
  return pair && tlsverify && tlscacert ? { ...pair, clientCa: certificates("tlscacert", tlscacert) } : pair;
}

/** The same of CRI's streams; a CA alone makes clients show a certificate. */
export function streamTlsMaterial(
  configuration: Configuration,
  warn: (message: string) => void = () => undefined,
): TlsMaterial | undefined {
  const ca = configuration["stream-tlscacert"];
  const pair = keyPair(configuration, "stream-", warn);
  if (ca && !pair) throw invalidArgument("--stream-tlscacert needs --stream-tlscert and --stream-tlskey");
  return pair && ca ? { ...pair, clientCa: certificates("stream-tlscacert", ca) } : pair;
}

function keyPair(
  configuration: Configuration,
  prefix: "" | "stream-",
  warn: (message: string) => void,
): Omit<TlsMaterial, "clientCa"> | undefined {
  const [certName, keyName] = [`${prefix}tlscert`, `${prefix}tlskey`] as const;
  const { [certName]: certFile, [keyName]: keyFile } = configuration;
  if (!certFile && !keyFile) return undefined;
  if (!certFile || !keyFile) throw invalidArgument(`--${certName} and --${keyName} go together: one of them is missing`);
  const pair = { cert: read(certName, certFile), key: read(keyName, keyFile) };
  if ((statSync(keyFile).mode & 0o007) !== 0)
    warn(`--${keyName}: ${keyFile} can be read by every user of this host; make it 0600`);
  return pair;
}

/** Node takes a file without any for one by which nobody is let in. */
function certificates(flag: string, file: string): string {
  const text = read(flag, file);
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0 || !found.every(isCertificate))
    throw invalidArgument(`--${flag}: ${file} holds no certificate in PEM format, or one that cannot be read`);
  return text;
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

function read(flag: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw invalidArgument(`--${flag}: ${file} cannot be read`, { cause });
  }
}
