import { invalidArgument } from "@pouchcontainer/errors";
import type { KeyValue } from "../../gen/runtime_v1_pb.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Variables as `NAME=value`. The runtime's specification is text: bytes that are none are refused, not changed. */
export function environment(variables: readonly KeyValue[]): string[] {
  return variables.map(({ key, value }) => {
    try {
      return `${key}=${utf8.decode(value)}`;
    } catch (cause) {
      throw invalidArgument(`envs: the value of ${key} is no UTF-8 text`, { cause });
    }
  });
}
