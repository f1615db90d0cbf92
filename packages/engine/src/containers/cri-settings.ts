import type { CdiEdits } from "./cdi/cdi-spec.ts";

/**
 * What a container of CRI may ask that Docker's create body has no word for. Everything else is said in that body, where plugins see
 * it: user and group (`User`), masked and read-only paths, no-new-privileges and seccomp (`SecurityOpt`), propagation and recursive
 * read-only mounts (`Mounts`, `BindOptions`), limits, oom score, runtime (`Runtime`).
 */
export interface CriSettings {
  /** What CRI's clients are told again as they said it. */
  identity?: CriIdentity;
  /** Capabilities that survive the change to a user other than root. With or without `CAP_`. */
  ambientCapabilities?: readonly string[];
  /** Host path of a seccomp profile, read once, at create. It takes the place of what `SecurityOpt` says. */
  seccompPath?: string;
  /** Group ids of the first process besides its own. */
  supplementalGroups?: readonly number[];
  /** Whether the user's groups in the image's /etc/group count too. Default `merge`. */
  supplementalGroupsPolicy?: "merge" | "strict";
  /** CDI names, `vendor.com/class=device`. */
  cdiDevices?: readonly string[];
  /** Files of images, read-only. */
  imageVolumes?: readonly ImageVolume[];
  /** `2MB`, `1GB`: bytes. Left out where the machine has no such controller. */
  hugepageLimits?: readonly HugepageLimit[];
  /** cgroup v2 files by name, written as they are. */
  unified?: Readonly<Record<string, string>>;
}

/** Of a container as CRI knows it; nothing of it changes what runs. */
export interface CriIdentity {
  /** Within its pod. */
  name: string;
  attempt: number;
  /** As the request named it. */
  image: string;
  /** Those of the request, without the image's. */
  labels: Readonly<Record<string, string>>;
  annotations: Readonly<Record<string, string>>;
  /** As they were asked for: the kubelet looks for its own among them. */
  mounts: readonly CriMount[];
}

export interface CriMount {
  containerPath: string;
  hostPath: string;
  readonly: boolean;
  recursiveReadOnly: boolean;
  propagation: "private" | "hostToContainer" | "bidirectional";
  selinuxRelabel: boolean;
  image?: string;
  imageSubPath?: string;
}

export interface HugepageLimit {
  pageSize: string;
  limitBytes: number;
}

export interface ImageVolume {
  /** Reference or id of an image that is here. */
  image: string;
  destination: string;
  /** A folder below the image's root; default all of it. */
  subPath?: string;
}

/** An image as it was found at create. */
export interface RecordedImageVolume extends ImageVolume {
  imageId: string;
  /** Of its top layer. */
  chainId: string;
}

/** What is remembered of them: files that were named are read. */
export interface CriRecord extends Omit<CriSettings, "seccompPath" | "cdiDevices" | "imageVolumes"> {
  imageVolumes?: readonly RecordedImageVolume[];
  /** What the CDI devices add, and their names. */
  cdi?: { names: readonly string[]; edits: CdiEdits };
}
