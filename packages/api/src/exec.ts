import { Type, type Static } from "typebox";
import { flag, integer, list, nullable, optional, text, unsigned, words } from "./wire-types.ts";

/** Body of an exec create. */
export const ExecCreateConfig = Type.Object({
  User: optional(text()),
  Privileged: optional(flag()),
  Tty: optional(flag()),
  ConsoleSize: optional(Type.Array(unsigned(), { minItems: 2, maxItems: 2, description: "[height, width]" })),
  AttachStdin: optional(flag()),
  AttachStderr: optional(flag()),
  AttachStdout: optional(flag()),
  Detach: optional(flag()),
  DetachKeys: optional(text()),
  Env: optional(list(text())),
  WorkingDir: optional(text()),
  Cmd: optional(words()),
});
export type ExecCreateConfig = Static<typeof ExecCreateConfig>;

/** Answer to an exec create. */
export const ExecCreateResponse = Type.Object({ Id: text() });
export type ExecCreateResponse = Static<typeof ExecCreateResponse>;

/** Body of an exec start. */
export const ExecStartConfig = Type.Object({
  Detach: optional(flag()),
  Tty: optional(flag()),
  ConsoleSize: optional(Type.Array(unsigned(), { minItems: 2, maxItems: 2, description: "[height, width]" })),
});
export type ExecStartConfig = Static<typeof ExecStartConfig>;

/** The process of an exec. */
export const ExecProcessConfig = Type.Object({
  tty: flag(),
  entrypoint: text(),
  arguments: list(text()),
  privileged: optional(flag()),
  user: optional(text()),
});
export type ExecProcessConfig = Static<typeof ExecProcessConfig>;

/** Everything about one exec. `ExitCode` is null until it ended. */
export const ExecInspect = Type.Object({
  ID: text(),
  Running: flag(),
  ExitCode: nullable(integer()),
  ProcessConfig: ExecProcessConfig,
  OpenStdin: flag(),
  OpenStderr: flag(),
  OpenStdout: flag(),
  CanRemove: flag(),
  ContainerID: text(),
  DetachKeys: text(),
  Pid: integer(),
});
export type ExecInspect = Static<typeof ExecInspect>;
