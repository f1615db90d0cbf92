import manifest from "../package.json" with { type: "json" };

/** Put in by the build; absent when the sources run as they are. */
declare const __POUCH_VERSION__: string | undefined;

/** Version of this command line. */
export const clientVersion: string = typeof __POUCH_VERSION__ === "string" ? __POUCH_VERSION__ : manifest.version;
