import { secretMask } from "@pouchcontainer/api";

/** A URL as it may be told and kept: without a password, or a token in its place, and without a query, which may be signed. */
export function shownUrl(url: string): string {
  const [plain = ""] = url.split(/[?#]/, 1);
  return plain.replace(/^([a-z][a-z0-9+.-]*:\/\/)?[^/]*@/i, `$1${secretMask}@`);
}
