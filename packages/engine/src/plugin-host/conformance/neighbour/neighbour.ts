import { registerContainerPlugin } from "@pouchcontainer/plugin-sdk";

/** What is in the same process as the plugin under test, and in no chain. */
registerContainerPlugin({ preStop() {} });
