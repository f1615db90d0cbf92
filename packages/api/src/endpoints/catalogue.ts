import { buildEndpoints } from "./build-endpoints.ts";
import { containerEndpoints } from "./container-endpoints.ts";
import { execEndpoints } from "./exec-endpoints.ts";
import { imageEndpoints } from "./image-endpoints.ts";
import { networkEndpoints } from "./network-endpoints.ts";
import { pluginEndpoints } from "./plugin-endpoints.ts";
import { systemEndpoints } from "./system-endpoints.ts";
import { unsupportedEndpoints } from "./unsupported-endpoints.ts";
import { volumeEndpoints } from "./volume-endpoints.ts";

/** Every operation of the API, by Docker's operation id. */
export const endpoints = {
  ...containerEndpoints,
  ...execEndpoints,
  ...imageEndpoints,
  ...buildEndpoints,
  ...volumeEndpoints,
  ...networkEndpoints,
  ...pluginEndpoints,
  ...systemEndpoints,
  ...unsupportedEndpoints,
};

/** Name of an operation. */
export type EndpointId = keyof typeof endpoints;

/** Lowest and highest version of Docker's API the server speaks. */
export const apiVersions = { minimum: "1.22", maximum: "1.51" } as const;
