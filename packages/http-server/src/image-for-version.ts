import type { ImageInspect, ImageSummary } from "@pouchcontainer/api";
import { isBelow } from "./api-version.ts";

/** An image of a list as clients of that version know it: before 1.43 one without any name is called `<none>`, and no names are null. */
export function summaryForVersion(image: ImageSummary, version: string): object {
  if (!isBelow(version, "1.43")) return withVirtualSize(image, version);
  const { RepoTags, RepoDigests } = image;
  const isNameless = RepoTags.length === 0 && RepoDigests.length === 0;
  const names = isNameless
    ? { RepoTags: ["<none>:<none>"], RepoDigests: ["<none>@<none>"] }
    : { RepoTags: nullIfEmpty(RepoTags), RepoDigests: nullIfEmpty(RepoDigests) };
  return { ...withVirtualSize(image, version), ...names };
}

/** What Docker's encoder prints of an image's configuration though it was not set. */
const unsetConfig = {
  User: "",
  Env: null,
  Cmd: null,
  Volumes: null,
  WorkingDir: "",
  Entrypoint: null,
  OnBuild: null,
  Labels: null,
};

/** The same before 1.50, when it was the configuration of a container. */
const unsetContainerConfig = {
  Hostname: "",
  Domainname: "",
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Image: "",
  ...unsetConfig,
};

/**
 * An image as clients of that version know it. Docker tells of the container an image was committed from until 1.44 only;
 * docker-compose 1 asks in the newest version and ends with `KeyError: 'ContainerConfig'` when it recreates a service: so every
 * version gets it here, with the values of `Config` (conformance/docker-compose.test.ts).
 */
export function inspectForVersion(image: ImageInspect, version: string): object {
  const config = { ...(isBelow(version, "1.50") ? unsetContainerConfig : unsetConfig), ...image.Config };
  return { ...withVirtualSize(image, version), Config: config, ContainerConfig: config };
}

/** Before 1.44 there was a second name for the size. */
function withVirtualSize<T extends ImageSummary | ImageInspect>(image: T, version: string): T {
  return isBelow(version, "1.44") ? { ...image, VirtualSize: image.Size } : image;
}

function nullIfEmpty(names: string[]): string[] | null {
  return names.length === 0 ? null : names;
}
