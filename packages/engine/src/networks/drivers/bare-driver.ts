import type { NetworkDriver } from "./network-driver.ts";

/** `host` and `null`: networks without interfaces of their own. */
export function bareDriver(name: "host" | "null"): NetworkDriver {
  const nothing = () => Promise.resolve();
  return {
    name,
    resolvesNames: false,
    publishesPorts: false,
    managesAddresses: () => false,
    validate: () => undefined,
    createNetwork: nothing,
    removeNetwork: nothing,
    prepareEndpoint: () => undefined,
    attach: () => Promise.resolve({ inside: [] }),
    isAttached: () => true,
    detach: nothing,
    forget: nothing,
    vanished: nothing,
  };
}
