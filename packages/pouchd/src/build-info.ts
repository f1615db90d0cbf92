declare const __POUCH_VERSION__: string | undefined;
declare const __POUCH_COMMIT__: string | undefined;
declare const __POUCH_BUILD_TIME__: string | undefined;

/** What `hack/build` wrote into the executable; run from source, a development version. */
export const buildInfo = {
  version: typeof __POUCH_VERSION__ === "string" ? __POUCH_VERSION__ : "0.0.0-dev",
  commit: typeof __POUCH_COMMIT__ === "string" ? __POUCH_COMMIT__ : "unknown",
  buildTime: typeof __POUCH_BUILD_TIME__ === "string" ? __POUCH_BUILD_TIME__ : "",
};
