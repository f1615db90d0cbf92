import { shownUrl } from "./shown-url.ts";

/** A request that got no usable answer. The message reads as Go's `net/http` words it, which is what Docker's users know. */
export class HttpError extends Error {
  /** Whether the same request may succeed a moment later. */
  readonly transient: boolean;
  /** The server does not speak TLS, or cannot be connected to at all. */
  readonly unreachable: boolean;
  /** The message without method and URL. */
  readonly reason: string;

  constructor(
    method: string,
    url: string,
    reason: string,
    options: { transient: boolean; unreachable?: boolean; cause?: unknown },
  ) {
    const verb = method.charAt(0) + method.slice(1).toLowerCase();
    super(`${verb} "${shownUrl(url)}": ${reason}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "HttpError";
    this.reason = reason;
    this.transient = options.transient;
    this.unreachable = options.unreachable ?? false;
  }
}

interface SystemFault {
  code?: string;
  address?: string;
  port?: number;
  hostname?: string;
  errors?: unknown[];
}

const certificateFaults: Record<string, string> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "x509: certificate signed by unknown authority",
  SELF_SIGNED_CERT_IN_CHAIN: "x509: certificate signed by unknown authority",
  DEPTH_ZERO_SELF_SIGNED_CERT: "x509: certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "x509: certificate signed by unknown authority",
  CERT_HAS_EXPIRED: "x509: certificate has expired or is not yet valid",
  ERR_TLS_CERT_ALTNAME_INVALID: "x509: certificate is not valid for this host",
};

/** Node has no code of its own for it. */
const noHandshake = /disconnected before secure TLS connection was established/;

/** A fault of the network, DNS or TLS as an `HttpError`. */
export function describeNetworkError(method: string, url: string, thrown: unknown): HttpError {
  if (thrown instanceof HttpError) return thrown;
  const fault = faultOf(thrown);
  const dial = `dial tcp ${fault.address === undefined ? new URL(url).host : addressOf(fault.address, fault.port)}`;
  const make = (reason: string, transient: boolean, unreachable: boolean): HttpError =>
    new HttpError(method, url, reason, { transient, unreachable, cause: thrown });
  switch (fault.code) {
    case "ECONNREFUSED":
      return make(`${dial}: connect: connection refused`, false, true);
    case "EHOSTUNREACH":
      return make(`${dial}: connect: no route to host`, true, true);
    case "ENETUNREACH":
      return make(`${dial}: connect: network is unreachable`, true, true);
    case "ENOTFOUND":
      return make(`dial tcp: lookup ${fault.hostname ?? new URL(url).hostname}: no such host`, false, true);
    case "EAI_AGAIN":
      return make(
        `dial tcp: lookup ${fault.hostname ?? new URL(url).hostname}: Temporary failure in name resolution`,
        true,
        true,
      );
    case "ETIMEDOUT":
      return make(fault.address === undefined ? "i/o timeout" : `${dial}: i/o timeout`, true, fault.address !== undefined);
    case "EPROTO":
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return make("http: server gave HTTP response to HTTPS client", false, true);
    default: {
      const certificate = certificateFaults[fault.code ?? ""];
      if (certificate !== undefined) return make(`tls: failed to verify certificate: ${certificate}`, false, true);
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      // Something without TLS may hang up as well as say what it is.
      return make(reason, true, noHandshake.test(reason));
    }
  }
}

/** Node tries all addresses of a name and reports them together: the first one's fault stands for all. */
function faultOf(thrown: unknown): SystemFault {
  if (typeof thrown !== "object" || thrown === null) return {};
  const fault: SystemFault = thrown;
  const first = fault.errors?.[0];
  return typeof first === "object" && first !== null ? first : fault;
}

function addressOf(address: string, port: number | undefined): string {
  const host = address.includes(":") ? `[${address}]` : address;
  return port === undefined ? host : `${host}:${port}`;
}
