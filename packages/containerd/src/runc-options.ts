import { create, toBinary } from "@bufbuild/protobuf";
import { TypeUrl } from "./any.ts";
import { OptionsSchema } from "./gen/runc_options_pb.ts";
import type { AnyValue, RuncOptions } from "./types.ts";

/** Packs the options of the runc shim for `ContainerRecord.runtime.options`. */
export function runcOptions(options: RuncOptions): AnyValue {
  return { typeUrl: TypeUrl.runcOptions, value: toBinary(OptionsSchema, create(OptionsSchema, options)) };
}
