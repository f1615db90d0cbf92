import { internal } from "@pouchcontainer/errors";
import type { Backend } from "../backend.ts";

/** The methods of a backend a test needs, by resource. */
export type FakeMethods = { [R in keyof Backend]?: Partial<Backend[R]> };

/** A backend with these methods; any other that is called fails the request with its name. `ping` works. */
export function fakeBackend(methods: FakeMethods): Backend {
  return {
    containers: room("containers", methods.containers),
    exec: room("exec", methods.exec),
    images: room("images", methods.images),
    builds: room("builds", methods.builds),
    volumes: room("volumes", methods.volumes),
    networks: room("networks", methods.networks),
    orphans: room("orphans", methods.orphans),
    plugins: room("plugins", methods.plugins),
    system: room("system", { ping: async () => undefined, ...methods.system }),
  };
}

function room<T extends object>(name: string, methods: Partial<T> = {}): T {
  const proxy = new Proxy(methods, {
    get: (target, key) => {
      const method: unknown = Reflect.get(target, key);
      if (method !== undefined || key === "listJson") return method;
      return () => {
        throw internal(`the test's backend has no ${name}.${String(key)}`);
      };
    },
  });
  // Every key answers: with the test's method, or with one that throws.
  return proxy as T;
}
