import { Type, type Static } from "typebox";
import { Descriptor, GraphDriver } from "./containers.ts";
import { HealthConfig } from "./container-config.ts";
import { flag, integer, list, map, nullable, optional, set, text } from "./wire-types.ts";

/** One entry of the list of images. -1 stands for "not computed". */
export const ImageSummary = Type.Object({
  Id: text(),
  ParentId: text(),
  RepoTags: list(text()),
  RepoDigests: list(text()),
  Created: integer("Seconds since the epoch"),
  Size: integer(),
  SharedSize: integer(),
  VirtualSize: optional(integer("Until 1.43")),
  Labels: nullable(map(text())),
  Containers: integer(),
  Descriptor: optional(Descriptor),
});
export type ImageSummary = Static<typeof ImageSummary>;

/** What an image says about the containers made of it. */
export const ImageConfigInspect = Type.Object({
  Hostname: optional(text()),
  Domainname: optional(text()),
  User: optional(text()),
  AttachStdin: optional(flag()),
  AttachStdout: optional(flag()),
  AttachStderr: optional(flag()),
  ExposedPorts: optional(set()),
  Tty: optional(flag()),
  OpenStdin: optional(flag()),
  StdinOnce: optional(flag()),
  Env: optional(nullable(list(text()))),
  Cmd: optional(nullable(list(text()))),
  Healthcheck: optional(HealthConfig),
  ArgsEscaped: optional(flag()),
  Image: optional(text()),
  Volumes: optional(nullable(set())),
  WorkingDir: optional(text()),
  Entrypoint: optional(nullable(list(text()))),
  OnBuild: optional(nullable(list(text()))),
  Labels: optional(nullable(map(text()))),
  StopSignal: optional(text()),
  Shell: optional(list(text())),
});
export type ImageConfigInspect = Static<typeof ImageConfigInspect>;

/** Everything about one image. */
export const ImageInspect = Type.Object({
  Id: text(),
  RepoTags: list(text()),
  RepoDigests: list(text()),
  Parent: text(),
  Comment: text(),
  Created: optional(text("RFC 3339")),
  Container: optional(text("Until 1.44")),
  ContainerConfig: optional(nullable(ImageConfigInspect)),
  DockerVersion: text(),
  Author: text(),
  Config: nullable(ImageConfigInspect),
  Architecture: text(),
  Variant: optional(text()),
  Os: text(),
  OsVersion: optional(text()),
  Size: integer(),
  VirtualSize: optional(integer("Until 1.43")),
  GraphDriver: GraphDriver,
  RootFS: Type.Object({ Type: text(), Layers: optional(list(text())) }),
  Metadata: Type.Object({ LastTagTime: text() }),
  Descriptor: optional(Descriptor),
});
export type ImageInspect = Static<typeof ImageInspect>;

/** One step of how an image was made. */
export const ImageHistoryItem = Type.Object({
  Id: text(),
  Created: integer("Seconds since the epoch"),
  CreatedBy: text(),
  Tags: nullable(list(text())),
  Size: integer(),
  Comment: text(),
});
export type ImageHistoryItem = Static<typeof ImageHistoryItem>;

/** One thing a removal did: a name taken off or an image deleted. */
export const ImageDeleteItem = Type.Object({ Untagged: optional(text()), Deleted: optional(text()) });
export type ImageDeleteItem = Static<typeof ImageDeleteItem>;

/** The image that was made of a container. */
export const ImageCommitResponse = Type.Object({ Id: text("`sha256:…` of its configuration") });
export type ImageCommitResponse = Static<typeof ImageCommitResponse>;

/** What a prune of images removed. */
export const ImagePruneResponse = Type.Object({
  ImagesDeleted: nullable(list(ImageDeleteItem)),
  SpaceReclaimed: integer("Bytes"),
});
export type ImagePruneResponse = Static<typeof ImagePruneResponse>;

/** Credentials for a registry, as `X-Registry-Auth` carries them. */
export const AuthConfig = Type.Object({
  username: optional(text()),
  password: optional(text()),
  auth: optional(text("base64 of user:password")),
  email: optional(text()),
  serveraddress: optional(text()),
  identitytoken: optional(text("Token to get access tokens with")),
  registrytoken: optional(text("Bearer token to send as it is")),
});
export type AuthConfig = Static<typeof AuthConfig>;

/** Answer to a login. */
export const AuthResponse = Type.Object({ Status: text(), IdentityToken: optional(text()) });
export type AuthResponse = Static<typeof AuthResponse>;
