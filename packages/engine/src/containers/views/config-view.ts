import type { ContainerConfig } from "@pouchcontainer/api";

/** What Docker's encoder prints for fields that were not set; everything else is left out when it is empty. */
const unset = {
  Hostname: "",
  Domainname: "",
  User: "",
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: null,
  Cmd: null,
  Image: "",
  Volumes: null,
  WorkingDir: "",
  Entrypoint: null,
  OnBuild: null,
  Labels: {},
};

/** `Config` as inspect prints it: an empty command or entry point is null there. */
export function configView(config: ContainerConfig): ContainerConfig {
  const { Cmd, Entrypoint, ...rest } = config;
  return {
    ...unset,
    ...rest,
    Cmd: Cmd?.length ? Cmd : null,
    Entrypoint: Entrypoint?.length ? Entrypoint : null,
    // Docker's nulls stand for absent fields, which is what the schema calls them.
  } as ContainerConfig;
}
