import type { Static } from "typebox";
import { AuthConfig } from "./images.ts";
import { Ulimit } from "./resources.ts";
import { list, map, text } from "./wire-types.ts";

/** What `POST /build` has as JSON in its query and its headers. */

/** Labels for the image. */
export const BuildLabels = map(text());
export type BuildLabels = Static<typeof BuildLabels>;

/** Limits of the containers of steps. */
export const BuildUlimits = list(Ulimit);
export type BuildUlimits = Static<typeof BuildUlimits>;

/** Names of images. */
export const BuildImageNames = list(text());
export type BuildImageNames = Static<typeof BuildImageNames>;

/** Credentials by the registry's name, as clients keep them. */
export const RegistryConfig = map(AuthConfig);
export type RegistryConfig = Static<typeof RegistryConfig>;
