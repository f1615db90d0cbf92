import type {
  AuthConfig,
  ContainerCreateConfig,
  ContainerCreateResponse,
  ContainerWaitResponse,
  HostConfig,
  JsonMessage,
} from "@pouchcontainer/api";
import type { FileWorkers } from "@pouchcontainer/files";
import type { Platform, Reference } from "@pouchcontainer/oci";
import type { Readable } from "node:stream";
import type { ImageDrafts } from "../images/new/image-drafts.ts";
import type { StoredImage } from "../images/store/image-store.ts";
import type { ProgressSink } from "../registry/progress.ts";

/** What builds need of images; the image manager satisfies it. */
export interface BuildImages {
  openDrafts(): Promise<ImageDrafts>;
  /** Undefined when it, or it for that platform, is not here. */
  findForBuild(ref: string, platform: string | undefined): Promise<StoredImage | undefined>;
  pull(
    request: { reference: string; tag?: string; platform?: string; auth?: AuthConfig },
    progress: ProgressSink,
    signal: AbortSignal,
  ): Promise<void>;
  /** The registry that a pull of this name asks. */
  registryOf(ref: string): string;
  /** Throws `invalidArgument` for what is none. */
  buildName(text: string): Reference;
  tellBuilt(image: StoredImage, name: Reference): string;
  platform(text: string | undefined): Platform;
}

/** What builds need of containers; the container manager satisfies it. */
export interface BuildContainers {
  /** `build` is kept with it: a container of a build that its daemon did not live to end is removed. */
  create(config: ContainerCreateConfig, from: { build: string }): Promise<ContainerCreateResponse>;
  attach(
    ref: string,
    options: { stdin: boolean; stdout: boolean; stderr: boolean; logs: boolean; stream: boolean },
  ): Promise<{ output: AsyncIterable<{ stream: "stdout" | "stderr"; data: Uint8Array }>; close(): void }>;
  start(ref: string): Promise<void>;
  wait(ref: string, condition: "not-running", signal: AbortSignal): { result: Promise<ContainerWaitResponse> };
  /** Ends and removes it with its volumes, which nobody has asked for: no plugin is asked. */
  removeOfBuild(ref: string): Promise<void>;
  /** What it changed of its image, as a layer. */
  layer(ref: string): Promise<{ tar: Readable; ended: Promise<void> }>;
  /** It stays when its build is over. */
  keepOfBuild(ref: string): Promise<void>;
  /** Ids of those that builds made. */
  ofBuilds(): string[];
}

export interface BuildDeps {
  images: BuildImages;
  containers: BuildContainers;
  files: Pick<FileWorkers, "unpack" | "send" | "removeIgnored" | "copySources" | "placeCopy" | "pack" | "layer">;
  events: { publish(event: { type: "builder"; action: "prune"; id: ""; attributes: { reclaimed: string } }): void };
  /** Where each build has a folder of its own while it runs. */
  folder: string;
  /** For what is fetched by its address. */
  web: { env: Record<string, string | undefined>; userAgent: string };
  warn(message: string, fields?: Record<string, unknown>): void;
}

/** Takes lines of progress, as Docker's JSON stream has them; resolves when the client has room for more. */
export type BuildSink = (line: JsonMessage) => Promise<void> | void;

/** What `POST /build` asks for. */
export interface BuildRequest {
  /** Cancels it by this name. */
  id?: string;
  /** Where the context comes from instead of the request's body. */
  remote?: string;
  /** Path of the Dockerfile in the context. */
  dockerfile: string;
  /** Names for the image. */
  names: readonly string[];
  /** The last stage that is wanted: its name or number. */
  target?: string;
  platform?: string;
  /** Say nothing but the image's id. */
  quiet: boolean;
  useCache: boolean;
  /** Images whose steps count as well. */
  cacheFrom: readonly string[];
  /** Pull images though they are here. */
  pull: boolean;
  /** Remove containers of steps that went well; `forceRemove`: of all. */
  remove: boolean;
  forceRemove: boolean;
  /** Without a value: nothing, though it was named. */
  arguments: ReadonlyMap<string, string | undefined>;
  labels: Record<string, string>;
  /** Of the containers of its steps. */
  hostConfig: HostConfig;
  /** Credentials by the registry's name. */
  credentials: Readonly<Record<string, AuthConfig>>;
}
