import type { HostAddress } from "./host-address.ts";

export interface TlsFiles {
  /** Refuse a daemon whose certificate the authority did not sign. */
  verify: boolean;
  caFile: string;
  certFile: string;
  keyFile: string;
}

export interface DialOptions {
  address: HostAddress;
  tls?: TlsFiles;
}

/** One connection, bytes in and bytes out, with back pressure both ways. Reading is possible once. */
export interface Wire extends AsyncIterable<Uint8Array> {
  /** Resolves when the bytes are on their way and more may follow. */
  write(data: Uint8Array | string): Promise<void>;
  /** Nothing more will be written; reading goes on. */
  end(): void;
  destroy(): void;
}
